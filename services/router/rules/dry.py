"""A rulebook tried on the past: which reports would go elsewhere, and how many of which class, from whom to whom."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from services.router.rules.atlas import Atlas
from services.router.rules.outcome import Outcome, Ruling, asked_again


class Moved(Struct, frozen=True):
    """One report that would go elsewhere; `differs` names in what, `was` is what it is compared with."""

    report_id: UUID
    order_id: UUID | None
    decided_at: datetime
    class_key: str
    division: str
    differs: tuple[str, ...]
    was: Outcome
    would_be: Outcome
    accused: tuple[str, ...] = ()


class OfClass(Struct, frozen=True):
    """How many reports of a class were looked at, and how many of them would go elsewhere."""

    class_key: str
    name: str
    examined: int
    differing: int


class OfUnit(Struct, frozen=True):
    """How many reports a unit would lead more (`gains`) and fewer (`loses`)."""

    unit_id: str
    name: str
    gains: int
    loses: int


@dataclass
class Trial:
    """A rulebook (`would`, the city under it) on the past. Compared with what `live` says today, so that nothing but
    the rows makes a difference, or, without one, with what was decided at the time. Holds the first `most` reports that
    would go elsewhere."""

    would: Atlas
    live: Atlas | None
    most: int
    examined: int = 0
    moved: list[Moved] = field(default_factory=list)
    differing: int = 0
    _classes: Counter[str] = field(default_factory=Counter)
    _moved_classes: Counter[str] = field(default_factory=Counter)
    _gains: Counter[str] = field(default_factory=Counter)
    _loses: Counter[str] = field(default_factory=Counter)

    def look(self, report_id: UUID, order_id: UUID | None, decided_at: datetime, ruling: Ruling) -> None:
        """Look at one decision of the past."""
        question = ruling.question
        self.examined += 1
        self._classes[question.class_key] += 1
        was = asked_again(self.live, question) if self.live else ruling.outcome
        would_be = asked_again(self.would, question)
        differs = was.apart(would_be)
        if not differs:
            return
        self.differing += 1
        self._moved_classes[question.class_key] += 1
        if was.lead != would_be.lead:
            self._loses[was.lead] += 1
            self._gains[would_be.lead] += 1
        if len(self.moved) < self.most:
            self.moved.append(
                Moved(
                    report_id,
                    order_id,
                    decided_at,
                    question.class_key,
                    question.division,
                    differs,
                    was,
                    would_be,
                    question.accused,
                )
            )

    def by_class(self) -> list[OfClass]:
        """Classes of which a report would go elsewhere, most of them first."""
        names = self.would.classes
        return [
            OfClass(key, names[key].name if key in names else "", self._classes[key], count)
            for key, count in sorted(self._moved_classes.items(), key=lambda pair: (-pair[1], pair[0]))
        ]

    def by_unit(self) -> list[OfUnit]:
        """Units that would lead more or fewer, the most concerned first."""
        units = self.would.organisation.last
        found = [
            OfUnit(one, units[one].name if one in units else "", self._gains[one], self._loses[one])
            for one in self._gains.keys() | self._loses.keys()
        ]
        return sorted(found, key=lambda unit: (-(unit.gains + unit.loses), unit.unit_id))
