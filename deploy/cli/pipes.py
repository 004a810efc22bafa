"""paidan clock due · classify · sensors screen: the pure rules on a pipe, to try a pack on one's own history.

Nothing has to run for it: text or CSV in on standard input, one answer a line out.
"""

import csv
import gc
import io
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import typer

from deploy.cli.stack import DEFAULT_CITY, City, explaining
from deploy.stack.processes import city_folder
from deploy.stack.trouble import Trouble
from schemas.facts import Reading, ReportReceived
from schemas.ids import placed_id
from schemas.vocabulary import Source
from services.chassis.city import load
from services.router.rules.atlas import Atlas
from services.router.rules.classify import classify as classified
from services.router.rules.hearing import hear
from services.router.rules.plan import Prepared, prepare
from services.router.rules.screen import DeviceState, screen
from services.router.rules.text import wording
from services.supervision.rules.batch import COLUMNS, DueRow, due_rows
from services.supervision.rules.limits import Terms

__all__ = ["register"]

BATCH = 256  # lines classified at a time; one at a time from a keyboard
LONGEST = 10_000  # signs of a line that are read
NAMED = 20  # rows of a year without a calendar that are named; the rest is counted
EPOCH = datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC"))
clock = typer.Typer(help="Deadlines. 时限")
sensors = typer.Typer(help="Readings. 读数")


@clock.command()
def due(city: City = DEFAULT_CITY) -> None:
    """CSV in (id,start,amount,unit[,policy]), CSV out (id,due). A header line may stand first.

    Units: minute, urgent_hour, work_hour, work_day, natural_day, business_rule. A start without offset is the city's
    own time. A row that cannot be read is told on standard error and ends the command with 1; the others are answered.
    """
    with explaining():
        pack = load(city_folder(city))
    counted = _Counted()
    rows = counted.read(sys.stdin)
    first = next(rows, None)
    if first is not None and [cell.strip().lower() for cell in first][:2] != list(COLUMNS[:2]):
        rows = chain((first,), rows)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(("id", "due"))
    gc.freeze()  # the pack is a hundred thousand objects that need no looking after while rows come and go
    out.writerows(counted.told(due_rows(rows, Terms.of(pack.policy, pack.calendars))))
    if counted.unlisted > NAMED:
        print(f"… and of {counted.unlisted - NAMED} rows more", file=sys.stderr)
    if counted.faults:
        raise typer.Exit(1)


class _Counted:
    """What went wrong on the way through a pipe: told at once, and counted."""

    def __init__(self) -> None:
        self.faults = 0
        self.unlisted = 0

    def read(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The rows of a CSV, whatever ends its lines; one that is none is told by its line and counted."""
        if isinstance(lines, io.TextIOWrapper):
            lines.reconfigure(newline=None, errors="replace")
        reader = csv.reader(lines)
        while True:
            try:
                if row := next(reader):
                    yield row
            except StopIteration:
                return
            except csv.Error as error:
                self.faults += 1
                print(f"line {reader.line_num}: {error}", file=sys.stderr)

    def told(self, answers: Iterable[DueRow]) -> Iterator[tuple[str, str]]:
        """The rows to print."""
        for answer in answers:
            if answer.fault:
                self.faults += 1
                print(f"{answer.row_id}: {answer.fault}", file=sys.stderr)
            elif answer.unlisted:
                self.unlisted += 1
                if self.unlisted <= NAMED:
                    print(f"{answer.row_id}: no published calendar for that year, Mon-Fri was used", file=sys.stderr)
            yield answer.row_id, answer.due


def classify(city: City = DEFAULT_CITY) -> None:
    """Lines of text in, JSON lines out: class, ticket type, confidence, why, candidates, and the demands of a text that
    makes several (signs from and to). `sure` says whether the city would route it without a person. 分类"""
    atlas = _atlas(city)
    gc.freeze()  # as above
    while reports := [_said(text) for text in islice(sys.stdin, 1 if sys.stdin.isatty() else BATCH)]:
        texts = [wording(report) for report in reports]
        heard = hear([text.partition("\n")[2] for text in texts], atlas.model)
        for one in zip(reports, texts, heard, strict=True):
            found = classified(one[0], one[1], atlas, one[2])
            answer = {
                "class": found.class_ref.key,
                "name": found.class_ref.name,
                "ticket_type": found.ticket_type,
                "confidence": round(found.confidence, 4),
                "sure": found.confidence >= atlas.thresholds.classify_confidence,
                "why": found.because,
                "candidates": found.candidates,
            }
            _print(answer | ({"demands": found.demands} if found.demands else {}))


@sensors.command("screen")
def screen_readings(city: City = DEFAULT_CITY) -> None:
    """JSON lines of readings in (device_id, kind, value, unit, at), alarms out as JSON lines, in order. 筛查"""
    atlas = _atlas(city)
    states: dict[str, DeviceState | None] = {}
    faults = 0
    decoder = msgspec.json.Decoder(Reading)
    for number, line in _lines():
        try:
            reading = decoder.decode(line)
        except (msgspec.DecodeError, ValueError) as error:
            print(f"line {number}: {error}", file=sys.stderr)
            faults += 1
            continue
        device = atlas.devices.get(reading.device_id)
        done = screen(states.get(reading.device_id), device, reading, atlas.screens)
        states[reading.device_id] = done.state
        for event in done.events:
            _print({"event": type(event).__name__.lower(), "line": number, **msgspec.to_builtins(event)})
    if faults:
        raise typer.Exit(1)


def _prepared(city: str) -> Iterator[Prepared]:
    atlas = _atlas(city)
    for line in sys.stdin:
        yield prepare(_said(line), atlas)


def _said(line: str) -> ReportReceived:
    """A line as a ticket of the hotline."""
    return ReportReceived(
        source=Source.HOTLINE, received_at=EPOCH, report_id=placed_id("stdin", 0, 0), text=line.strip()[:LONGEST]
    )


def _atlas(city: str) -> Atlas:
    with explaining():
        try:
            return Atlas.of(load(city_folder(city)))
        except LookupError as error:
            raise Trouble(str(error), "run `paidan city check` on the pack") from error


def _lines() -> Iterator[tuple[int, str]]:
    for number, line in enumerate(sys.stdin, 1):
        if text := line.strip():
            yield number, text


def _print(answer: dict[str, Any]) -> None:
    print(msgspec.json.encode(answer).decode(), flush=False)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(clock, name="clock")
    app.add_typer(sensors, name="sensors")
    app.command("classify")(classify)
