"""Special cases: their rows, for transactions, for lists and for their past."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from schemas.envelope import Outgoing
from schemas.vocabulary import CaseState, CommitmentState, Result
from services.chassis.cursors import After
from services.chassis.database import Connection
from services.dispatch.rules.cases.book import CaseBook, CaseChange
from services.dispatch.rules.cases.model import Commitment, Meeting, SpecialCase
from services.dispatch.rules.cases.reach import GIVEN_UP
from services.dispatch.rules.past import PastChange
from services.dispatch.store.columns import Columns, copy, send, update
from services.dispatch.store.filters import SEEN, Scope, Where
from services.dispatch.store.history import BEGINNING

CASE: Columns = (
    ("case_id", "uuid"),
    ("state", "text"),
    ("version", "int"),
    ("seq", "int"),
    ("linked", "int"),
    ("recorded_at", "timestamptz"),
    ("closed_at", "timestamptz"),
    ("result", "text"),
    ("conclusion", "text"),
    ("meetings", "json"),
)
CASE_FIXED: Columns = (
    ("centre", "text"),
    ("lead", "text"),
    ("division", "text"),
    ("title", "text"),
    ("reason", "text"),
    ("opened_at", "timestamptz"),
)
COMMITMENT: Columns = (
    ("commitment_id", "uuid"),
    ("state", "text"),
    ("version", "int"),
    ("asked", "smallint"),
    ("due", "timestamptz"),
    ("since", "timestamptz"),
    ("answered_at", "timestamptz"),
    ("answer", "text"),
    ("decided_at", "timestamptz"),
    ("note", "text"),
    ("missed_due", "timestamptz"),
)
COMMITMENT_FIXED: Columns = (
    ("case_id", "uuid"),
    ("meeting_id", "uuid"),
    ("ordinal", "smallint"),
    ("unit", "text"),
    ("text", "text"),
    ("made_at", "timestamptz"),
)
LINK: Columns = (("case_id", "uuid"), ("order_id", "uuid"), ("linked_at", "timestamptz"))
HISTORY: Columns = (
    ("case_id", "uuid"),
    ("seq", "int"),
    ("type", "text"),
    ("action", "text"),
    ("actor", "text"),
    ("unit", "text"),
    ("tier", "text"),
    ("reason", "text"),
    ("version", "int"),
    ("occurred_at", "timestamptz"),
    ("recorded_at", "timestamptz"),
    ("body", "json"),
    ("private", "json"),
)
_UPDATE_CASES = update("special_cases", "case_id", CASE)
_UPDATE_COMMITMENTS = update("commitments", "commitment_id", COMMITMENT)
MOST_CHANGES = 10_000  # more than a special case can come to: its meetings and commitments are bounded
_encode = msgspec.json.Encoder().encode
_meetings = msgspec.json.Decoder(list[Meeting]).decode
_PLAIN = (
    "case_id, centre, lead, division, title, reason, state, version, seq, linked, opened_at, recorded_at, closed_at,"
    " result, conclusion"
)


class Told(Struct, frozen=True):
    """One change as it is told to whoever makes a view of special cases anew; the fields stand in the order of the
    query. `fact` are the bytes that went to Kafka."""

    case_id: UUID
    seq: int
    type: str
    action: str
    actor: str
    unit: str
    tier: str
    reason: str
    version: int
    occurred_at: datetime
    recorded_at: datetime
    fact: msgspec.Raw


async def load(connection: Connection | asyncpg.Pool, case_ids: Iterable[UUID]) -> dict[UUID, SpecialCase]:
    """Special cases with their meetings and commitments, in the order these were made."""
    rows = await connection.fetch("SELECT * FROM special_cases WHERE case_id = ANY($1)", list(case_ids))
    found = {row["case_id"]: _case(row, _meetings(row["meetings"])) for row in rows}
    rows = await connection.fetch(
        "SELECT * FROM commitments WHERE case_id = ANY($1) ORDER BY case_id, ordinal", list(found)
    )
    for row in rows:
        found[row["case_id"]].commitments.append(_commitment(row))
    return found


async def states(connection: Connection, case_ids: Iterable[UUID]) -> dict[UUID, CaseState]:
    """The states of special cases."""
    rows = await connection.fetch("SELECT case_id, state FROM special_cases WHERE case_id = ANY($1)", list(case_ids))
    return {row["case_id"]: CaseState(row["state"]) for row in rows}


async def holders(connection: Connection, case_ids: Iterable[UUID]) -> dict[UUID, frozenset[str]]:
    """The units that lead, or have a part of, the orders linked to special cases."""
    rows = await connection.fetch(
        "SELECT l.case_id, array_agg(o.lead) || array_agg(a.unit) AS units FROM special_case_orders l"
        " JOIN orders o USING (order_id) LEFT JOIN assignments a ON a.order_id = l.order_id AND a.status <> ALL($2)"
        " WHERE l.case_id = ANY($1) AND l.unlinked_at IS NULL GROUP BY 1",
        list(case_ids),
        sorted(GIVEN_UP),
    )
    return {row["case_id"]: frozenset(row["units"]) - {"", None} for row in rows}


async def save(connection: Connection, book: CaseBook, messages: Mapping[UUID, Outgoing]) -> None:
    """Write what a book holds of special cases; its orders are written by their own book. `messages` are the facts as
    they go to Kafka, by fact id: the history keeps the very same bytes."""
    if not book.changes:
        return
    touched = {change.case.case_id: change.case for change in book.changes}.values()
    made = [one for case in touched for one in case.commitments if one.changed]
    fresh = [(*_changing(case), *_fixed(case)) for case in touched if not case.stored]
    await copy(connection, "special_cases", CASE + CASE_FIXED, fresh)
    await send(connection, _UPDATE_CASES, [_changing(case) for case in touched if case.stored])
    new = [(*_standing(one), *_made(one)) for one in made if not one.stored]
    await copy(connection, "commitments", COMMITMENT + COMMITMENT_FIXED, new)
    await send(connection, _UPDATE_COMMITMENTS, [_standing(one) for one in made if one.stored])
    rows = [_history(change, messages[change.id]) for change in book.changes]
    await copy(connection, "special_case_history", HISTORY, rows)
    await copy(connection, "special_case_orders", LINK, [(li.case_id, li.order_id, li.at) for li in book.linked])
    if book.unlinked:
        await connection.execute(
            "UPDATE special_case_orders AS old SET unlinked_at = gone.at"
            " FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS gone(case_id, order_id, at)"
            " WHERE old.case_id = gone.case_id AND old.order_id = gone.order_id AND old.unlinked_at IS NULL",
            [li.case_id for li in book.unlinked],
            [li.order_id for li in book.unlinked],
            [li.at for li in book.unlinked],
        )


async def page(
    pool: asyncpg.Pool, scope: Scope, state: str | None, unit: str, after: After | None, limit: int
) -> list[SpecialCase]:
    """Special cases that a caller may see, the youngest first, without meetings and commitments: of a state, and of a
    unit that opened, leads or committed."""
    where = Where()
    within(where, scope)
    if state is not None:
        where.add("c.state = ?", state)
    if unit:
        where.add(
            "(c.centre = ? OR c.lead = ? OR EXISTS (SELECT FROM commitments m WHERE m.case_id = c.case_id"
            " AND m.unit = ?))",
            unit,
            unit,
            unit,
        )
    if after is not None:
        where.add("(c.opened_at, c.case_id) < (?, ?)", after.at, after.id)
    rows = await pool.fetch(
        f"SELECT {_PLAIN} FROM special_cases c WHERE {where} ORDER BY opened_at DESC, case_id DESC LIMIT {int(limit)}",
        *where.args,
    )
    return [_case(row, []) for row in rows]


async def counts(pool: asyncpg.Pool, case_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """How many commitments special cases have, how many are open, how many were ever missed."""
    rows = await pool.fetch(
        "SELECT case_id, count(*) AS commitments, count(*) FILTER (WHERE state IN ('open', 'answered')) AS open,"
        " count(missed_due) AS missed FROM commitments WHERE case_id = ANY($1) GROUP BY case_id",
        list(case_ids),
    )
    none = {"commitments": 0, "open": 0, "missed": 0}
    found = {row["case_id"]: {name: row[name] for name in none} for row in rows}
    return {case_id: found.get(case_id, none) for case_id in case_ids}


async def sees(pool: asyncpg.Pool, scope: Scope, case_id: UUID) -> bool:
    """Whether a caller may see a special case."""
    where = Where()
    within(where, scope)
    where.add("c.case_id = ?", case_id)
    found: bool = await pool.fetchval(f"SELECT EXISTS (SELECT FROM special_cases c WHERE {where})", *where.args)
    return found


def within(where: Where, scope: Scope) -> None:
    """Only special cases that a caller may see today: those of his centre or (for a centre) inside its boundary, that
    his unit leads or committed in, and those with an order that it holds or that lies in its boundary. Whom one of the
    orders complains about does not see the case, nor does whoever answers to it, unless he committed to something."""
    if scope.everything:
        return
    units, divisions = list(scope.units), scope.divisions
    committed = "EXISTS (SELECT FROM commitments m WHERE m.case_id = c.case_id AND m.unit = ANY(?))"
    of_case = (
        "SELECT FROM special_case_orders l JOIN orders o USING (order_id) WHERE l.case_id = c.case_id"
        " AND l.unlinked_at IS NULL"
    )
    for unit in scope.answers_for:
        where.add(
            f"({committed} OR NOT EXISTS ({of_case} AND strpos(o.subjects, ?) > 0 AND o.lead <> ?))",
            units,
            f"\n{unit}\n",
            unit,
        )
    if divisions is None:
        return
    inside = list(() if scope.handler else divisions)
    where.add(
        f"(c.centre = ANY(?) OR c.lead = ANY(?) OR c.division = ANY(?) OR {committed}"
        f" OR EXISTS ({of_case} AND ({SEEN})))",
        [] if scope.handler else units,
        units,
        inside,
        units,
        inside,
        units,
        units,
    )


async def commitments_of(
    pool: asyncpg.Pool, units: Sequence[str], states: Sequence[str], after: After | None, limit: int
) -> list[Commitment]:
    """What units committed to, the earliest due first."""
    rows = await pool.fetch(
        "SELECT * FROM commitments WHERE unit = ANY($1) AND state = ANY($2)"
        " AND ($3::timestamptz IS NULL OR (due, commitment_id) > ($3, $4)) ORDER BY due, commitment_id LIMIT $5",
        list(units),
        list(states),
        None if after is None else after.at,
        None if after is None else after.id,
        limit,
    )
    return [_commitment(row) for row in rows]


async def complainants(pool: asyncpg.Pool, case_id: UUID) -> int:
    """How many reports hang on the orders of a special case."""
    found: int = await pool.fetchval(
        "SELECT count(*) FROM special_case_orders l JOIN reports r USING (order_id) WHERE l.case_id = $1"
        " AND l.unlinked_at IS NULL",
        case_id,
    )
    return found


async def title_of(pool: asyncpg.Pool, case_id: UUID) -> tuple[str, str] | None:
    """Title and state of a special case."""
    row = await pool.fetchrow("SELECT title, state FROM special_cases WHERE case_id = $1", case_id)
    return None if row is None else (row["title"], row["state"])


async def past(pool: asyncpg.Pool, case_id: UUID, until: datetime) -> list[PastChange]:
    """The changes of a special case that were recorded by a moment, for folding."""
    rows = await pool.fetch(
        "SELECT type, body, reason, private FROM special_case_history WHERE case_id = $1 AND recorded_at <= $2"
        " ORDER BY seq",
        case_id,
        until,
    )
    return [PastChange(*row) for row in rows]


async def history(pool: asyncpg.Pool, case_id: UUID) -> list[Told]:
    """All changes of a special case, the first first."""
    return await by_case(pool, After(BEGINNING.at, case_id), MOST_CHANGES, one=True)


async def by_case(pool: asyncpg.Pool, after: After, limit: int, *, one: bool = False) -> list[Told]:
    """Changes case by case, each case's in the order of `seq`, from a place on; with `one` of that case alone."""
    rows = await pool.fetch(
        "SELECT case_id, seq, type, action, actor, unit, tier, reason, version, occurred_at, recorded_at, body"
        f" FROM special_case_history WHERE (case_id, seq) > ($1, $2){' AND case_id = $1' if one else ''}"
        " ORDER BY case_id, seq LIMIT $3",
        after.id,
        after.n,
        limit,
    )
    found = []
    for row in rows:
        values = list(row)
        values[-1] = msgspec.Raw(values[-1].encode())
        found.append(Told(*values))
    return found


