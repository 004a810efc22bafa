"""What the audit can find, and the table it prints: pure."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Fault(StrEnum):
    """What can be wrong with a report, or with a row that belongs to one."""

    MISSING = "missing"  # accepted, and not where it must be by now
    DOUBLED = "doubled"  # twice where it may be once
    ORPHAN = "orphan"  # a row that belongs to nothing
    CLOCKLESS = "clockless"  # an order or a promise without its clock
    WAITING = "waiting"  # accepted and on its way, but not there yet


class Finding(Struct, frozen=True, order=True):
    """One fault: of which report or order (`id`), in which store, and what exactly."""

    fault: Fault
    store: str
    id: str
    detail: str
    channel: str = ""

    @property
    def what(self) -> tuple[Fault, str, str]:
        """What stays the same however often one looks."""
        return self.fault, self.store, self.id


class Seen(Struct, frozen=True):
    """One accepted report as a store has it."""

    channel: str
    received_at: datetime


class Line(Struct, frozen=True):
    """One line of the table: a channel and an hour, how many were accepted, and how many each store has."""

    channel: str
    hour: str
    accepted: int
    decided: int
    dispatched: int
    clocked: int
    faults: int


class Report(Struct, frozen=True):
    """The whole audit."""

    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]
    dead_letters: dict[str, int]

    @property
    def clean(self) -> bool:
        """Whether all is in its place."""
        return not self.findings


def tabulate(
    accepted: dict[str, Seen], decided: set[str], dispatched: set[str], clocked: set[str], findings: Iterable[Finding]
) -> tuple[Line, ...]:
    """Accepted reports by channel and hour (UTC), with how many of them each store has."""
    faulty = Counter(finding.id for finding in findings)
    rows: dict[tuple[str, str], list[int]] = {}
    for id_, seen in accepted.items():
        row = rows.setdefault((seen.channel, seen.received_at.strftime("%Y-%m-%d %H:00")), [0, 0, 0, 0, 0])
        row[0] += 1
        row[1] += id_ in decided
        row[2] += id_ in dispatched
        row[3] += id_ in clocked
        row[4] += faulty.get(id_, 0) > 0
    return tuple(Line(channel, hour, *counts) for (channel, hour), counts in sorted(rows.items()))
