"""How good answers are: F1 of each class, and how many may be left to the model at which share right."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WANTED = 0.97  # share right at which coverage is stated


class Told(Struct, frozen=True):
    """Answers: shares of the classes for each row, and the number of the right one."""

    shares: Floats
    truth: NDArray[np.int64]


class ClassScore(Struct, frozen=True):
    """One class: rows, precision, recall, F1."""

    key: str
    rows: int
    precision: float
    recall: float
    f1: float


def softmax(scores: Floats) -> Floats:
    """Shares out of log odds, row by row."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def by_class(told: Told, keys: Sequence[str]) -> list[ClassScore]:
    """The classes that occur, in the order of their keys."""
    answers = told.shares.argmax(axis=1)
    found = []
    for number, key in enumerate(keys):
        rows, said = told.truth == number, answers == number
        if not rows.any() and not said.any():
            continue
        right = float((rows & said).sum())
        precision, recall = right / max(1, said.sum()), right / max(1, rows.sum())
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        found.append(ClassScore(key, int(rows.sum()), precision, recall, f1))
    return sorted(found, key=lambda one: one.key)


def curve(told: Told) -> list[tuple[float, float, float]]:
    """(confidence, coverage, share right) of leaving to the model every row at or above that confidence, from the
    surest row to all of them."""
    confidence, right = told.shares.max(axis=1), told.shares.argmax(axis=1) == told.truth
    order = np.argsort(-confidence, kind="stable")
    rights = np.cumsum(right[order])
    total = len(order)
    last = np.flatnonzero(np.append(np.diff(confidence[order]) != 0, True))
    return [(float(confidence[order[at]]), (at + 1) / total, float(rights[at] / (at + 1))) for at in last.tolist()]


def coverage_at(points: Sequence[tuple[float, float, float]], wanted: float = WANTED) -> tuple[float, float]:
    """(confidence, coverage): the widest coverage at which the wanted share is right; (1, 0) where there is none."""
    fitting = [(coverage, confidence) for confidence, coverage, right in points if right >= wanted]
    coverage, confidence = max(fitting, default=(0.0, 1.0))
    return confidence, coverage


def measured(told: Told) -> dict[str, float]:
    """The figures of a card: accuracy, macro F1, right among the first three, coverage at 97 % right and the confidence
    it takes, and how far confidence is from the truth (expected calibration error, ten bins)."""
    answers = told.shares.argmax(axis=1)
    third = np.argsort(-told.shares, axis=1)[:, :3]
    scores = [one.f1 for one in by_class(told, [str(n) for n in range(told.shares.shape[1])]) if one.rows]
    confidence, coverage = coverage_at(curve(told))
    return {
        "rows": float(len(answers)),
        "right": round(float((answers == told.truth).mean()), 4),
        "macro_f1": round(float(np.mean(scores)), 4),
        "among_three": round(float((third == told.truth[:, None]).any(axis=1).mean()), 4),
        "coverage_at_97": round(coverage, 4),
        "confidence_at_97": round(confidence, 4),
        "calibration_error": round(calibration_error(told), 4),
    }


def calibration_error(told: Told) -> float:
    """Mean distance between confidence and share right over ten bins of confidence, weighted by their rows."""
    confidence, right = told.shares.max(axis=1), told.shares.argmax(axis=1) == told.truth
    bins = np.minimum((confidence * 10).astype(int), 9)
    apart = 0.0
    for number in range(10):
        inside = bins == number
        if inside.any():
            apart += float(inside.sum()) * abs(float(confidence[inside].mean()) - float(right[inside].mean()))
    return apart / len(confidence)
