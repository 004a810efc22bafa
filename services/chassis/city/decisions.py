"""What the rows of a duty rulebook decide together: in every area, for every class and situation exactly one row.

The order is that of `DutyRule`: deeper area, then class (a key before its major before any), then `narrowness`. All
situations are tried, so a row that never decides, two that contradict each other and a gap are found for certain, not
by comparing rows pair by pair. Only where a row begins to matter is anything tried: in an area that no row names, the
rows of the area above it decide.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import time
from itertools import groupby, product

from schemas.city import ClassItem, DutyRule
from schemas.vocabulary import Attribute, Source, TicketType, Tier
from services.chassis.city.places import TIER_DEPTH, lineage
from services.chassis.city.shapes import RULEBOOK, Draft

Rank = tuple[int, ...]  # depth of the area, of the class, then the row's narrowness
Asked = tuple[tuple[int, Rank], ...]  # rows with their ranks
_OTHER = "\0other"  # stands for every value that no rule names
_MOST_CELLS = 2048  # situations that are tried at once; more are tried value by value of one axis
_AXES = {"scenes": "scene", "sources": "source", "ticket_types": "ticket type", "subjects": "subject", "hours": "time"}
_CLOSED = {
    "sources": len(Source),
    "ticket_types": len(TicketType),
    Attribute.CONFIDENTIAL.value: 2,
    Attribute.ABOUT.value: 3,
    Attribute.PLACE.value: len(Tier),
}
_OUTCOME = (
    "lead",
    "assists",
    "tier",
    "transfer_to",
    "hold",
    "together",
    "stand_in",
    "urgency",
    "scene",
    "verification",
)


def check_decisions(draft: Draft) -> None:
    """Every class in every area that the rows tell apart, in every situation."""
    rules = [rule for _, rule in draft.rules]
    verdict = Verdict(rules)
    for region, item, signature in _cases(draft, rules):
        if signature not in verdict.settled:
            verdict.settled[signature] = verdict.settle(signature, {})
        if verdict.settled[signature]:
            verdict.gaps[region].append((item.key, verdict.settled[signature]))
    _tell(draft, rules, verdict)


def _cases(draft: Draft, rules: list[DutyRule]) -> Iterator[tuple[str, ClassItem, Asked]]:
    """Each area and class for which a row begins to matter, with all rows that fit both, the most specific first."""
    named: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, rule in enumerate(rules):
        for area, word in product(dict.fromkeys(rule.areas or ("",)), dict.fromkeys(rule.classes or ("",))):
            named[area][word].append(number)
    chains = lineage(item for _, item in draft.divisions)
    depths = {item.code: TIER_DEPTH[item.tier] + 1 for _, item in draft.divisions} | {"": 0}
    narrowness = [rule.narrowness for rule in rules]
    classes = draft.classes.items
    by_word: dict[str, list[ClassItem]] = defaultdict(list)
    for item in classes:
        by_word[f"major:{item.major}"].append(item)
        by_word[item.key].append(item)
    root = draft.settings.root
    for region in sorted({area for area in named if area in chains} | {root}):
        words = named.get(region, {})
        begins = classes if region == root or "" in words else {item.key: item for w in words for item in by_word[w]}
        areas = [(depths[area], named[area]) for area in ("", *reversed(chains.get(region, ()))) if area in named]
        for item in begins.values() if isinstance(begins, dict) else begins:
            ranks: dict[int, tuple[int, int]] = {}
            for depth, rows in areas:
                for level, word in enumerate(("", f"major:{item.major}", item.key)):
                    for number in rows.get(word, ()):
                        ranks[number] = (depth, level)
            signature = [(number, (*rank, *narrowness[number])) for number, rank in ranks.items()]
            signature.sort(key=lambda entry: (*(-part for part in entry[1]), entry[0]))
            yield region, item, tuple(signature)


@dataclass
class Verdict:
    """What trying everything has shown; `settled` holds for each set of rows an example of what they leave open."""

    rules: list[DutyRule]
    settled: dict[Asked, str] = field(default_factory=dict)
    deciding: set[int] = field(default_factory=set)
    clashes: dict[tuple[int, int], str] = field(default_factory=dict)
    gaps: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def settle(self, signature: Asked, pinned: dict[str, str]) -> str:
        """Let rows, the most specific first, decide every situation in which the pinned axes have these values. An
        example of those that stay open; "" where none does."""
        needed = _until_anything(self.rules, signature)
        situations = Situations.of([self.rules[number] for number, _ in needed], pinned)
        if situations.widest:
            return self._one_by_one(needed, pinned, situations)
        open_ones = situations.everything
        for _, equals in groupby(needed, key=lambda entry: entry[1]):
            taken = 0
            group: list[tuple[int, int]] = []
            for number, _ in equals:
                mask = situations.mask(self.rules[number])
                mine = mask & open_ones
                for earlier, other in group:
                    shared = mine & other
                    if shared and self.rules[earlier].outcome != self.rules[number].outcome:
                        self.clashes.setdefault((earlier, number), situations.example(shared))
                if mine & ~taken:
                    self.deciding.add(number)
                taken |= mine
                group.append((number, mask))
            open_ones &= ~taken
            if not open_ones:
                return ""
        return situations.example(open_ones)

    def _one_by_one(self, signature: Asked, pinned: dict[str, str], situations: "Situations") -> str:
        """Too many situations at once: the axis with most values is gone through value by value."""
        axis = situations.widest
        for value in situations.axes[axis]:
            fitting = tuple(entry for entry in signature if situations.takes(self.rules[entry[0]], axis, value))
            left = self.settle(fitting, pinned | {axis: value})
            if left:
                return left
        return ""


def _until_anything(rules: list[DutyRule], signature: Asked) -> Asked:
    """Rows up to the first that asks for nothing more, and its equals: behind them nothing is left to decide."""
    for place, (number, rank) in enumerate(signature):
        if not any(rules[number].narrowness):
            end = place + 1
            while end < len(signature) and signature[end][1] == rank:
                end += 1
            return signature[:end]
    return signature


@dataclass(frozen=True)
class Situations:
    """Every combination of what some rows tell apart (scene, source, ticket type, subject, attributes, time), as bits;
    `widest` is the axis with most values where they are too many to be tried at once, else ""."""

    everything: int
    masks: dict[tuple[str, str], int]
    axes: dict[str, list[str]]
    pinned: dict[str, str]
    widest: str = ""

    @classmethod
    def of(cls, rules: Iterable[DutyRule], pinned: dict[str, str]) -> "Situations":
        """The situations that rows tell apart beside what is pinned."""
        values: dict[str, set[str]] = defaultdict(set)
        for rule in rules:
            for axis, named in _named(rule):
                values[axis].update(named)
        axes: dict[str, list[str]] = {}
        count = 1
        for axis in sorted(values.keys() - pinned.keys(), key=_order):
            known = sorted(values[axis])
            whole = axis == "hours" or len(known) == _CLOSED.get(axis, -1)
            axes[axis] = known if whole else [_OTHER, *known]
            count *= len(axes[axis])
        if count > _MOST_CELLS:
            return cls(0, {}, axes, pinned, max(axes, key=lambda axis: len(axes[axis])))
        masks: dict[tuple[str, str], int] = defaultdict(int)
        for bit, cell in enumerate(product(*axes.values())):
            for axis, value in zip(axes, cell, strict=True):
                masks[axis, value] |= 1 << bit
        return cls((1 << count) - 1, dict(masks), axes, pinned)

    def takes(self, rule: DutyRule, axis: str, value: str) -> bool:
        """Whether a row takes a value of an axis."""
        named = dict(_named(rule)).get(axis)
        if not named:
            return True
        return _within(value, rule.hours) if axis == "hours" and rule.hours else value in named

    def mask(self, rule: DutyRule) -> int:
        """The situations a row is for."""
        mask = self.everything
        for axis, _ in _named(rule):
            if axis in self.axes:
                taken = (value for value in self.axes[axis] if self.takes(rule, axis, value))
                mask &= sum(self.masks[axis, value] for value in taken)
        return mask

    def example(self, mask: int) -> str:
        """One of these situations in words, without what makes no difference to them."""
        told: list[str] = []
        first = mask & -mask
        for axis, values in self.axes.items():
            if not all(mask & self.masks[axis, one] for one in values):
                told.append(_said(axis, next(one for one in values if first & self.masks[axis, one])))
        told += [_said(axis, value) for axis, value in self.pinned.items()]
        return ", ".join(told) if told else "anything"


def _said(axis: str, value: str) -> str:
    name = _AXES.get(axis, axis)
    return f"another {name}" if value == _OTHER else f"{name} {value}"


def _order(axis: str) -> tuple[int, str]:
    known = tuple(_AXES)
    return known.index(axis) if axis in known else len(known), axis


def _named(rule: DutyRule) -> list[tuple[str, tuple[str, ...]]]:
    """What a row asks for: each axis with its values. Moments where its hours begin and end stand for its hours."""
    told: list[tuple[str, tuple[str, ...]]] = [
        ("scenes", rule.scenes),
        ("sources", rule.sources),
        ("ticket_types", rule.ticket_types),
        ("subjects", rule.subjects),
        *((attribute.value, values) for attribute, values in rule.attributes.items()),
        ("hours", tuple(moment.isoformat() for moment in rule.hours or ())),
    ]
    return [(axis, values) for axis, values in told if values]


def _within(moment: str, hours: tuple[time, time]) -> bool:
    at, (begins, ends) = time.fromisoformat(moment), hours
    return begins <= at < ends if begins < ends else at >= begins or at < ends


def _tell(draft: Draft, rules: list[DutyRule], verdict: Verdict) -> None:
    clashing = {number for pair in verdict.clashes for number in pair}
    for (earlier, later), example in verdict.clashes.items():
        one, other = rules[earlier], rules[later]
        differs = f"{other.lead!r} leads instead of {one.lead!r}"
        if other.lead == one.lead:
            pairs = zip(_OUTCOME, one.outcome, other.outcome, strict=True)
            differs = "they differ in " + ", ".join(name for name, mine, its in pairs if mine != its)
        same = f"rule {other.rule_id!r} contradicts {one.rule_id!r} of line {one.line}: equally specific for {example}"
        draft.faults.add(RULEBOOK, other.line, f"{same}, but {differs}")
    for number, rule in enumerate(rules):
        if number not in verdict.deciding and number not in clashing:
            cause = f"rule {rule.rule_id!r} is unreachable: earlier or more specific rules decide all it is for"
            draft.faults.add(RULEBOOK, rule.line, cause)
    for region, gaps in verdict.gaps.items():
        keys = sorted({key for key, _ in gaps})
        more = f" and {len(keys) - 1} more classes" if len(keys) > 1 else ""
        cause = f"no rule for class {keys[0]}{more} in {region} ({gaps[0][1]}): a rulebook needs a fallback"
        draft.faults.add(RULEBOOK, 1, cause)
