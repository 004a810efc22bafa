"""What a model is worth on rows it has not seen, asked the way the router asks it: with the words of the lexicon."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from deploy.model.measures import ClassScore, coverage_at
from deploy.model.rows import Row
from schemas.city import City
from schemas.facts import ReportReceived
from schemas.vocabulary import Source, TicketType
from services.router.rules.atlas import Atlas
from services.router.rules.classify import Classified, classify
from services.router.rules.hearing import hear

BATCH = 500
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


class Point(NamedTuple):
    """Leaving to the model what is at least this sure: how much that is, and which share of it is right."""

    confidence: float
    coverage: float
    right: float


class Judged(Struct, frozen=True):
    """Figures over rows: `right` and `among_three` as shares, `automatic` those at or above the city's threshold with
    the share right of them, `rest_among_three` of the others; `coverage_at_97` and the confidence it takes."""

    rows: int
    right: float
    among_three: float
    macro_f1: float
    threshold: float
    automatic: float
    automatic_right: float
    rest_among_three: float
    coverage_at_97: float
    confidence_at_97: float
    ticket_right: float
    classes: tuple[ClassScore, ...]
    curve: tuple[Point, ...]
    wrong: tuple[int, ...]  # numbers of the rows, the surest first
    answers: tuple[str, ...]


def told_by(city: City, raw: bytes, texts: Sequence[str]) -> list[Classified]:
    """The answers of the model of these bytes (b"": words alone) to plain texts. Raises ValueError for a broken one."""
    atlas = Atlas.of(structs.replace(city, model=raw))
    found: list[Classified] = []
    for begin in range(0, len(texts), BATCH):
        part = texts[begin : begin + BATCH]
        for text, heard in zip(part, hear(part, atlas.model), strict=True):
            report = ReportReceived(source=Source.HOTLINE, received_at=_SOME_DAY, report_id=UUID(int=0), text=text)
            found.append(classify(report, f"\n{text}", atlas, heard))
    return found


def judge(city: City, raw: bytes, rows: Sequence[Row]) -> Judged:
    """The figures of a model over labelled rows. Raises ValueError for a broken model or no rows."""
    if not rows:
        raise ValueError("there are no rows to judge by")
    told = told_by(city, raw, [row.text for row in rows])
    right = np.array([one.key == row.class_key for one, row in zip(told, rows, strict=True)])
    third = np.array(
        [row.class_key in [c.value for c in one.candidates[:3]] for one, row in zip(told, rows, strict=True)]
    )
    sure = np.array([one.confidence for one in told])
    limit = city.thresholds.classify_confidence
    by_itself = sure >= limit
    tickets = [one.ticket_type is TicketType(row.ticket) for one, row in zip(told, rows, strict=True) if row.ticket]
    points = _curve(sure, right)
    confidence, coverage = coverage_at(points)
    classes = _by_class([one.key for one in told], [row.class_key for row in rows])
    return Judged(
        rows=len(rows),
        right=_share(right),
        among_three=_share(third),
        macro_f1=float(np.mean([one.f1 for one in classes if one.rows])),
        threshold=limit,
        automatic=_share(by_itself),
        automatic_right=_share(right[by_itself]),
        rest_among_three=_share(third[~by_itself]),
        coverage_at_97=coverage,
        confidence_at_97=confidence,
        ticket_right=_share(np.array(tickets)),
        classes=tuple(classes),
        curve=tuple(points),
        wrong=tuple(int(at) for at in np.argsort(-sure, kind="stable") if not right[at]),
        answers=tuple(one.key for one in told),
    )


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else 0.0


def _curve(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> list[Point]:
    order = np.argsort(-sure, kind="stable")
    rights = np.cumsum(right[order])
    last = np.flatnonzero(np.append(np.diff(sure[order]) != 0, True)).tolist()
    return [Point(float(sure[order[at]]), (at + 1) / len(order), float(rights[at]) / (at + 1)) for at in last]


def _by_class(answers: Sequence[str], truth: Sequence[str]) -> list[ClassScore]:
    found = []
    for key in sorted(set(truth) | set(answers)):
        rows, said = truth.count(key), answers.count(key)
        hits = sum(a == key == t for a, t in zip(answers, truth, strict=True))
        precision, recall = hits / max(1, said), hits / max(1, rows)
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        found.append(ClassScore(key, rows, precision, recall, f1))
    return found


class Compared(Struct, frozen=True):
    """Two models over the same rows: `mended` were wrong and are right now, `broken` the other way round, `chance` how
    likely at least such a difference is between two equally good models (sign test)."""

    before: Judged
    after: Judged
    mended: int
    broken: int
    chance: float

    @property
    def worse(self) -> bool:
        """Whether the new one is worse: fewer right, or less that can be left to it."""
        return self.after.right < self.before.right or self.after.coverage_at_97 + 0.02 < self.before.coverage_at_97


def compare(city: City, before: bytes, after: bytes, rows: Sequence[Row]) -> Compared:
    """The figures of two models over the same rows. Raises ValueError for a broken model or no rows."""
    old, new = judge(city, before, rows), judge(city, after, rows)
    was, now = set(old.wrong), set(new.wrong)
    mended, broken = len(was - now), len(now - was)
    return Compared(old, new, mended, broken, sign_test(mended, broken))


def sign_test(mended: int, broken: int) -> float:
    """The two-sided probability of a split at least this uneven when either side is as likely."""
    from math import comb

    total, fewer = mended + broken, min(mended, broken)
    if total == 0:
        return 1.0
    if total > 1_000:  # the normal curve is near enough, and quicker
        from math import erfc, sqrt

        return erfc(max(0.0, abs(mended - broken) - 1.0) / sqrt(2.0 * total))
    return min(1.0, 2.0 * sum(comb(total, k) for k in range(fewer + 1)) / 2.0**total)
