"""How two terms differ, in words: rows of the policy, days of the calendars, what holds from when."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from schemas.city import CalendarData, Limit, Policy
from services.supervision.rules.stages import TermsData

_HIDDEN = ("line",)


class Change(Struct, frozen=True):
    """One difference: what it is about (`limit`, `order of rows`, `day`, …), its name, and how it was and is."""

    what: str
    name: str
    before: str
    after: str


def changes(old: TermsData, new: TermsData) -> list[Change]:
    """Every difference that clocks could feel; empty when both promise the same."""
    return [
        *_of_policy(old.policy, new.policy),
        *_named("version", _versions(old), _versions(new)),
        *_of_calendars(old.calendars, new.calendars),
        *_named("unit's calendar", old.of_units, new.of_units),
        *_named("class's major", old.majors, new.majors),
        *(
            Change("centre", unit, "centre" if unit in old.centres else "", "centre" if unit in new.centres else "")
            for unit in sorted(old.centres ^ new.centres)
        ),
    ]


def _of_policy(old: Policy, new: Policy) -> Iterator[Change]:
    before, after = ({limit.limit_id: limit for limit in policy.limits} for policy in (old, new))
    for name in [*before, *(name for name in after if name not in before)]:
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            yield Change("limit", name, _amount(was), _amount(now))
        elif differing := [key for key, value in _fields(was).items() if _fields(now)[key] != value]:
            yield Change("limit", name, _said(was, differing), _said(now, differing))
    kept = [name for name in before if name in after]
    moved = [name for name in after if name in before]
    if kept != moved:
        yield Change("order of rows", "limits", " ".join(kept), " ".join(moved))
    if old.day_end != new.day_end:
        yield Change("policy", "day_end", old.day_end, new.day_end)
    moves = [{rule.kind.value: " ".join(rule.moves) for rule in policy.requests} for policy in (old, new)]
    yield from _named("request moves", moves[0], moves[1])


def _versions(data: TermsData) -> dict[str, str]:
    """Each version with since when it holds and for what."""
    return {
        policy.version: f"since {policy.since.isoformat()} for {policy.covers}" if policy.since else "ever"
        for policy in (*data.earlier, data.policy)
    }


def _of_calendars(old: tuple[CalendarData, ...], new: tuple[CalendarData, ...]) -> Iterator[Change]:
    before, after = ({each.name: each for each in calendars} for calendars in (old, new))
    for name in [*before, *(name for name in after if name not in before)]:
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            yield Change("calendar", name, was.version if was else "", now.version if now else "")
            continue
        for day in sorted(_days(was).items() ^ _days(now).items()):
            if (day[0] in _days(now)) and day[1] != _days(now)[day[0]]:
                continue  # told once, with both sides
            yield Change(
                "day", f"{name} {day[0]}", _days(was).get(day[0], "ordinary"), _days(now).get(day[0], "ordinary")
            )
        for what, one, other in (
            ("listed years", sorted(was.years), sorted(now.years)),
            ("shifts", was.hours.shifts, now.hours.shifts),
            ("weekdays", was.hours.weekdays, now.hours.weekdays),
            ("time zone", was.timezone, now.timezone),
        ):
            if one != other:
                yield Change(what, name, _text(one), _text(other))
    if [*before][:1] != [*after][:1]:
        yield Change("calendar", "the city's own", *([*each][0] if each else "" for each in (before, after)))


def _days(calendar: CalendarData) -> dict[date, str]:
    return dict.fromkeys(calendar.holidays, "holiday") | dict.fromkeys(calendar.makeup_workdays, "make-up workday")


def _named(what: str, old: dict[str, str], new: dict[str, str]) -> Iterator[Change]:
    for name in [*old, *(name for name in new if name not in old)]:
        if old.get(name) != new.get(name):
            yield Change(what, name, old.get(name, ""), new.get(name, ""))


def _fields(limit: Limit) -> dict[str, Any]:
    return {key: value for key, value in asdict(limit).items() if key not in _HIDDEN}


def _amount(limit: Limit | None) -> str:
    return "" if limit is None else f"{limit.stage} {limit.amount:g} {limit.unit}"


def _said(limit: Limit, names: list[str]) -> str:
    if set(names) <= {"amount", "unit"}:
        return f"{limit.amount:g} {limit.unit}"
    return ", ".join(f"{name} {_text(getattr(limit, name))}" for name in names)


def _text(value: Any) -> str:
    if isinstance(value, tuple | list):
        return (
            "–".join(_text(part) for part in value)
            if value and not isinstance(value[0], tuple)
            else " ".join(_text(part) for part in value) or "any"
        )
    return f"{value:g}" if isinstance(value, float) else str(value)
