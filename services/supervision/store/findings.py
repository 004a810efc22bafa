"""What detectors found, when units last spoke, and which orders lie near each other."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from msgspec import Struct

from schemas.vocabulary import FindingKind, OrderStatus
from services.chassis.database import Connection
from services.supervision.rules.detectors import Finding, Neighbour, cells_near
from services.supervision.rules.kpi import Ledger
from services.supervision.store.measures import unpack

_AWAY = (OrderStatus.VOID, OrderStatus.MERGED)
_COLUMNS = "finding_id, kind, order_id, unit, division, at, reason, since"


class Stored(Struct, frozen=True):
    """A finding as it is stored."""

    finding: Finding
    withdrawn: bool
    times: int


async def of_orders(connection: Connection, order_ids: Sequence[UUID]) -> dict[UUID, dict[UUID, Stored]]:
    """The findings about these orders, by order and finding."""
    found: dict[UUID, dict[UUID, Stored]] = defaultdict(dict)
    rows = await connection.fetch(
        f"SELECT {_COLUMNS}, withdrawn_at, times FROM findings WHERE order_id = ANY($1)", list(order_ids)
    )
    for row in rows:
        finding = _finding(row)
        found[row["order_id"]][finding.finding_id] = Stored(finding, row["withdrawn_at"] is not None, row["times"])
    return found


def _finding(row: Mapping[str, object]) -> Finding:
    values = [row[name] for name in _COLUMNS.split(", ")]
    return Finding(values[0], FindingKind(str(values[1])), *values[2:])  # type: ignore[arg-type]


async def known(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these findings were found before, whether they stand or not."""
    rows = await connection.fetch("SELECT finding_id FROM findings WHERE finding_id = ANY($1)", list(ids))
    return {row["finding_id"] for row in rows}


async def raise_(connection: Connection, found: Sequence[Finding], now: datetime) -> None:
    """Write findings that stand from now on; one that was withdrawn stands again."""
    if not found:
        return
    await connection.execute(
        f"INSERT INTO findings ({_COLUMNS}, found_at) SELECT r.*, $9 FROM unnest($1::uuid[], $2::text[], $3::uuid[],"
        " $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::timestamptz[]) AS r"
        " ON CONFLICT (finding_id) DO UPDATE SET withdrawn_at = NULL, cause = NULL, at = excluded.at,"
        " reason = excluded.reason, unit = excluded.unit, division = excluded.division, found_at = excluded.found_at,"
        " times = findings.times + CASE WHEN findings.withdrawn_at IS NULL THEN 0 ELSE 1 END",
        [each.finding_id for each in found],
        [each.kind.value for each in found],
        [each.order_id for each in found],
        [each.unit for each in found],
        [each.division for each in found],
        [each.at for each in found],
        [each.reason for each in found],
        [each.since for each in found],
        now,
    )


async def withdraw(connection: Connection, gone: Sequence[tuple[UUID, str]], now: datetime) -> None:
    """Take findings (id, cause) back."""
    if gone:
        await connection.execute(
            "UPDATE findings f SET withdrawn_at = $3, cause = r.cause FROM unnest($1::uuid[], $2::text[])"
            " AS r(id, cause) WHERE f.finding_id = r.id",
            [each[0] for each in gone],
            [each[1] for each in gone],
            now,
        )


async def spoke(connection: Connection, words: Mapping[str, datetime]) -> list[Finding]:
    """Remember when units spoke; the silences that these words break: facts that come late, about a time in which the
    unit was called silent."""
    units = sorted(words)
    if not units:
        return []
    await connection.execute(
        "INSERT INTO unit_words (unit, at) SELECT * FROM unnest($1::text[], $2::timestamptz[])"
        " ON CONFLICT (unit) DO UPDATE SET at = greatest(unit_words.at, excluded.at)",
        units,
        [words[unit] for unit in units],
    )
    rows = await connection.fetch(
        f"SELECT {_COLUMNS.replace('unit', 'f.unit').replace(' at', ' f.at')} FROM findings f"
        " JOIN unnest($1::text[], $2::timestamptz[]) AS r(unit, word) ON f.unit = r.unit"
        " WHERE f.order_id IS NULL AND f.withdrawn_at IS NULL AND f.since < r.word AND r.word < f.at",
        units,
        [words[unit] for unit in units],
    )
    return [_finding(row) for row in rows]


async def neighbours(
    connection: Connection, ledgers: Mapping[UUID, Ledger], opened: Mapping[UUID, datetime], span: timedelta
) -> dict[UUID, list[Neighbour]]:
    """The orders of the same class near each of these, opened within a span before or after it."""
    pairs = [(order_id, cell) for order_id, ledger in ledgers.items() for cell in cells_near(ledger)]
    found: dict[UUID, list[Neighbour]] = defaultdict(list)
    if not pairs:
        return found
    rows = await connection.fetch(
        "SELECT r.of, o.order_id, o.opened_at, o.ledger FROM unnest($1::uuid[], $2::text[], $3::timestamptz[])"
        " AS r(of, cell, at) JOIN orders o ON o.spot = r.cell AND o.opened_at BETWEEN r.at - $4::interval"
        " AND r.at + $4::interval AND o.order_id <> r.of AND NOT o.imported",
        [order_id for order_id, _ in pairs],
        [cell for _, cell in pairs],
        [opened[order_id] for order_id, _ in pairs],
        span,
    )
    for row in rows:
        ledger = unpack(row["ledger"])
        assert ledger.spot is not None
        counts = ledger.status not in _AWAY
        found[row["of"]].append(Neighbour(row["order_id"], row["opened_at"], ledger.spot, counts))
    return found


