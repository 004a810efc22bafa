"""paidan up · down · status · topics · provision: the one-machine stack, and the same for servers elsewhere."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.stack.home import Home
from deploy.stack.launch import Spec
from deploy.stack.lifecycle import ProcessStatus, Stack
from deploy.stack.ports import base_of_environment
from deploy.stack.processes import PROCESSES
from deploy.stack.trouble import EXIT_CODE, Trouble, in_plain_words

__all__ = ["city_of", "explaining", "register", "stack_here"]

DEFAULT_CITY = "shanghai"

City = Annotated[str, typer.Option(help="A city pack: a name below deploy/cities, or the path of a folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable: one JSON document on standard output.")]
Only = Annotated[str, typer.Option(help="Start only these, comma-separated, for example kafka,postgres.")]


def _step(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def stack_here(city: str = DEFAULT_CITY) -> Stack:
    """The stack of PAIDAN_HOME and PAIDAN_PORT_BASE, telling its steps on standard error."""
    return Stack(Home.of_environment().root, base_of_environment(), city, watch=True, say=_step)


def city_of(stack: Stack, service: str) -> str:
    """The pack that a service was started with, so that what is done beside it goes by the same rules and units; the
    default one where it never was."""
    for process in PROCESSES:
        place = stack.home.specs / f"{process.name}.json"
        if process.service == service and place.exists():
            return Spec.opened(place).environment.get("PAIDAN_CITY_DIR", DEFAULT_CITY)
    return DEFAULT_CITY


@contextmanager
def explaining() -> Iterator[None]:
    """Print a Trouble, or an operating system error, as one line and end with exit code 2."""
    try:
        yield
    except Trouble as trouble:
        print(f"paidan: {trouble}", file=sys.stderr)
        raise typer.Exit(EXIT_CODE) from trouble
    except OSError as error:
        print(f"paidan: {in_plain_words(error, Home.of_environment().root)}", file=sys.stderr)
        raise typer.Exit(EXIT_CODE) from error


def up(city: City = DEFAULT_CITY, only: Only = "") -> None:
    """Start Kafka, PostgreSQL and the four services; what runs already is left alone. 启动

    The state is kept in .paidan (another folder: PAIDAN_HOME), ports are counted from 8100 (PAIDAN_PORT_BASE).
    A PostgreSQL of your own is used when DATABASE_URL names it.
    """
    with explaining():
        stack_here(city).up({name.strip() for name in only.split(",")} if only else None)


def down() -> None:
    """Stop everything; the state stays for the next start. 停止"""
    with explaining():
        stack_here().down()


def status(as_json: AsJson = False) -> None:
    """Which process runs, since when, with how much memory, on which port. Exit code 1 when one does not run. 状态"""
    with explaining():
        found = stack_here().status()
    if as_json:
        print(json.dumps([asdict(line) for line in found], indent=1))
    else:
        Console().print(_table(found))
    if any(line.pid is None for line in found):
        raise typer.Exit(1)


def _table(found: list[ProcessStatus]) -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column("process")
    table.add_column("state")
    for heading in ("pid", "uptime", "memory", "port"):
        table.add_column(heading, justify="right")
    for line in found:
        table.add_row(
            line.process,
            line.state if line.pid is not None else f"[red]{line.state}[/red]",
            _or_dash(line.pid),
            "-" if line.uptime_s is None else _duration(line.uptime_s),
            "-" if line.rss_mb is None else f"{line.rss_mb:.0f} MB",
            _or_dash(line.port),
        )
    total = sum(line.share_mb or 0 for line in found)
    table.add_row("[bold]all[/bold]", "shared memory counted once", "", "", f"[bold]{total:.0f} MB[/bold]", "")
    return table


def _or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


def topics(as_json: AsJson = False) -> None:
    """Bring Kafka's topics into line with the topic table, and print them. 主题"""
    from deploy.stack.topics import ensure_topics
    from schemas.topics import TOPICS

    with explaining():
        changes = {change.topic: change.what for change in ensure_topics(stack_here().kafka_bootstrap, patience=5)}
    rows = [
        {
            "topic": topic.name,
            "partitions": topic.partitions,
            "retention_days": topic.retention_ms / 86_400_000,
            "max_message_bytes": topic.max_message_bytes,
            "about": topic.about,
            "changed": changes.get(topic.name),
        }
        for topic in TOPICS
    ]
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    table = Table(box=None, header_style="bold")
    for heading in ("topic", "partitions", "kept", "about", "changed"):
        table.add_column(heading)
    for row in rows:
        kept = f"{row['retention_days']:g} d"
        table.add_row(str(row["topic"]), str(row["partitions"]), kept, str(row["about"]), str(row["changed"] or ""))
    Console().print(table)


def provision(
    kafka: Annotated[str, typer.Option(help="Where Kafka is, host:port.", envvar="PAIDAN_KAFKA_BOOTSTRAP")],
    database: Annotated[str, typer.Option(help="PostgreSQL, as a user who may create roles.", envvar="DATABASE_URL")],
) -> None:
    """Bring a Kafka and a PostgreSQL of your own into line: topics, roles, schemas, tables, keys. 备库

    For containers and clusters, once per release; on one machine `paidan up` does it. Passwords of the roles come from
    PAIDAN_INTAKE_PASSWORD and its like, or are generated into the keys folder of PAIDAN_HOME.
    """
    from deploy.stack.keys import ensure_keys, password_of
    from deploy.stack.postgres import with_role
    from deploy.stack.provision import provision as bring_into_line

    with explaining():
        home = Home.of_environment()
        home.prepare()
        ensure_keys(home)
        bring_into_line(
            home,
            _step,
            bootstrap=kafka,
            admin_url=database,
            url_of=lambda role: with_role(database, role, password_of(home, role)),
        )


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (up, down, status, topics, provision):
        app.command()(command)
