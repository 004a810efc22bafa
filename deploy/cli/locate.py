"""paidan locate: where each line of text is, as one JSON object a line."""

import gc
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from msgspec import Meta, Struct

from deploy.cli.stack import DEFAULT_CITY, City, explaining
from deploy.stack.processes import city_folder
from deploy.stack.trouble import Trouble
from schemas.facts import Candidate, ReportReceived
from schemas.vocabulary import Crs, Source
from services.chassis.city import load
from services.router.rules.atlas import Atlas
from services.router.rules.locate import Located, locate
from services.router.rules.reasons import Evidence
from services.router.rules.text import wording

__all__ = ["register"]

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_TOGETHER = 500  # answers written at once
_LONGEST = 10_000  # characters of a line that are read


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """What a line that is a JSON object may say of one report."""

    text: str = ""
    address: str = ""
    title: str = ""
    district: str = ""
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    crs: Crs = Crs.WGS84
    grid_code: str = ""
    device_id: str = ""
    occurred_at: Annotated[datetime, Meta(tz=True)] | None = None


class Answer(Struct, frozen=True):
    """One line out. `evidence` counts characters in the normal form of the part that it names."""

    division: str | None
    name: str | None
    tier: str | None
    confidence: float
    why: str
    clash: str
    evidence: tuple[Evidence, ...]
    candidates: tuple[Candidate, ...]


def run_locate(city: City = DEFAULT_CITY) -> None:
    """Lines of text in, JSON lines out: division, name, tier, confidence, why, evidence, candidates. 定位

    A line that begins with { is a JSON object with any of text, address, title, district, lon, lat, crs (wgs84, gcj02,
    cgcs2000), grid_code, device_id, occurred_at. One that cannot be read is told on standard error with its number and
    cause, answered with {}, and ends the command with 1; the others are answered.

    echo 长宁区虹桥街道伊犁路100弄 | paidan locate
    """
    with explaining():
        try:
            atlas = Atlas.of(load(city_folder(city)))
        except LookupError as error:
            raise Trouble(str(error), "run `paidan city check` on the pack") from error
    gc.freeze()  # the pack is a hundred thousand objects that need no looking after while lines come and go
    encoder, out, waiting, faults = msgspec.json.Encoder(), sys.stdout.buffer, [], 0
    for report, fault in _reports():
        if report is None:
            faults += 1
            print(fault, file=sys.stderr)
        waiting.append(encoder.encode(_answer(locate(report, wording(report), atlas)) if report else {}))
        if len(waiting) == _TOGETHER:
            out.write(b"\n".join(waiting) + b"\n")
            waiting.clear()
    if waiting:
        out.write(b"\n".join(waiting) + b"\n")
    out.flush()
    if faults:
        raise typer.Exit(1)


def _answer(found: Located) -> Answer:
    place = found.place
    return Answer(
        division=place.division if place else None,
        name=place.name if place else None,
        tier=place.tier if place else None,
        confidence=round(found.confidence, 4),
        why=found.because,
        clash=found.clash,
        evidence=found.evidence,
        candidates=found.candidates,
    )


def _reports() -> Iterator[tuple[ReportReceived | None, str]]:
    """Each line of standard input as a report, or None with what is wrong with it."""
    decoder = msgspec.json.Decoder(Line)
    for number, line in enumerate(sys.stdin, 1):
        text = line.strip()[:_LONGEST]
        if not text.startswith("{"):
            yield ReportReceived(source=Source.HOTLINE, received_at=_EPOCH, text=text), ""
            continue
        try:
            said = decoder.decode(text)
        except (msgspec.DecodeError, ValueError) as error:
            yield None, f"line {number}: {error}"
            continue
        yield (
            ReportReceived(
                source=Source.HOTLINE,
                received_at=_EPOCH,
                text=said.text,
                address=said.address,
                title=said.title,
                district=said.district,
                lon=said.lon,
                lat=said.lat,
                crs=said.crs,
                grid_code=said.grid_code,
                device_id=said.device_id,
                occurred_at=said.occurred_at,
            ),
            "",
        )


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("locate")(run_locate)
