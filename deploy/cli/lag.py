"""paidan lag · token: how far consumers are behind, and a token to try things by hand."""

import json
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.audit.in_database import outbox_rows
from deploy.cli.stack import AsJson, city_of, explaining, stack_here
from deploy.stack.keys import issue_token
from deploy.stack.processes import city_folder
from deploy.stack.trouble import Trouble
from schemas.vocabulary import Role
from services.chassis.backlog import looking
from services.chassis.city import CityFaults, load

__all__ = ["register"]


def lag(as_json: AsJson = False) -> None:
    """Messages each consumer has not yet brought to their end, and rows waiting in each outbox. 积压"""
    with explaining():
        stack = stack_here()
        with looking(stack.kafka_bootstrap) as look:
            found = look().lag()
        rows = outbox_rows(stack.database_url("paidan_audit"))
    if as_json:
        print(json.dumps({"groups": found, "outboxes": rows}))
        return
    table = Table("consumer or outbox", "behind", box=None)
    for name, count in found.items():
        table.add_row(name, str(count))
    for name, count in rows.items():
        table.add_row(f"{name} outbox", str(count))
    Console().print(table)


def token(
    role: Annotated[Role, typer.Argument(help="agent, gateway, responder, dispatcher, supervisor …")],
    unit: Annotated[str, typer.Option(help="The unit it acts for, for example 310106021-centre.")] = "",
    subject: Annotated[str, typer.Option(help="Whose it is; empty: one person for each role and unit.")] = "",
    hours: Annotated[float, typer.Option(min=0.01, help="How long it is valid.")] = 12,
) -> None:
    """A signed token of the built-in issuer, for trying things on this machine. 令牌

    The unit is one that the running city has or had; a gateway's may be any platform.
    """
    with explaining():
        if unit and role is not Role.GATEWAY:
            _check_unit(unit)
        person = subject or "-".join(part for part in ("local", role, unit) if part)
        print(issue_token(role, subject=person, unit=unit or None, ttl=timedelta(hours=hours)))


def _check_unit(unit: str) -> None:
    """Raises Trouble for a unit that the running city never had: its token would be refused everywhere."""
    folder = city_folder(city_of(stack_here(), "dispatch"))
    try:
        city = load(folder)
    except CityFaults as error:
        raise Trouble(str(error), "run `paidan city check` on the pack") from error
    if all(each.unit_id != unit for each in (*city.units, *city.every_unit)):
        raise Trouble(f"{city.title_en} has no unit {unit!r}", f"its units are listed in {folder / 'units.csv'}")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("lag")(lag)
    app.command("token")(token)
