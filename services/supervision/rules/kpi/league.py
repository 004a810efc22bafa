"""Ranking units so that three tickets never top a list.

The estimate is the mean of the posterior of a beta-binomial model whose prior is fitted to the units themselves by the
method of moments (empirical Bayes: Efron & Morris 1975, "Data analysis using Stein's estimator and its
generalizations", JASA 70; for proportions Casella 1985, "An introduction to empirical Bayes data analysis",
The American Statistician 39): few tickets are drawn towards what all units have in common, many stay as they are. The
interval is Wilson's (1927, "Probable inference, the law of succession, and statistical inference", JASA 22). Units with
fewer items than the policy's `league_from` are listed, and have no rank.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Literal

from msgspec import Struct

Z = 1.959964  # 95 %
STRONGEST = 1e6  # a prior that leaves nothing of the differences


class Entry(Struct, frozen=True):
    """A unit before it is ranked."""

    unit: str
    num: float
    den: int


class Place(Struct, frozen=True):
    """A unit in the list. `rate` is its own quotient, `estimate` the shrunken one by which it is ranked, `low` and
    `high` the 95 % interval of its own; `rank` is None for too few items. Equal estimates share a rank."""

    rank: int | None
    unit: str
    num: float
    den: int
    rate: float
    estimate: float
    low: float
    high: float


def league(entries: Sequence[Entry], better: Literal["more", "less"], league_from: int) -> list[Place]:
    """The units in order, the best first; those without a rank after all others, by name. A unit without a single item
    is left out."""
    counted = [entry for entry in entries if entry.den > 0]
    if not counted:
        return []
    mean, strength = prior(counted)
    found = []
    for entry in counted:
        low, high = wilson(entry.num, entry.den)
        estimate = (entry.num + strength * mean) / (entry.den + strength)
        found.append(Place(None, entry.unit, entry.num, entry.den, entry.num / entry.den, estimate, low, high))
    sign = -1 if better == "more" else 1
    ranked = sorted((p for p in found if p.den >= league_from), key=lambda p: (sign * round(p.estimate, 9), p.unit))
    few = sorted((p for p in found if p.den < league_from), key=lambda p: p.unit)
    placed: list[Place] = []
    for place, one in enumerate(ranked):
        same = placed and round(placed[-1].estimate, 9) == round(one.estimate, 9)
        rank = placed[-1].rank if same else place + 1
        placed.append(_with_rank(one, rank))
    return placed + few


def _with_rank(place: Place, rank: int | None) -> Place:
    return Place(rank, place.unit, place.num, place.den, place.rate, place.estimate, place.low, place.high)


def prior(entries: Sequence[Entry]) -> tuple[float, float]:
    """The common rate, and how many tickets of it everybody is given: by the method of moments, from how much more the
    units differ than chance alone would make them."""
    total = sum(entry.den for entry in entries)
    mean = sum(entry.num for entry in entries) / total
    spread = mean * (1 - mean)
    if len(entries) < 2 or spread <= 0:
        return mean, STRONGEST if spread > 0 else 0.0
    between = sum(entry.den * (entry.num / entry.den - mean) ** 2 for entry in entries)
    weight = total - sum(entry.den**2 for entry in entries) / total
    variance = (between - (len(entries) - 1) * spread) / weight if weight > 0 else 0.0
    if variance <= 0:
        return mean, STRONGEST
    return mean, min(STRONGEST, max(0.0, spread / variance - 1))


def wilson(num: float, den: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion; of a mean of weights in 0–1 it is wider than need be."""
    rate, square = num / den, Z * Z
    middle = (rate + square / (2 * den)) / (1 + square / den)
    half = Z * sqrt(max(0.0, rate * (1 - rate) / den + square / (4 * den * den))) / (1 + square / den)
    return max(0.0, middle - half), min(1.0, middle + half)


def quantile(share: float, buckets: Sequence[int], bounds: Sequence[int]) -> float | None:
    """The time below which a share of all lay, interpolated within its bucket as Prometheus does; in the open bucket
    its lower bound. None of nothing."""
    total = sum(buckets)
    if total == 0:
        return None
    wanted, below = share * total, 0
    for place, count in enumerate(buckets):
        if count and below + count >= wanted:
            if place >= len(bounds):
                return float(bounds[-1])
            low = bounds[place - 1] if place else 0
            return low + (bounds[place] - low) * (wanted - below) / count
        below += count
    return float(bounds[-1])
