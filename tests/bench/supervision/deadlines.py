"""`paidan clock due`: how many deadlines a second, and whether each is the one that counting on the fingers gives."""

import csv
import io
import random
import subprocess
import sys
import time as clock
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import psutil

import deploy
from schemas.city import CalendarData
from schemas.vocabulary import LimitUnit
from services.chassis.city import load
from services.supervision.rules.batch import due_rows
from services.supervision.rules.calendar import Calendar
from services.supervision.rules.clock import due
from services.supervision.rules.limits import Terms

CITIES = Path(deploy.__file__).parent / "cities"
MOST = {
    LimitUnit.MINUTE: 600,
    LimitUnit.URGENT_HOUR: 72,
    LimitUnit.WORK_HOUR: 40,
    LimitUnit.WORK_DAY: 20,
    LimitUnit.NATURAL_DAY: 30,
    LimitUnit.BUSINESS_RULE: 10,
}


def cases(count: int, seed: int = 7) -> Iterator[tuple[datetime, int, LimitUnit]]:
    """Random starts of 2023 to 2028 (listed years and others), amounts and units; wall clock without zone."""
    dice = random.Random(seed)
    units = list(MOST)
    for _ in range(count):
        unit = dice.choice(units)
        start = datetime(2023, 6, 1) + timedelta(seconds=dice.randrange(5 * 365 * 86_400))
        yield start, dice.randint(1, MOST[unit]), unit


def speed(count: int, profile: bool) -> dict[str, Any]:
    """Rows a second of processor time: the rules alone, and the command with its CSV on a pipe."""
    count = count or 500_000
    city = load(CITIES / "shanghai")
    terms = Terms.of(city.policy, city.calendars)
    rows = [(str(n), f"{s.isoformat()}+08:00", str(a), u.value) for n, (s, a, u) in enumerate(cases(count))]
    best = 0.0
    for _ in range(3):
        began = clock.process_time()
        answered = sum(1 for row in due_rows(rows, terms) if row.due)
        best = max(best, answered / (clock.process_time() - began))
    assert answered == count
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return {"rows": count, "rules_per_cpu_s": round(best), "command_per_cpu_s": round(_piped(text.getvalue(), count))}


def _piped(text: str, count: int) -> float:
    """The command's own processor time but for its start, which a run with one row measures."""

    def cpu(lines: str) -> float:
        command = [sys.executable, "-m", "deploy.cli", "clock", "due", "--city", "shanghai"]
        before = psutil.Process().cpu_times()
        done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
        after = psutil.Process().cpu_times()
        assert done.stdout.count("\n") == lines.count("\n") + 1
        spent = (after.children_user - before.children_user) + (after.children_system - before.children_system)
        return float(spent)

    start = cpu(text.split("\n", 1)[0] + "\n")
    return count / (cpu(text) - start)


def equality(count: int, profile: bool) -> dict[str, Any]:
    """Every case by the rules, by the rows of the pipe, and by walking from day to day; three calendars."""
    count = count or 1_000_000
    compared = 0
    wrong: list[str] = []
    for name, which in (("shanghai", 0), ("shanghai", 1), ("boston", 0)):
        city = load(CITIES / name)
        data = city.calendars[which]
        calendar, terms = Calendar.of(data), Terms.of(city.policy, (data,))
        dice = random.Random(count)
        for start, amount, unit in cases(count // 3 + 1, seed=which + len(name)):
            at = existing(start, datetime(2026, 1, 1, tzinfo=calendar.zone)).astimezone(calendar.zone)
            day_end, counts = dice.choice(("working_hours", "midnight")), dice.random() < 0.5
            found = due(at, amount, unit, calendar, day_end=day_end, count_start_day=counts).at
            plain = walked(at, amount, unit, data, day_end, counts)
            compared += 1
            if found != plain.astimezone(UTC):
                wrong.append(f"{data.name} {at} {amount} {unit} {day_end} {counts}: {found}, on the fingers {plain}")
            row = next(due_rows([("", at.isoformat(), str(amount), unit.value)], terms))
            plain = walked(at, amount, unit, data, terms.policy.day_end, False)
            if datetime.fromisoformat(row.due) != plain.astimezone(UTC):
                wrong.append(f"pipe {data.name} {at} {amount} {unit}: {row.due}, on the fingers {plain}")
    return {"cases": compared, "different": len(wrong), "first": wrong[:3]}


def walked(
    start: datetime, amount: int, unit: LimitUnit, data: CalendarData, day_end: str, count_start_day: bool
) -> datetime:
    """A deadline the slow and obvious way: from day to day, shift by shift."""
    if unit in (LimitUnit.MINUTE, LimitUnit.URGENT_HOUR):
        seconds = amount * (60 if unit is LimitUnit.MINUTE else 3600)
        return start.astimezone(UTC) + timedelta(seconds=seconds)
    local = start.replace(tzinfo=None)
    if unit is LimitUnit.NATURAL_DAY:
        return existing(local + timedelta(days=amount), start)
    shifts = data.hours.shifts
    if unit is LimitUnit.WORK_HOUR:
        return existing(_after_shifts(local, timedelta(hours=amount), data), start)
    day, at = local.date(), local.time()
    if unit is LimitUnit.WORK_DAY:
        end = time(23, 59, 59) if day_end == "midnight" else shifts[-1][1]
        left = amount - (count_start_day and works(day, data) and at < end)
        while left:
            day = next_worked(day, data)
            left -= 1
        return existing(datetime.combine(day, end), start)
    if not works(day, data):
        day = next_worked(day, data)
    if at >= shifts[-1][1]:
        day, at = next_worked(day, data), shifts[0][0]
    for _ in range(amount):
        day = next_worked(day, data)
    return existing(datetime.combine(day, at), start)


def _after_shifts(at: datetime, left: timedelta, data: CalendarData) -> datetime:
    day = at.date()
    while True:
        for begins, ends in data.hours.shifts if works(day, data) else ():
            begin, end = max(at, datetime.combine(day, begins)), datetime.combine(day, ends)
            if begin < end:
                if left <= end - begin:
                    return begin + left
                left -= end - begin
        day += timedelta(days=1)


def works(day: date, data: CalendarData) -> bool:
    """Whether a day is worked: a make-up day, or a day of the week that no holiday takes."""
    return day in data.makeup_workdays or (day.weekday() in data.hours.weekdays and day not in data.holidays)


def next_worked(day: date, data: CalendarData) -> date:
    """The next day that is worked."""
    day += timedelta(days=1)
    while not works(day, data):
        day += timedelta(days=1)
    return day


def existing(local: datetime, like: datetime) -> datetime:
    """The moment of a wall time; one that spring skips is the first after the gap."""
    there = local.replace(tzinfo=like.tzinfo)
    if there.astimezone(UTC).astimezone(like.tzinfo).replace(tzinfo=None) == local:
        return there
    at = datetime.combine(local.date(), time(), like.tzinfo).astimezone(UTC)
    offset = at.astimezone(like.tzinfo).utcoffset()
    while at.astimezone(like.tzinfo).utcoffset() == offset:
        at += timedelta(minutes=1)
    return at
