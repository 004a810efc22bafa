"""paidan lifecycle: who may do what, when, and what comes of it."""

import json

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.stack import AsJson
from services.dispatch.rules.cases import told as cases
from services.dispatch.rules.lifecycle import told
from services.dispatch.rules.lifecycle.told import Told
from services.dispatch.rules.words import Words

__all__ = ["register"]

HEADINGS = ("状态 status", "操作 action", "条件 when", "谁 who", "此后 then", "另外 also")


def lifecycle(as_json: AsJson = False) -> None:
    """The life of assignments, orders, special cases and commitments as tables: in which status who may do what, and
    what comes of it. What is in none is refused. 流转规则"""
    tables = {
        "assignments": told.assignments(),
        "orders": told.orders(),
        "special_cases": cases.cases(),
        "commitments": cases.commitments(),
    }
    if as_json:
        plain = {name: [_plain(line) for line in lines] for name, lines in tables.items()}
        print(json.dumps(plain, ensure_ascii=False))
        return
    console = Console(width=None if Console().is_terminal else 240)
    console.print(_table("派遣单 Assignments", tables["assignments"]))
    console.print(_table("工单 Orders", tables["orders"]))
    console.print(_table("专项 Special cases", tables["special_cases"]))
    console.print(_table("承诺事项 Commitments", tables["commitments"]))


def _plain(line: Told) -> dict[str, object]:
    return {
        name: [word._asdict() for word in value]
        if isinstance(value, tuple) and not isinstance(value, Words)
        else value._asdict()
        for name, value in line._asdict().items()
    }


def _table(title: str, lines: tuple[Told, ...]) -> Table:
    table = Table(*HEADINGS, title=title, title_justify="left", box=None, pad_edge=False)
    last = None
    for line in lines:
        if last not in (None, line.status):
            table.add_section()
            table.add_row()
        table.add_row(
            _both(line.status) if line.status != last else "",
            _both(line.action),
            _both(line.when),
            "\n".join(_both(who) for who in line.who),
            _both(line.to) if line.to != line.status else "不变 stays",
            "\n".join(_both(effect) for effect in line.also),
        )
        last = line.status
    return table


def _both(words: Words) -> str:
    return f"{words.zh} {words.en}".strip()


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lifecycle")(lifecycle)
