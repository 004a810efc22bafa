"""paidan webhooks: what is on its way to other platforms, what was given up, and how both go on."""

import asyncio
import base64
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.stack import AsJson, explaining, stack_here
from deploy.stack.keys import platforms_file
from deploy.stack.trouble import Trouble
from services.chassis.webhooks import deliveries
from services.chassis.webhooks.deliveries import Listed, Standing
from services.chassis.webhooks.platforms import Platform, read_platforms
from services.chassis.webhooks.signing import PREFIX

__all__ = ["register"]

Name = Annotated[str, typer.Argument(help="The platform's name, for example city:hangzhou.")]
T = TypeVar("T")
group = typer.Typer(help="Webhooks to other platforms: deliveries, dead letters, pauses, keys. 平台推送")
_STATES = ("waiting", "dead", "delivered")
_KEY_BYTES = 32


def _with_database(work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """Do something in the database of dispatch, which sends them. Raises Trouble when it is away."""

    async def connected() -> T:
        try:
            connection = await asyncpg.connect(stack_here().database_url("paidan_dispatch"), timeout=5)
        except (OSError, asyncpg.PostgresError) as error:
            raise Trouble(f"the database does not answer ({error})", "start it: paidan up --only postgres") from error
        try:
            await connection.execute("SET search_path TO dispatch")
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


@group.command("list")
def list_deliveries(
    destination: Annotated[str, typer.Argument(help="Only this platform's.")] = "",
    state: Annotated[str, typer.Option(help="waiting, dead or delivered; both first ones unless given.")] = "",
    bodies: Annotated[bool, typer.Option("--bodies", help="With their bodies, which say what was reported.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the oldest first.")] = 200,
    as_json: AsJson = False,
) -> None:
    """How it stands with each platform, and the deliveries that wait or were given up, with the last reason."""
    with explaining():
        if state and state not in _STATES:
            raise Trouble(f"there is no state {state}", f"choose from {', '.join(_STATES)}")
        states = [state] if state else ["waiting", "dead"]
        standing = _with_database(deliveries.standing)
        found = _with_database(lambda connection: deliveries.listed(connection, destination, states, limit))
    rows = [_plain(one, bodies=bodies) for one in found]
    if as_json:
        print(json.dumps({"platforms": [_of(one) for one in standing], "deliveries": rows}, ensure_ascii=False))
        return
    Console().print(_platforms(standing) if standing else "nothing waits, nothing is dead · 没有待推送或死信")
    for row in rows:
        print("\n".join(_lines(row)))


@group.command()
def replay(
    destination: Name, ids: Annotated[list[UUID] | None, typer.Argument(help="Only these; all unless given.")] = None
) -> None:
    """Send dead letters of a platform again, under their own ids: it may know them already."""
    with explaining():
        count = _with_database(lambda connection: deliveries.replay(connection, destination, ids or ()))
    print(f"{count} on their way again · 重新推送")


@group.command()
def pause(destination: Name, reason: Annotated[str, typer.Option(help="Why, for whoever looks.")] = "by hand") -> None:
    """Send nothing to a platform until `resume`; what is for it waits."""
    with explaining():
        _check_known(destination)
        _with_database(lambda connection: deliveries.pause(connection, destination, reason))
    print(f"{destination} is paused · 已暂停")


@group.command()
def resume(destination: Name) -> None:
    """Send to a platform again, at once, everything that waits for it."""
    with explaining():
        paused = _with_database(lambda connection: deliveries.resume(connection, destination))
    print(f"{destination} {'goes on · 已恢复' if paused else 'was not paused; what waits is due now · 未暂停，已催发'}")


@group.command()
def key() -> None:
    """A new secret, to be put into the platforms' file and told to the platform on a safe way. 新密钥"""
    print(PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode())


@group.command()
def check() -> None:
    """Read the platforms' file and say whom it names; exit code 2 with its first fault."""
    with explaining():
        place, found = _platforms_known()
    for platform in found.values():
        heard = f"heard, {len(platform.accept)} key(s)" if platform.accept else "not heard"
        told = f"told at {platform.url}, {len(platform.sign_with)} key(s)" if platform.url else "not told"
        print(f"{platform.name}: {told}; {heard}")
    if not found:
        print(f"{place} names no platform · 未登记平台")


def _platforms_known() -> tuple[Path, Mapping[str, Platform]]:
    """The platforms' file and whom it names. Raises Trouble with its first fault."""
    place = platforms_file(stack_here().home)
    try:
        return place, read_platforms(place.read_text(encoding="utf-8")) if place.exists() else {}
    except ValueError as error:
        raise Trouble(f"{place}: {error}", "docs/operator.md shows how it is written") from error


def _check_known(destination: str) -> None:
    """Raises Trouble for a platform that neither the file names nor anything waits for: a slip of the pen."""
    place, found = _platforms_known()
    if destination not in found and destination not in {one.destination for one in _with_database(deliveries.standing)}:
        names = ", ".join(found) or "nobody"
        raise Trouble(f"nobody knows a platform {destination!r}", f"{place} names {names}; see paidan webhooks list")


def _of(one: Standing) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__struct_fields__}


def _plain(one: Listed, *, bodies: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "id": str(one.id),
        "destination": one.destination,
        "type": one.type,
        "state": one.state,
        "attempts": one.attempts,
        "at": one.at.isoformat(timespec="seconds"),
        "due": one.due.isoformat(timespec="seconds"),
        "reason": one.reason,
    }
    return row | ({"body": one.body.decode()} if bodies else {})


def _platforms(standing: list[Standing]) -> Table:
    table = Table("platform", "waiting", "oldest", "dead", "paused", box=None)
    for one in standing:
        table.add_row(one.destination, str(one.waiting), f"{one.oldest:.0f} s", str(one.dead), one.paused)
    return table


def _lines(row: dict[str, object]) -> list[str]:
    """A delivery with its id whole, however narrow the terminal, and its reason and body on lines of their own."""
    found = [f"{row['id']}  {row['destination']}  {row['type']}  {row['state']}"]
    found.append(f"  {row['attempts']} attempts since {row['at']}, due {row['due']}")
    return found + [f"  {row[name]}" for name in ("reason", "body") if row.get(name)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="webhooks")
