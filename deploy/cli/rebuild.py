"""paidan rebuild: make supervision's or the router's view of orders anew, while the city works on."""

import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.cli.stack import AsJson, city_of, explaining, stack_here
from deploy.stack.beside import said_by
from deploy.stack.keys import issue_token
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import Process
from schemas.vocabulary import Role

__all__ = ["register", "steps_of"]

_STEPS = {
    "begin": "beginning · 开始",
    "history": "reading the history · 读取历史",
    "indexes": "making indexes · 建立索引",
    "following": "catching up · 追赶",
    "approach": "comparing · 比对",
    "swap": "changing over · 切换",
    "done": "done · 完成",
}


class ViewName(StrEnum):
    """A service whose view of orders can be made anew."""

    ROUTER = "router"
    SUPERVISION = "supervision"


def run_rebuild(
    view: Annotated[ViewName, typer.Argument(help="Whose view: router (matters) or supervision (clocks).")],
    city: Annotated[str, typer.Option(help="A city pack; default: the one the running service has.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a view of orders anew out of dispatch's history, and let it take the place of the present one. 重建视图

    Traffic goes on meanwhile; the present view is used until the new one is whole, and only then replaced, in one
    moment. Ended half-way, nothing has happened: begin again. Use it when a view is in doubt (a restored database, rows
    lost or changed by hand), and after a change of the city pack that past orders shall follow.
    """
    with explaining():
        told: dict[str, Any] = {}
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}% · {task.fields[facts]} facts"),
            TimeElapsedColumn(),
            disable=as_json or not sys.stdout.isatty(),
        ) as bar:
            task = bar.add_task(_STEPS["begin"], total=1.0, facts=0)
            for told in steps_of(stack_here(), view, city):
                if told["event"] == "rebuilding":
                    bar.update(task, description=_STEPS[told["step"]], completed=told["share"], facts=told["facts"])
    said = {key: value for key, value in told.items() if key in ("facts", "announced", "withdrawn", "late", "lost")}
    print(json.dumps({"view": view.value, **said}) if as_json else f"{view} rebuilt · 已重建 ({_words(said)})")


def steps_of(stack: Stack, view: str, city: str = "") -> Iterator[dict[str, Any]]:
    """Rebuild, and tell each step of the process as it says it. The last one holds everything it counted. Raises
    Trouble with its own words when it fails; ends it when we are ended."""
    stack = Stack(stack.home.root, stack.ports.base, city or city_of(stack, view))
    told: dict[str, Any] = {"event": "rebuilding"}
    advice = "the present view is as it was; mend that and begin again"
    for said in said_by(stack, Process(view, "rebuild"), ("rebuilding", "rebuilt"), _token(stack, view), advice):
        told |= said
        yield said
    yield told


def _token(stack: Stack, view: str) -> dict[str, str]:
    token = issue_token(Role.SERVICE, subject=f"rebuild-{view}", home=stack.home)
    return {"PAIDAN_DISPATCH_TOKEN": token}


def _words(said: dict[str, Any]) -> str:
    return ", ".join(f"{value} {key}" for key, value in said.items())


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rebuild")(run_rebuild)
