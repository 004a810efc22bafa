"""paidan replay: real published history through the running system, compared with what really came of it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.cli.stack import AsJson, explaining
from deploy.replay.compare import Ours, Outcome, compare
from deploy.replay.filing import class_keys
from deploy.replay.offline import ours_by_rules
from deploy.replay.records import Record, read, source_of
from deploy.replay.report import as_data, passes, show
from deploy.replay.send import Addresses, Refusal, Sender, Stuck
from deploy.stack.home import Home
from deploy.stack.keys import issue_token
from deploy.stack.lifecycle import Stack
from deploy.stack.ports import base_of_environment
from deploy.stack.trouble import Trouble
from schemas.city import City
from services.chassis.city import load

__all__ = ["register"]

PACK = Path(__file__).resolve().parents[1] / "cities" / "boston"
OWN_PORTS = 400  # how far above the stack of this home the replay's own stack counts its ports
OWN_HOME = "replay-boston"
WIDTH = 100  # what the table needs


def run_replay(
    what: Annotated[str, typer.Argument(help="boston, or a file in the form of the published one.")] = "boston",
    data: Annotated[
        Path | None, typer.Option(envvar="PAIDAN_DATA", help="Folder that holds 311/boston311_2011H2.csv.gz.")
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Only the first N rows.")] = None,
    offline: Annotated[bool, typer.Option(help="Ask the rules alone; start and send nothing.")] = False,
    here: Annotated[
        bool, typer.Option(help="Use the stack that runs (started with --city boston) instead of one of its own.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send real published requests through intake with their own times, their published closings through dispatch, and
    compare our deadlines and on-time flags with the published ones, row by row. 回放

    Boston's 311 requests of 2011. Without --data (or PAIDAN_DATA) the 500 rows that ship are used. A stack of its own
    is started for it and stopped afterwards; what was sent stays there, and sending it again changes nothing. Exit code
    0 when at least 99 % of the deadlines that have a rule are the published ones.
    """
    console = Console(stderr=as_json)
    console.width = max(console.width, WIDTH)
    source = source_of(data) if what == "boston" else Path(what)
    try:
        records = list(read(source, rows))
    except (FileNotFoundError, ValueError) as trouble:
        console.print(f"paidan: {trouble}", style="red")
        raise typer.Exit(2) from trouble
    if what == "boston" and data is None:
        console.print(
            f"[bold yellow]No --data and no PAIDAN_DATA: only the {len(records)} rows that ship are replayed.[/]\n"
            "没有指定数据目录，只回放随附的摘录。SOURCES.md of the city pack says where the whole file is published."
        )
    city = load(PACK)
    ours = ours_by_rules(records, city) if offline else _through_services(records, city, console, here=here)
    outcome = compare(records, ours)
    _print(outcome, str(source), console, as_json)
    if not passes(outcome):
        raise typer.Exit(1)


def _print(outcome: Outcome, source: str, console: Console, as_json: bool) -> None:
    if as_json:
        print(json.dumps(as_data(outcome, source), ensure_ascii=False, indent=1))
    else:
        show(outcome, console)


def _through_services(records: list[Record], city: City, console: Console, *, here: bool) -> dict[str, Ours]:
    with explaining(), _stack(here) as (stack, home):
        at = Addresses(*(f"http://127.0.0.1:{stack.ports.of(name)}" for name in _APIS))
        token = os.environ.get("PAIDAN_TOKEN") or issue_token("import", subject="replay", home=home)
        try:
            return asyncio.run(_replay(records, class_keys(city), at, token, console))
        except Stuck as trouble:
            raise Trouble(str(trouble), "paidan status tells what runs; paidan audit what is missing") from trouble


_APIS = ("intake-api", "dispatch-api", "supervision-api")


@contextmanager
def _stack(here: bool) -> Iterator[tuple[Stack, Home]]:
    """The stack that runs, or one of the replay's own, stopped afterwards."""
    home = Home.of_environment()

    def say(line: str) -> None:
        print(f"  {line}", file=sys.stderr, flush=True)

    if here:
        yield Stack(home.root, base_of_environment(), "boston"), home
        return
    own = Home(home.root / OWN_HOME)
    stack = Stack(own.root, base_of_environment() + OWN_PORTS, "boston", say=say)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the stack goes down with the replay
    try:
        stack.up()
        yield stack, own
    finally:
        stack.down()


async def _replay(
    records: list[Record], keys: dict[str, str], at: Addresses, token: str, console: Console
) -> dict[str, Ours]:
    closed = sum(record.closed is not None for record in records)
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    headers = {"Authorization": f"Bearer {token}"}
    with Progress(*columns, console=console) as progress:

        def step(task: str, total: int) -> Callable[[int], None]:
            number = progress.add_task(task, total=total)
            return lambda more: progress.advance(number, more)

        async with httpx.AsyncClient(headers=headers, timeout=30.0) as client:
            sender = Sender(client, at, keys)
            orders, refused = await sender.tickets(records, step("tickets 受理", len(records)))
            if refused:
                _tell(refused, "intake", console)
            refused = await sender.closings(records, orders, step("closings 结案", closed))
            if refused:
                _tell(refused, "dispatch", console)
            return await sender.clocks(records, orders, step("clocks 计时", len(orders)))


def _tell(refused: list[Refusal], service: str, console: Console) -> None:
    codes = sorted({found.code for found in refused})
    console.print(
        f"[red]{service} refused {len(refused)} rows: {', '.join(codes)}; the first is {refused[0].case_id}[/]"
    )


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(run_replay)