def _case(row: Any, meetings: list[Meeting]) -> SpecialCase:
    return SpecialCase(
        case_id=row["case_id"],
        centre=row["centre"],
        lead=row["lead"],
        division=row["division"],
        opened_at=row["opened_at"],
        recorded_at=row["recorded_at"],
        title=row["title"],
        reason=row["reason"],
        state=CaseState(row["state"]),
        version=row["version"],
        seq=row["seq"],
        linked=row["linked"],
        closed_at=row["closed_at"],
        result=None if row["result"] is None else Result(row["result"]),
        conclusion=row["conclusion"],
        meetings=meetings,
        commitments=[],
        stored=True,
    )


def _commitment(row: Any) -> Commitment:
    fields = {name: row[name] for name, _ in COMMITMENT + COMMITMENT_FIXED}
    return Commitment(**fields | {"state": CommitmentState(row["state"])}, stored=True, changed=False)


def _changing(case: SpecialCase) -> tuple[Any, ...]:
    return (
        case.case_id,
        case.state,
        case.version,
        case.seq,
        case.linked,
        case.recorded_at,
        case.closed_at,
        case.result,
        case.conclusion,
        _encode(case.meetings).decode(),
    )


def _fixed(case: SpecialCase) -> tuple[Any, ...]:
    return (case.centre, case.lead, case.division, case.title, case.reason, case.opened_at)


def _standing(one: Commitment) -> tuple[Any, ...]:
    return tuple(getattr(one, name) for name, _ in COMMITMENT)


def _made(one: Commitment) -> tuple[Any, ...]:
    return tuple(getattr(one, name) for name, _ in COMMITMENT_FIXED)


def _history(change: CaseChange, message: Outgoing) -> tuple[Any, ...]:
    fact = change.fact
    return (
        fact.case_id,
        fact.seq,
        type(fact).__name__,
        change.action,
        fact.actor,
        fact.unit,
        change.tier,
        change.reason,
        change.version,
        fact.occurred_at,
        fact.recorded_at,
        message.value.decode(),
        change.private,
    )
