"""paidan report: a day or a week of the city on one page."""

import json
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer

from deploy.cli.stack import AsJson, city_of, explaining, stack_here
from deploy.report.figures import Asking, Figures, Span, figures
from deploy.report.page import render
from deploy.report.picture import KINDS, write
from deploy.stack.keys import issue_token
from deploy.stack.ports import HOST
from deploy.stack.processes import city_folder
from deploy.stack.trouble import Trouble
from schemas.city import City
from schemas.vocabulary import Role
from services.chassis.city import CityFaults, load

__all__ = ["register"]


def report(
    day: Annotated[
        datetime | None,
        typer.Argument(metavar="[DATE]", formats=["%Y-%m-%d"], help="The day, or one of its week; none: yesterday."),
    ] = None,
    week: Annotated[bool, typer.Option("--week/--day", help="Monday to Sunday, or the day alone.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where to: .html, or .pdf and .png (these need Chromium). Empty: here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the report of a day or a week: numbers and their parts, districts, league, what is late now. 日报 周报

    Asks the running supervision, so it says what /v1/kpis, the page and the boards say. Days that are over are frozen
    at midnight; today still moves.
    """
    with explaining():
        stack = stack_here()
        city = _city(city_folder(city_of(stack, "supervision")))
        zone = ZoneInfo(city.timezone)
        today = datetime.now(zone).date()
        wanted = day.date() if day is not None else today - timedelta(days=1)
        if wanted > today:
            raise Trouble(f"{wanted} is still to come", f"give a day up to {today}")
        span = Span.of(wanted, week=week)
        place = out or Path(f"paidan-{'week' if week else 'day'}-{span.first}.html")
        if place.suffix not in KINDS:
            raise Trouble(
                f"{place}: a report is no {place.suffix or 'file without an ending'}", f"end it in {', '.join(KINDS)}"
            )
        token = issue_token(Role.AUDITOR, subject="report", unit=None, ttl=timedelta(minutes=10), home=stack.home)
        asking = Asking(f"http://{HOST}:{stack.ports.of('supervision-api')}", token)
        try:
            midnight = datetime.combine(span.first, time(), zone).isoformat()
            found: Figures = figures(asking, span, (city.title, city.title_en), midnight)
        finally:
            asking.close()
        if as_json:
            print(json.dumps(msgspec.to_builtins(found, str_keys=True), ensure_ascii=False))
            return
        write(render(found), place)
    print(place)


def _city(folder: Path) -> City:
    try:
        return load(folder)
    except CityFaults as error:
        raise Trouble(str(error), "run `paidan city check` on the pack") from error


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)
