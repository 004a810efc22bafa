"""paidan tasks push: a list of tasks from a file down to the units that shall do them."""

import asyncio
import csv
import json
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.cli.stack import AsJson, explaining, stack_here
from deploy.stack.keys import issue_token
from deploy.stack.trouble import Trouble
from schemas.vocabulary import Role

__all__ = ["register"]

PORTION = 1_000
UNDER_WAY = 2  # portions sent at a time: one is written while the next is read
group = typer.Typer(help="Lists of tasks that a centre pushes down to its units. 任务清单")
_FIELDS = ("key", "unit", "text", "address", "lon", "lat")


@group.callback()
def _tasks() -> None:
    """A group, however few commands it has."""


@group.command("push")
def push(
    file: Annotated[Path, typer.Argument(help="CSV with a header (key,unit,text,address,lon,lat), or NDJSON.")],
    title: Annotated[str, typer.Option(help="What people read; one list of a title for each centre.")],
    unit: Annotated[str, typer.Option(help="The centre that pushes it, for example 310101-centre.")],
    class_key: Annotated[str, typer.Option("--class", help="The class of every row, standard/kind/code.")],
    due: Annotated[datetime | None, typer.Option(help="Until when, local time.")] = None,
    verification: Annotated[str, typer.Option(help="none, site or call: which check is due.")] = "none",
    errors: Annotated[Path | None, typer.Option(help="Where bad rows go; FILE.errors.csv unless given.")] = None,
    url: Annotated[str, typer.Option(help="Dispatch elsewhere, with a token in PAIDAN_TOKEN.")] = "",
    token: Annotated[str, typer.Option(envvar="PAIDAN_TOKEN", hidden=True)] = "",
    as_json: AsJson = False,
) -> None:
    """Every row becomes an order, offered to its unit. Pushing again changes nothing that is there: mend the rows that
    the error file names, or go on after a broken line, with the same command. 下派任务清单

    Exit code 1 when a row was refused.
    """
    console = Console(stderr=True)
    with explaining():
        if not url:
            stack = stack_here()
            url = f"http://127.0.0.1:{stack.ports.of('dispatch-api')}"
            token = token or issue_token(Role.DISPATCHER, subject=f"tasks@{unit}", unit=unit, home=stack.home)
        announced = {"title": title, "class": class_key, "verification": verification}
        if due is not None:
            announced["due"] = due.astimezone().isoformat()
        told = asyncio.run(_push(url, token, announced, list(_rows(file)), console))
    place = errors or file.with_name(file.name + ".errors.csv")
    if told["errors"]:
        with place.open("w", encoding="utf-8-sig", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(("line", "key", "code", "cause", *_FIELDS[1:]))
            writer.writerows(told["errors"])
    refused = len(told.pop("errors"))
    if as_json:
        print(json.dumps(told | {"refused": refused, "error_file": str(place) if refused else None}))
    else:
        console.print(f"{told['opened']:,} opened, {told['repeated']:,} there already, {refused:,} refused")
        if refused:
            console.print(f"[red]see {place}[/]")
    if refused:
        raise typer.Exit(1)


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows with their lines in the file. Raises Trouble for a file that cannot be read at all."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            if file.suffix.lower() == ".csv":
                reader = csv.DictReader(lines, strict=True)
                for row in reader:
                    yield reader.line_num, {name: cell for name, cell in row.items() if cell and name}
                return
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, json.loads(line)
    except (OSError, UnicodeDecodeError, csv.Error, json.JSONDecodeError) as error:
        raise Trouble(f"{file} cannot be read: {error}", "it must be UTF-8 CSV with a header, or NDJSON") from error


async def _push(
    url: str, token: str, announced: dict[str, Any], rows: list[tuple[int, dict[str, Any]]], console: Console
) -> dict[str, Any]:
    told: dict[str, Any] = {"opened": 0, "repeated": 0, "errors": []}
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    async with httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=60) as client:
        told["list_id"] = (await _ask(client, "/v1/tasks", json.dumps(announced)))["list_id"]
        left = iter(rows)
        with bar:
            step = bar.add_task("rows 行", total=len(rows))

            async def work() -> None:
                while portion := list(islice(left, PORTION)):
                    text = "[" + ",".join(json.dumps(_numbers(row), ensure_ascii=False) for _, row in portion) + "]"
                    said = await _ask(client, f"/v1/tasks/{told['list_id']}/rows", text)
                    told["opened"] += said["opened"]
                    told["repeated"] += said["repeated"]
                    for item in said["items"]:
                        line, row = portion[item["index"]]
                        problem = item["problem"]
                        cause = f"{problem['title']} {problem['title_zh']}: {problem['detail']}"
                        told["errors"].append(
                            (line, row.get("key", ""), problem["code"], cause, *(row.get(f, "") for f in _FIELDS[1:]))
                        )
                    bar.advance(step, len(portion))

            await asyncio.gather(*(work() for _ in range(UNDER_WAY)))
    told["errors"].sort(key=lambda row: row[0])
    return told


def _numbers(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its coordinates as numbers where they are."""
    made = dict(row)
    for name in ("lon", "lat"):
        try:
            made[name] = float(made[name])
        except (KeyError, TypeError, ValueError):
            continue
    return made


async def _ask(client: httpx.AsyncClient, path: str, text: str) -> dict[str, Any]:
    """An answer; waits out a service that is away for a while. Raises Trouble for a refusal."""
    for _ in range(30):
        try:
            reply = await client.post(path, content=text.encode(), headers={"content-type": "application/json"})
        except httpx.TransportError:
            await asyncio.sleep(1)
            continue
        if reply.status_code in (503, 504):
            await asyncio.sleep(1)
            continue
        body: dict[str, Any] = reply.json()
        if reply.status_code != 200:
            raise Trouble(f"{body.get('title')} ({body.get('code')}): {body.get('detail')}", str(body.get("title_zh")))
        return body
    raise Trouble("dispatch does not answer", "run the same command again: what is through stays, the rest follows")


def register(app: typer.Typer) -> None:
    """Add `tasks push`."""
    app.add_typer(group, name="tasks")
