"""Pairs of reports, invented, of which it is known whether they are about one thing; and what the scorer says of them.

`pairs/same.txt` and `pairs/other.txt` were written before anything was measured with them, as people tell things on the
telephone, not out of what the scorer looks at. A pair counts with all that merging goes through: locating, classifying,
the keys it is looked up by, the score.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from services.router.rules.atlas import Atlas
from services.router.rules.merge import Link, Suggest, choose
from services.router.rules.plan import prepare
from tests.rules.router.made import NOW, report

FOLDER = Path(__file__).parent / "pairs"
SPOT = (121.5163, 31.2124)
DEGREE = 111_320 * 0.8553  # metres of a degree of longitude there


@dataclass(frozen=True)
class Pair:
    """Two reports as they were told."""

    same: bool
    kind: str
    metres: float | None
    hours: float
    subjects: tuple[str, str]
    texts: tuple[str, str]


def pairs(which: str = "") -> Iterator[Pair]:
    """All pairs, those about one thing first; `fresh_` are those that were measured once."""
    for name, same in ((f"{which}same.txt", True), (f"{which}other.txt", False)):
        for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                continue
            kind, metres, hours, one, other, first, second = line.split("|")
            gap = float(metres) if metres else None
            yield Pair(same, kind, gap, float(hours), (one, other), (first, second))


def told(pair: Pair, atlas: Atlas) -> str:
    """What becomes of the second report when the first one's order is there: `link`, `suggest` or `new`."""
    prepared = []
    for n in (0, 1):
        more: dict[str, object] = {"subject": pair.subjects[n], "received_at": NOW + timedelta(hours=n * pair.hours)}
        if pair.metres is not None:
            more |= {"lon": SPOT[0] + n * pair.metres / DEGREE, "lat": SPOT[1]}
        prepared.append(prepare(report(pair.texts[n], number=n, **more), atlas))
    first, second = prepared
    seen = set(first.matter_keys) & set(second.lookup_keys)
    if not seen:
        return "new"
    found, _ = choose([first.this], second.this, atlas)
    return "link" if isinstance(found, Link) else "suggest" if isinstance(found, Suggest) else "new"


@dataclass(frozen=True)
class Quality:
    """How often the scorer is right at the bar, and how often a person is shown what it missed."""

    linked_right: int
    linked_wrong: int
    missed: int
    shown: int
    kept_apart: int
    faults: tuple[tuple[str, Pair], ...]

    @property
    def precision(self) -> float:
        """Of those linked, the share that are one."""
        return self.linked_right / max(1, self.linked_right + self.linked_wrong)

    @property
    def recall(self) -> float:
        """Of those that are one, the share that were linked."""
        return self.linked_right / max(1, self.linked_right + self.missed)

    @property
    def seen(self) -> float:
        """Of those that are one, the share that were linked or shown to a person."""
        return (self.linked_right + self.shown) / max(1, self.linked_right + self.missed)


def measure(atlas: Atlas, which: str = "") -> Quality:
    """The quality on all pairs."""
    rows = [(pair, told(pair, atlas)) for pair in pairs(which)]
    return Quality(
        linked_right=sum(pair.same and said == "link" for pair, said in rows),
        linked_wrong=sum(not pair.same and said == "link" for pair, said in rows),
        missed=sum(pair.same and said != "link" for pair, said in rows),
        shown=sum(pair.same and said == "suggest" for pair, said in rows),
        kept_apart=sum(not pair.same and said != "link" for pair, said in rows),
        faults=tuple((said, pair) for pair, said in rows if pair.same is not (said == "link")),
    )
