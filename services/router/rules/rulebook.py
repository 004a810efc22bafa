"""A duty rulebook, compiled: the rows that fit a class in a place, the most specific first.

Rows are found by area, class and subject, so that what a question costs depends on the rows that fit it, not on how
many there are.
"""

from collections.abc import Hashable, Iterator, Mapping
from datetime import datetime, time
from operator import itemgetter
from typing import Any

from msgspec import Struct

from schemas.city import ClassItem, DutyRule

Rank = tuple[int, ...]  # depth of the area, of the class, then the row's narrowness, all negated: the least wins
_REMEMBERED = 100_000


class Fitting(Struct, frozen=True):
    """The rows whose area, class and subject fit, the most specific first, among equals by their lines. `lasting` says
    whether who wins depends on nothing but scene, source and ticket type (and the subject, where one is named)."""

    rows: tuple[tuple[Rank, DutyRule], ...]
    lasting: bool


class Rulebook:
    """A rulebook of one city. `lineage` holds each division with those above it, lowest first, `depths` how deep each
    lies (city 0). Built once, then only read; what it remembers are answers to questions asked before."""

    def __init__(
        self,
        rules: tuple[DutyRule, ...],
        version: str,
        lineage: Mapping[str, tuple[str, ...]],
        depths: Mapping[str, int],
        classes: Mapping[str, ClassItem],
    ) -> None:
        self.version = version
        self.rules: dict[str, DutyRule] = {rule.rule_id: rule for rule in rules}
        self._lineage, self._depths, self._classes = lineage, depths, classes
        self._rows: dict[tuple[str, str, str], list[tuple[Rank, DutyRule]]] = {}
        for rule in rules:
            entry = tuple(-part for part in rule.narrowness), rule
            for area in rule.areas or ("",):
                for class_ in rule.classes or ("",):
                    for subject in rule.subjects or ("",):
                        self._rows.setdefault((area, class_, subject), []).append(entry)
        self.subjects = frozenset(subject for rule in rules for subject in rule.subjects)
        self._fitting: dict[tuple[str, str, str], Fitting] = {}
        self.settled: dict[Hashable, Any] = {}  # who was found to answer for what; filled by match.py

    def fitting(self, class_key: str, division: str, subject: str = "") -> Fitting:
        """The rows for a class in a division, about a subject."""
        key = (class_key, division, subject if subject in self.subjects else "")
        found = self._fitting.get(key)
        if found is None:
            if len(self._fitting) > _REMEMBERED:
                self._fitting.clear()
            found = self._fitting[key] = self._fit(*key)
        return found

    def _fit(self, class_key: str, division: str, subject: str) -> Fitting:
        found: dict[str, tuple[Rank, int, DutyRule]] = {}
        item = self._classes.get(class_key)
        words = ("", f"major:{item.major}", class_key) if item else ("",)
        about = ("", subject) if subject else ("",)
        for area in ("", *reversed(self._lineage.get(division, ()))):
            depth = -self._depths[area] - 1 if area else 0
            for level, word in enumerate(words):
                for one in about:
                    for narrow, rule in self._rows.get((area, word, one), ()):
                        found[rule.rule_id] = ((depth, -level, *narrow), rule.line, rule)  # from wide to narrow
        rows = sorted(found.values(), key=itemgetter(0, 1))
        lasting = not any(r.hours or r.attributes or r.stand_in for _, _, r in rows)
        return Fitting(tuple((rank, rule) for rank, _, rule in rows), lasting)

    def below(self, class_key: str, division: str) -> Iterator[tuple[str, DutyRule]]:
        """The rows for a class (or its major) in areas inside a division, each with its area: they decide where more of
        the place is known."""
        item = self._classes.get(class_key)
        words = (class_key, f"major:{item.major}") if item else ()
        for (area, word, _), rules in self._rows.items():
            if area != division and word in words and division in self._lineage.get(area, ()):
                for _, rule in rules:
                    yield area, rule

    def remember(self, asked: Hashable, found: object) -> None:
        """Keep a settled answer, so that the same question need not be worked out again."""
        if len(self.settled) > _REMEMBERED:
            self.settled.clear()
        self.settled[asked] = found


def within(hours: tuple[time, time], local_time: datetime) -> bool:
    """Whether a local time lies in [from, to); a window whose end is not after its start goes over midnight."""
    start, end = hours
    at = local_time.time()
    return start <= at < end if start < end else at >= start or at < end
