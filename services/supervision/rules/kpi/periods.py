"""Periods as people write them."""

import re
from datetime import date, timedelta

_MONTH = re.compile(r"^(\d{4})-(\d{2})$")
LONGEST_DAYS = 400


def period_of(text: str, today: date) -> tuple[date, date]:
    """First and last day of `today`, `yesterday`, `week` (since Monday), `month` (since the first), `2026-11`,
    `2026-11-03` or `2026-11-01..2026-11-15`. Raises ValueError."""
    named = {
        "today": (today, today),
        "yesterday": (today - timedelta(days=1),) * 2,
        "week": (today - timedelta(days=today.weekday()), today),
        "month": (today.replace(day=1), today),
    }
    if text in named:
        first, last = named[text]
        return first, last
    if month := _MONTH.match(text):
        first = date(int(month[1]), int(month[2]), 1)
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    begins, _, ends = text.partition("..")
    first = date.fromisoformat(begins)
    last = date.fromisoformat(ends) if ends else first
    if last < first:
        raise ValueError("a period ends on or after its first day")
    if (last - first).days >= LONGEST_DAYS:
        raise ValueError(f"at most {LONGEST_DAYS} days")
    if not 2000 <= first.year <= 2199 or last.year > 2199:
        raise ValueError("a day of the years 2000 to 2199")
    return first, last
