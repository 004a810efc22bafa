"""Hot topics: is a class reported in a place by more people than chance lets expect?

The test is the Bayesian one of outbreak surveillance (Riebler 2004; `algo.bayes` in Höhle 2007, "surveillance: An R
package for the monitoring of infectious diseases", Computational Statistics 22:571–582): what the same hours of b
earlier weeks brought, y1 … yb, makes the number of now negative binomial with r = 1/2 + y1 + … + yb and p = b / (b+e),
where e is the share of the window that has passed. `score` is −log10 of the chance of so many or more. Whether it grows
is the exact conditional test of two Poisson counts (Przyborowski and Wilenski 1940) against the window before.
"""

from collections.abc import Container, Iterable, Mapping
from math import exp, lgamma, log, log1p

from msgspec import Struct

from schemas.city import Warnings
from schemas.vocabulary import Tier
from services.router.rules.atlas import Atlas

COOLS_AT = 0.5  # of the score at which a topic is hot: it ends below that, so it does not flicker
GROWS_BELOW = 0.01  # the chance below which a rise is taken for one
_TIERS = (Tier.STREET, Tier.DISTRICT, Tier.CITY)  # from the narrowest to the widest
_CALM = 1e-4  # relative size of a term that no longer matters


class Counts(Struct, frozen=True):
    """People who reported one class in one place: in the last window, in the one before, and in the window's hours of
    each earlier week; `reports` of the last window, repeats among them."""

    now: int
    before: int
    earlier: tuple[int, ...]
    reports: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Two places together."""
        weeks = tuple(a + b for a, b in zip(self.earlier, other.earlier, strict=True))
        return Counts(self.now + other.now, self.before + other.before, weeks, self.reports + other.reports)


class Heat(Struct, frozen=True):
    """How a topic stands: a class in a place, and its test."""

    class_key: str
    division: str
    counts: Counts
    expected: float
    score: float
    growing: bool

    @property
    def topic(self) -> str:
        """The name of the topic."""
        return f"{self.class_key}@{self.division}"


def surprise(now: int, earlier: Iterable[int], passed: float = 1.0) -> float:
    """−log10 of the chance of `now` or more, given what earlier weeks brought; 0 without any week to go by. `passed` is
    the share of the window that has passed, in (0, 1]."""
    weeks = tuple(earlier)
    if not weeks or now <= 0:
        return 0.0
    r, miss = 0.5 + sum(weeks), log(passed / (len(weeks) + passed))
    term = lgamma(now + r) - lgamma(r) - lgamma(now + 1) + r * log(len(weeks) / (len(weeks) + passed)) + now * miss
    if now <= r * passed / len(weeks):  # no more than expected
        return 0.0
    total, share, k = 1.0, 1.0, now
    while share > _CALM * total:
        share *= (k + r) / (k + 1) * exp(miss)
        total += share
        k += 1
    return max(0.0, -(term + log(total)) / log(10))


def expected(earlier: Iterable[int], passed: float = 1.0) -> float:
    """How many earlier weeks let expect; 0 without any."""
    weeks = tuple(earlier)
    return sum(weeks) / len(weeks) * passed if weeks else 0.0


def grows(now: int, before: int, passed: float = 1.0) -> bool:
    """Whether more people speak now than in the window before, beyond chance."""
    n, share = now + before, passed / (1.0 + passed)
    if now * (1.0 - share) <= before * share:
        return False
    chance = sum(
        exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(share) + (n - k) * log1p(-share))
        for k in range(now, n + 1)
    )
    return chance < GROWS_BELOW


def hot(
    counts: Mapping[tuple[str, str], Counts],
    atlas: Atlas,
    limits: Warnings,
    passed: float,
    already: Container[tuple[str, str]] = (),
) -> list[Heat]:
    """The topics that stand out, the most surprising first, out of the counts of (class, street-town or wider place).

    Each is told in the narrowest place that explains it: what a hot part brought is set aside before a wider place is
    looked at, so a district is hot only by what its hot streets do not explain. A topic that is hot `already` stays so
    until it is well below the bar.
    """
    found: list[Heat] = []
    standing = {key: count for key, count in counts.items() if key[1] in atlas.divisions}
    for tier in _TIERS:
        for key in sorted(key for key in standing if atlas.divisions[key[1]].tier is tier):
            count, heat = standing.pop(key), None
            if count.now >= limits.hot_reporters or key in already:
                heat = heat_of(*key, count, passed)
                bar = limits.hot_score * (COOLS_AT if key in already else 1.0)
                heat = heat if heat.score >= bar else None
            if heat is not None:
                found.append(heat)
            elif above := _above(key[1], atlas):
                wider = (key[0], above)
                standing[wider] = standing[wider] + count if wider in standing else count
    return sorted(found, key=lambda heat: (-heat.score, heat.topic))


def heat_of(class_key: str, division: str, counts: Counts, passed: float) -> Heat:
    """How a topic stands, hot or not."""
    score, growing = surprise(counts.now, counts.earlier, passed), grows(counts.now, counts.before, passed)
    return Heat(class_key, division, counts, expected(counts.earlier, passed), score, growing)


def _above(division: str, atlas: Atlas) -> str:
    """The next wider place of which topics are told; "" above the city."""
    for code in atlas.lineage[division][1:]:
        if atlas.divisions[code].tier in _TIERS:
            return code
    return ""