async def waiting_units(connection: Connection, now: datetime) -> list[tuple[str, int, datetime, str]]:
    """Units on which offers lie past their deadline: how many, when the unit last spoke (when the first of them was
    offered, if it never did), and where it is. What is more than a month past is old news."""
    rows = await connection.fetch(
        "SELECT c.owner, count(*) AS offers, greatest(max(w.at), min(c.start)) AS last,"
        " mode() WITHIN GROUP (ORDER BY o.division) AS division"
        " FROM clocks c JOIN orders o USING (order_id) LEFT JOIN unit_words w ON w.unit = c.owner"
        " WHERE c.state = 'missed' AND c.stage = 'accept' AND c.due BETWEEN $1::timestamptz - interval '30 days' AND $1"
        " AND o.status = 'dispatched' AND NOT o.imported GROUP BY c.owner",
        now,
    )
    return [(row["owner"], row["offers"], row["last"], row["division"]) for row in rows]


async def ripening(connection: Connection, now: datetime, parked: float, overlooked: float) -> Iterable[UUID]:
    """Orders in which the mere passing of time may show something: parked or open for so many days, and nothing of the
    kind was found in them yet."""
    rows = await connection.fetch(
        "SELECT order_id FROM orders o WHERE NOT imported"
        " AND status IN ('triage', 'dispatched', 'handling', 'verifying', 'callback', 'parked') AND ("
        " ($3 > 0 AND opened_at < $1::timestamptz - make_interval(secs => $3 * 86400)"
        "  AND opened_at > $1::timestamptz - make_interval(secs => $3 * 86400 + 172800)"
        "  AND NOT EXISTS (SELECT FROM findings f WHERE f.order_id = o.order_id AND f.kind = 'overlooked'))"
        " OR ($2 > 0 AND status = 'parked' AND opened_at < $1::timestamptz - make_interval(secs => $2 * 86400)"
        "  AND NOT EXISTS (SELECT FROM findings f WHERE f.order_id = o.order_id AND f.kind = 'parked_long')))",
        now,
        float(parked),
        float(overlooked),
    )
    return [row["order_id"] for row in rows]


class Wanted(Struct, frozen=True):
    """Which findings; None means any."""

    kind: str | None = None
    units: Sequence[str] | None = None
    divisions: Sequence[str] | None = None
    order_id: UUID | None = None
    since: datetime | None = None
    withdrawn: bool = False


class Shown(Struct, frozen=True):
    """A finding as it is told."""

    finding: Finding
    found_at: datetime
    withdrawn_at: datetime | None
    cause: str | None


_ASKED = (
    "($1::text IS NULL OR kind = $1) AND ($2::text[] IS NULL OR unit = ANY($2))"
    " AND ($3::text[] IS NULL OR division = ANY($3)) AND ($4::uuid IS NULL OR order_id = $4)"
    " AND ($5::timestamptz IS NULL OR at >= $5) AND (withdrawn_at IS NOT NULL) = $6"
)


async def listed(
    pool: asyncpg.Pool, wanted: Wanted, after: tuple[datetime, UUID] | None, limit: int
) -> tuple[list[Shown], dict[str, int]]:
    """Findings, the latest first, and how many of each kind there are in all."""
    given = (
        wanted.kind,
        None if wanted.units is None else list(wanted.units),
        None if wanted.divisions is None else list(wanted.divisions),
        wanted.order_id,
        wanted.since,
        wanted.withdrawn,
    )
    at, id_ = after or (None, None)
    rows = await pool.fetch(
        f"SELECT {_COLUMNS}, found_at, withdrawn_at, cause FROM findings WHERE {_ASKED}"
        " AND ($7::timestamptz IS NULL OR (at, finding_id) < ($7, $8::uuid))"
        " ORDER BY at DESC, finding_id DESC LIMIT $9",
        *given,
        at,
        id_,
        limit,
    )
    counts = await pool.fetch(f"SELECT kind, count(*) AS count FROM findings WHERE {_ASKED} GROUP BY kind", *given)
    shown = [Shown(_finding(row), row["found_at"], row["withdrawn_at"], row["cause"]) for row in rows]
    return shown, {row["kind"]: row["count"] for row in counts}


async def standing(connection: Connection, since: datetime) -> dict[str, int]:
    """How many findings since a moment stand, by kind; every kind is there."""
    rows = await connection.fetch(
        "SELECT kind, count(*) AS count FROM findings WHERE at >= $1 AND withdrawn_at IS NULL GROUP BY kind", since
    )
    return dict.fromkeys(FindingKind, 0) | {row["kind"]: row["count"] for row in rows}
