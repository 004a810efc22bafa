"""paidan dlq list · show · replay: dead letters and their way home; paidan resume: let a stopped consumer go on."""

import base64
import json
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from deploy.cli.stack import AsJson, explaining, stack_here
from deploy.dead_letters import Letter, letters, replay
from deploy.stack.home import SERVICES
from deploy.stack.trouble import Trouble
from schemas.topics import DLQ, MAIN

__all__ = ["register"]

TopicName = Annotated[str, typer.Argument(help="A topic, for example reports.normal.")]
Code = Annotated[str, typer.Option(help="Only letters with this code, for example schema.")]
group = typer.Typer(help="Dead letters: what could not be read or handled, with its bytes and its reason. 死信")


@group.command("list")
def list_letters(as_json: AsJson = False) -> None:
    """How many dead letters each topic holds, by code, with the newest cause."""
    rows: dict[tuple[str, str], tuple[int, str]] = {}
    with explaining():
        bootstrap = stack_here().kafka_bootstrap
        for topic in MAIN:
            for letter in letters(bootstrap, topic.name):
                count, _ = rows.get((topic.name, letter.code), (0, ""))
                rows[topic.name, letter.code] = (count + 1, letter.cause)
    if as_json:
        print(
            json.dumps([{"topic": t, "code": c, "count": n, "cause": why} for (t, c), (n, why) in sorted(rows.items())])
        )
        return
    table = Table("topic", "code", "count", "newest cause", box=None)
    for (topic_name, code), (count, cause) in sorted(rows.items()):
        table.add_row(topic_name, code, str(count), cause[:100])
    Console().print(table if rows else "no dead letters · 没有死信")


@group.command()
def show(
    topic: TopicName, offset: Annotated[int, typer.Argument(help="Its offset in the dead-letter topic; -1: all.")] = -1
) -> None:
    """Letters as JSON lines, values as text where they are text, else base64. They may hold personal data."""
    with explaining():
        for letter in _of(topic):
            if offset in (-1, letter.offset):
                print(json.dumps(_plain(letter), ensure_ascii=False))


@group.command("replay")
def replay_letters(
    topic: TopicName,
    code: Code = "",
    mended: Annotated[
        Path | None, typer.Option(help="JSON lines {offset, value}: replaces values; only these go.")
    ] = None,
    rate: Annotated[float, typer.Option(help="At most so many a second; 0: no limit.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
) -> None:
    """Send dead letters home. What was handled meanwhile is recognised as a repeat."""
    with explaining():
        values = _mended(mended) if mended else {}
        chosen = [x for x in _of(topic) if (not code or x.code == code) and (mended is None or x.offset in values)]
        if dry_run:
            for letter in chosen:
                print(f"{letter.offset} {letter.origin} {letter.code} {letter.cause[:100]}")
        else:
            replay(stack_here().kafka_bootstrap, track(chosen, description=topic), values, rate)
    print(f"{len(chosen)} {'would be sent' if dry_run else 'sent'} to {topic.removesuffix(DLQ)}")


def resume(
    consumer: Annotated[str, typer.Argument(help="Its name, for example router-normal; empty: list them.")] = "",
) -> None:
    """Let a consumer go on that stopped after too many failures in a row; without a name, list the stopped ones."""
    known = False
    with explaining():
        stack = stack_here()
        for service in SERVICES:
            with psycopg.connect(stack.database_url(f"paidan_{service}"), autocommit=True) as connection:
                for name, at, reason in connection.execute("SELECT consumer, at, reason FROM stops").fetchall():
                    if name == consumer:
                        connection.execute("DELETE FROM stops WHERE consumer = %s", (name,))
                        known = True
                        print(f"{name} goes on · 已恢复")
                    elif not consumer:
                        print(f"{name} stopped at {at:%Y-%m-%d %H:%M:%S%z}: {reason}")
        if consumer and not known:
            raise Trouble(f"no consumer called {consumer} is stopped", "run `paidan resume` to list those that are")


def _of(topic: str) -> list[Letter]:
    known = [t.name for t in MAIN]
    if topic.removesuffix(DLQ) not in known:
        raise Trouble(f"there is no topic {topic}", f"choose from {', '.join(known)}")
    return list(letters(stack_here().kafka_bootstrap, topic))


def _plain(letter: Letter) -> dict[str, object]:
    try:
        value, encoding = letter.value.decode(), "text"
    except UnicodeDecodeError:
        value, encoding = base64.b64encode(letter.value).decode(), "base64"
    return {
        "offset": letter.offset,
        "origin": letter.origin,
        "code": letter.code,
        "cause": letter.cause,
        "consumer": letter.consumer,
        "attempt": letter.attempt,
        "failed_at": letter.failed_at,
        "encoding": encoding,
        "value": value,
    }


def _mended(path: Path) -> dict[int, bytes]:
    values: dict[int, bytes] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            value = row["value"]
            values[int(row["offset"])] = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        except (ValueError, KeyError, TypeError) as error:
            raise Trouble(f"{path}:{number}: {error}", 'each line is {"offset": 12, "value": …}') from error
    return values


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="dlq")
    app.command("resume")(resume)
