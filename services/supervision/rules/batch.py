"""Deadlines of many rows at once, for people who try a policy on their own history (`paidan clock due`)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from schemas.city import Limit
from schemas.vocabulary import LimitUnit, Stage
from services.supervision.rules.calendar import OutOfRange
from services.supervision.rules.clock import due_on_wall
from services.supervision.rules.limits import Terms

COLUMNS = ("id", "start", "amount", "unit", "policy")


class DueRow(Struct, frozen=True, gc=False):
    """Answer to one row: the deadline in the city's zone as RFC 3339 text, or "" and why there is none."""

    row_id: str
    due: str
    unlisted: bool = False
    fault: str = ""


def due_rows(rows: Iterable[Sequence[str]], terms: Terms) -> Iterator[DueRow]:
    """One answer per row (id, start, amount, unit[, policy]), in order. `start` is RFC 3339, or wall-clock time of the
    city without offset. `policy` names a policy row: it says which calendar, day end and start-day rule count, and
    gives amount and unit where those cells are empty. A row that cannot be read gets its fault; none stops the rest."""
    zone = terms.calendar_of(_PLAIN).zone
    counts: dict[tuple[str, ...], _Count] = {}
    for row in rows:
        row_id = row[0] if row else ""
        try:
            start = datetime.fromisoformat(row[1])
            key = tuple(row[2:5])
            count = counts.get(key)
            if count is None:
                count = counts[key] = _Count(_limit(key, terms), terms)
            yield DueRow(row_id, *count.due(start if start.tzinfo else start.replace(tzinfo=zone)))
        except IndexError:
            yield DueRow(row_id, "", fault="a row is id,start,amount,unit[,policy]")
        except (OutOfRange, ValueError, OverflowError) as trouble:
            yield DueRow(row_id, "", fault=str(trouble))


class _Count:
    """One limit, ready to be counted many times. Deadlines stay on the wall clock all the way, and a day's answer is
    kept where it is the same for every hour."""

    def __init__(self, limit: Limit, terms: Terms) -> None:
        if not limit.amount > 0:
            raise ValueError(f"a limit of {limit.amount:g} is not above zero")
        self._limit = limit
        self._calendar = terms.calendar_of(limit)
        self._day_end = limit.day_end or terms.policy.day_end
        self._real = _REAL.get(limit.unit)
        self._span = timedelta(**{self._real: limit.amount}) if self._real else timedelta()
        self._by_day = limit.unit is LimitUnit.WORK_DAY and not limit.count_start_day
        self._days: dict[int, tuple[str, bool]] = {}
        self._terms = terms

    def due(self, start: datetime) -> tuple[str, bool]:
        """The deadline as text, and whether a year without a list was counted."""
        calendar, limit = self._calendar, self._limit
        if self._real:
            at = start + self._span
            day, us = calendar.wall(at)
            if calendar.turns(day):  # the wall clock alone does not say which of two hours it is
                return at.astimezone(calendar.zone).isoformat(), False
            return calendar.text(day, us), False
        day, us = calendar.wall(start)
        if self._by_day and (known := self._days.get(day)) is not None:
            return known
        last, until = due_on_wall(
            day,
            us,
            limit.amount,
            limit.unit,
            calendar,
            day_end=self._day_end,
            count_start_day=limit.count_start_day,
        )
        if limit.unit is LimitUnit.WORK_HOUR and calendar.turns(last):
            plain = self._terms.due(limit, start)
            return plain.at.astimezone(calendar.zone).isoformat(), plain.unlisted
        unlisted = limit.unit is not LimitUnit.NATURAL_DAY and calendar.is_unlisted(day, last)
        found = (calendar.text(last, until), unlisted)
        if self._by_day:
            self._days[day] = found
        return found


_REAL = {LimitUnit.MINUTE: "minutes", LimitUnit.URGENT_HOUR: "hours"}
_PLAIN = Limit(limit_id="", stage=Stage.TOTAL, amount=1, unit=LimitUnit.WORK_DAY)


def _limit(key: tuple[str, ...], terms: Terms) -> Limit:
    """The limit that the cells amount, unit and policy describe. Raises IndexError when cells are missing, ValueError
    when they cannot be read."""
    amount, unit, name = (*key, "")[:3] if len(key) == 2 else key
    try:
        row = terms.limit(name) if name else _PLAIN
    except KeyError:
        raise ValueError(f"unknown policy row {name!r}") from None
    if not name and not (amount and unit):
        raise ValueError("amount and unit are empty, and no policy row is named")
    return Limit(
        limit_id=row.limit_id,
        stage=row.stage,
        amount=float(amount) if amount else row.amount,
        unit=LimitUnit(unit) if unit else row.unit,
        calendar=row.calendar,
        day_end=row.day_end,
        count_start_day=row.count_start_day,
    )
