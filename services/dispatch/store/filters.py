"""What a list of orders is narrowed to, as conditions of SQL: by what stands fast, and by what may have changed since.

At a past moment what may have changed is read from the history row that was the order's last by then (`s`), today from
the order itself (`o`). Everything a caller says travels as a parameter.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from services.chassis.cursors import After

ENDED = "('closed', 'rejected', 'transferred', 'merged', 'void')"
AHEAD = timedelta(minutes=5)  # an imported order may have been received a little later than it was recorded
NARROW = 300  # a boundary of so many divisions (a street's) is small enough to begin with its orders

# Whether an order lies in these divisions or is, or was, in these units' hands (`rules.visibility.sees`).
SEEN = (
    "o.division = ANY(?) OR o.lead = ANY(?)"
    " OR EXISTS (SELECT FROM assignments a WHERE a.order_id = o.order_id AND a.unit = ANY(?))"
)


class Scope(Struct, frozen=True):
    """What a caller may see: everything, or what his unit holds (`handler`), or also what lies in `divisions`; but
    nothing that complains about those whom he answers for (his own unit among them)."""

    everything: bool
    units: tuple[str, ...] = ()
    handler: bool = False
    divisions: tuple[str, ...] | None = ()
    answers_for: tuple[str, ...] = ()


class Filters(Struct, frozen=True):
    """What a list of orders is narrowed to; empty fields do not narrow. `leads` are the units that may lead (those of
    a tier), `found` the orders that a search comes to today, `words` what each order is looked at for: of a search that
    comes to too many to begin with, of one that pairs of signs do not prove, and of every one of a past moment."""

    status: tuple[str, ...] = ()
    division: tuple[str, ...] = ()
    unit: str = ""
    leads: tuple[str, ...] | None = None
    class_keys: tuple[str, ...] | None = None
    source: tuple[str, ...] = ()
    urgency: tuple[str, ...] = ()
    light: tuple[str, ...] = ()
    overdue: bool | None = None
    round: int | None = None
    joined: bool | None = None
    recurrence: bool | None = None
    requested: bool | None = None
    proposed: str = ""
    opened_from: datetime | None = None
    opened_to: datetime | None = None
    closed_from: datetime | None = None
    closed_to: datetime | None = None
    span: tuple[UUID, UUID] | None = None
    found: tuple[UUID, ...] | None = None
    words: tuple[str, tuple[str, ...]] | None = None
    case_id: UUID | None = None


class Where:
    """Conditions with their parameters, which several of them may share one list of."""

    def __init__(self, args: list[Any] | None = None) -> None:
        self.args: list[Any] = [] if args is None else args
        self._parts: list[str] = []

    def add(self, text: str, *values: Any) -> None:
        """One condition; each `?` stands for the next value."""
        for value in values:
            self.args.append(value)
            text = text.replace("?", f"${len(self.args)}", 1)
        self._parts.append(text)

    def __bool__(self) -> bool:
        return bool(self._parts)

    def __str__(self) -> str:
        return " AND ".join(self._parts) or "true"


def within(where: Where, scope: Scope, f: Filters) -> None:
    """Only what a caller may see today: what he holds is looked up as a whole, or asked of each order where a search
    has named them already."""
    if scope.everything:
        return
    about_others(where, scope)
    divisions = () if scope.handler else scope.divisions
    if divisions is None:
        return
    if f.found is not None:
        where.add(f"({SEEN})", divisions, scope.units, scope.units)
    elif len(divisions) <= NARROW:
        _held(where, scope.units, divisions)
    else:
        where.add(
            "(o.division = ANY(?) OR o.lead = ANY(?)"
            " OR o.order_id IN (SELECT order_id FROM assignments WHERE unit = ANY(?)))",
            divisions,
            scope.units,
            scope.units,
        )


def _held(where: Where, units: tuple[str, ...], divisions: tuple[str, ...] = ()) -> None:
    """Division by division: of many at once the planner thinks that they are the whole city."""
    inside = ""
    if divisions:
        where.args.append(divisions)
        inside = (
            f" UNION ALL SELECT i.order_id FROM unnest(${len(where.args)}::text[]) AS d(division) CROSS JOIN LATERAL"
            " (SELECT order_id FROM orders WHERE division = d.division OFFSET 0) i"
        )
    where.add(
        "o.order_id IN (SELECT order_id FROM orders WHERE lead = ANY(?)"
        f" UNION ALL SELECT order_id FROM assignments WHERE unit = ANY(?){inside})",
        units,
        units,
    )


def _held_then(where: Where, units: tuple[str, ...], divisions: tuple[str, ...], moment: datetime) -> None:
    where.add(
        "(s.division = ANY(?) OR s.lead = ANY(?) OR EXISTS (SELECT FROM assignments a WHERE a.order_id = o.order_id"
        " AND a.unit = ANY(?) AND a.told_at <= ?))",
        divisions,
        units,
        units,
        moment,
    )


def about_others(where: Where, scope: Scope) -> None:
    """Whom an order complains about does not see it, nor its past (`rules.visibility.shut_out`)."""
    if scope.answers_for:
        each = " AND ".join("(strpos(o.subjects, ?) = 0 OR o.lead = ?)" for _ in scope.answers_for)
        told = (part for unit in scope.answers_for for part in (f"\n{unit}\n", unit))
        where.add(f"(o.subjects = '' OR ({each}))", *told)


def within_then(where: Where, scope: Scope, moment: datetime) -> None:
    """Only what a caller might see at a past moment."""
    if scope.everything or scope.divisions is None:
        return
    _held_then(where, scope.units, () if scope.handler else scope.divisions, moment)


def source(where: Where, f: Filters) -> str:
    """Where the orders come from: all of them, or those that a search came to, fetched by their ids before anything
    else is asked of them."""
    if f.found is None:
        return "orders o"
    where.args.append(list(f.found))
    return f"(SELECT * FROM orders WHERE order_id = ANY(${len(where.args)}) OFFSET 0) o"


def fixed(where: Where, f: Filters, after: After | None, moment: datetime | None) -> None:
    """By what never changes about an order, and where the page begins; reports count that were known by `moment`."""
    if f.source:
        where.add("o.source = ANY(?)", list(f.source))
    if f.recurrence is not None:
        where.add(f"o.recurrence_of IS {'NOT ' if f.recurrence else ''}NULL")
    if f.case_id is not None:
        where.add(
            "o.order_id IN (SELECT order_id FROM special_case_orders WHERE case_id = ? AND CASE"
            " WHEN ?::timestamptz IS NULL THEN unlinked_at IS NULL ELSE linked_at <= ? AND"
            " coalesce(unlinked_at > ?, true) END)",
            f.case_id,
            moment,
            moment,
            moment,
        )
    if f.opened_from:
        where.add("o.opened_at >= ?", f.opened_from)
    if f.opened_to:
        where.add("o.opened_at < ?", f.opened_to)
    if f.span is not None:
        where.add(
            "(o.order_id BETWEEN ? AND ? OR EXISTS (SELECT FROM reports r WHERE r.order_id = o.order_id"
            " AND r.report_id BETWEEN ? AND ? AND (?::timestamptz IS NULL OR r.recorded_at <= ?)))",
            *f.span,
            *f.span,
            moment,
            moment,
        )
    if moment is not None:
        where.add("o.opened_at <= ?", moment + AHEAD)
    if after is not None:
        where.add("(o.opened_at, o.order_id) < (?, ?)", after.at, after.id)


def standing(where: Where, f: Filters, of: str) -> None:
    """By how the order stands: `of` is `o` today, `s` at a past moment."""
    if f.status:
        where.add(f"{of}.status = ANY(?)", list(f.status))
    if f.proposed:  # what waits for a person is of today: lists of the past refuse it
        where.add("o.proposed = ?", f.proposed)
    if f.urgency:
        where.add(f"{of}.urgency = ANY(?)", list(f.urgency))
    if f.division:
        where.add(f"{of}.division = ANY(?)", list(f.division))
    if f.leads is not None:
        where.add(f"{of}.lead = ANY(?)", list(f.leads))
    if f.class_keys is not None:
        where.add(f"{of}.class_key = ANY(?)", list(f.class_keys))
    if f.round is not None:
        where.add(f"{of}.round = ?", f.round)
    if f.closed_from:
        where.add(f"{of}.closed_at >= ?", f.closed_from)
    if f.closed_to:
        where.add(f"{of}.closed_at < ?", f.closed_to)


def beside(where: Where, f: Filters, of: str, moment: datetime | None) -> None:
    """By what is kept in other tables, looked up order by order: OFFSET keeps the planner from making a join of it."""
    if f.light:
        where.add("coalesce(k.light, 'green') = ANY(?)", list(f.light))
    if f.overdue is not None:
        where.add(f"{'' if f.overdue else 'NOT '}(coalesce(k.light, 'green') = 'red' AND {of}.status NOT IN {ENDED})")
    if f.joined is not None:
        where.add(
            f"{'' if f.joined else 'NOT '}EXISTS (SELECT FROM history h WHERE h.order_id = o.order_id"
            " AND h.type = 'ReportJoined' AND (?::timestamptz IS NULL OR h.recorded_at <= ?) OFFSET 0)",
            moment,
            moment,
        )
    if f.requested is not None:
        where.add(
            f"{'' if f.requested else 'NOT '}EXISTS (SELECT FROM requests q WHERE q.order_id = o.order_id"
            " AND q.state = 'open')"
        )
    if f.words is not None:
        query, terms = f.words
        where.add(
            "EXISTS (SELECT FROM (SELECT r.body FROM reports r JOIN report_words w USING (report_id)"
            " WHERE r.order_id = o.order_id AND w.words @@ ?::tsquery"
            f" AND (?::timestamptz IS NULL OR r.recorded_at <= ?) OFFSET 0) r WHERE {SAYS} OFFSET 0)",
            query,
            moment,
            moment,
            list(terms),
        )


def takes_part(where: Where, unit: str, moment: datetime | None) -> None:
    """Only orders that a unit leads or has (had) a part in."""
    if moment is None:
        _held(where, (unit,))
    else:
        _held_then(where, (unit,), (), moment)


# A report says all of the words: what the grams let through is looked at as it is written.
SAYS = (
    "(SELECT coalesce(bool_and(strpos(lower(normalize(concat_ws(' ', r.body->>'title', r.body->>'text',"
    " r.body->>'address'), NFKC)), term) > 0), true) FROM unnest(?::text[]) AS term)"
)
LIGHT_NOW = (
    " LEFT JOIN LATERAL (SELECT light FROM clocks WHERE order_id = o.order_id ORDER BY seq DESC, at DESC LIMIT 1)"
    " k ON true"
)
LIGHT_THEN = (
    " LEFT JOIN LATERAL (SELECT light FROM clocks WHERE order_id = o.order_id AND at <= ?"
    " ORDER BY seq DESC, at DESC LIMIT 1) k ON true"
)
