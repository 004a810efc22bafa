"""Reports that would have gone elsewhere by what runs beside the live rulebook."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from services.chassis.database import Connection
from services.router.rules.outcome import Outcome

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[Outcome, Outcome]).decode


class Difference(Struct, frozen=True):
    """One of them. `kind` is what runs beside (rulebook or model), `shadow` and `live` are versions; `outcomes` holds
    what came of both, the live one first."""

    report_id: UUID
    at: datetime
    kind: str
    shadow: str
    live: str
    class_key: str
    would_class: str
    division: str
    outcomes: tuple[Outcome, Outcome]


class Tally(Struct, frozen=True):
    """How many reports of a class would have gone from one unit to another, or from a unit to the same one otherwise
    (other assists, held, another urgency), or been of another class."""

    class_key: str
    would_class: str
    lead: str
    would_lead: str
    reports: int


class _Row(Struct, frozen=True):
    report_id: UUID
    at: datetime
    kind: str
    shadow: str
    live: str
    class_key: str
    would_class: str
    division: str
    lead: str
    would_lead: str
    outcomes: bytes


async def save_differences(connection: Connection, found: Sequence[Difference]) -> None:
    """Note them; a report is decided once, so it comes once."""
    if found:
        rows = [
            _Row(
                one.report_id,
                one.at,
                one.kind,
                one.shadow,
                one.live,
                one.class_key,
                one.would_class,
                one.division,
                one.outcomes[0].lead,
                one.outcomes[1].lead,
                _pack(one.outcomes),
            )
            for one in found
        ]
        await connection.copy_records_to_table(
            "shadow_differences", records=[astuple(row) for row in rows], columns=_Row.__struct_fields__
        )


async def tallies(connection: Connection, shadow: str, since: datetime | None) -> list[Tally]:
    """The differences of a version since a moment (None: all that are kept), counted, most reports first; at most 500
    rows."""
    rows = await connection.fetch(
        "SELECT class_key, would_class, lead, would_lead, count(*) AS reports FROM shadow_differences WHERE shadow = $1"
        " AND ($2::timestamptz IS NULL OR at >= $2) GROUP BY class_key, would_class, lead, would_lead"
        " ORDER BY reports DESC, class_key, would_class, lead, would_lead LIMIT 500",
        shadow,
        since,
    )
    return [Tally(**dict(row)) for row in rows]


async def examined(connection: Connection, since: datetime) -> int:
    """How many reports were decided since a moment."""
    count: int = await connection.fetchval("SELECT count(*) FROM decisions WHERE decided_at >= $1", since)
    return count


async def differences(
    connection: Connection, shadow: str, after: tuple[datetime, UUID], limit: int
) -> list[Difference]:
    """The differences of a version in the order in which they came, those behind a moment and a report."""
    rows = await connection.fetch(
        "SELECT * FROM shadow_differences WHERE shadow = $1 AND (at, report_id) > ($2, $3) AND at >= $2"
        " ORDER BY at, report_id LIMIT $4",
        shadow,
        *after,
        limit,
    )
    return [
        Difference(
            row["report_id"],
            row["at"],
            row["kind"],
            row["shadow"],
            row["live"],
            row["class_key"],
            row["would_class"],
            row["division"],
            _unpack(row["outcomes"]),
        )
        for row in rows
    ]
