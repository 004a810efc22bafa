"""Deadlines of many rows at once, for people who try a policy on their own history (`paidan clock due`)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from schemas.city import Limit
from schemas.vocabulary import LimitUnit, Stage
from services.supervision.rules.calendar import OutOfRange
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
    limits: dict[tuple[str, ...], Limit] = {}
    for row in rows:
        row_id = row[0] if row else ""
        try:
            start = datetime.fromisoformat(row[1])
            key = tuple(row[2:5])
            limit = limits.get(key)
            if limit is None:
                limit = limits[key] = _limit(key, terms)
            answer = terms.due(limit, start if start.tzinfo else start.replace(tzinfo=zone))
            yield DueRow(row_id, answer.at.astimezone(zone).isoformat(), answer.unlisted)
        except IndexError:
            yield DueRow(row_id, "", fault="a row is id,start,amount,unit[,policy]")
        except (OutOfRange, ValueError, OverflowError) as trouble:
            yield DueRow(row_id, "", fault=str(trouble))


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
