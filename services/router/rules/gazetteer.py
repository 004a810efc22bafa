"""Roads, compounds and sights: in which street-towns they lie, and what two of them at once say."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from schemas.city import City
from services.router.rules.text import plain

ENOUGH = 0.85  # so much of a landmark must lie in one street-town for it to name that one
_IN_RANGE = 0.92  # the house number lies in a range that the pack knows
_ELSEWHERE = 0.3  # what of the unknown rest of a road is believed to lie in the district that was named
_NO_CROSSING = 0.15  # that two roads cross in a street-town known for one of them only
_LEAST_REST = 0.05
_SIDES = {"odd": (1,), "even": (0,)}


class Share(Struct, frozen=True):
    """A part of a landmark: in which division, how much, and between which house numbers of which sides (`high` 0:
    numbers unknown)."""

    division: str
    share: float
    low: int = 0
    high: int = 0
    sides: tuple[int, ...] = (0, 1)


class Known(Struct, frozen=True):
    """One landmark as a word of the city. `rest` is how much of it lies where the pack does not say."""

    name: str
    kind: str
    shares: tuple[Share, ...]
    rest: float


def landmarks_of(city: City) -> dict[str, Known]:
    """The landmarks of a city by the plain words for them."""
    shares: dict[tuple[str, str], list[Share]] = {}
    words: dict[tuple[str, str], dict[str, None]] = {}
    for row in city.landmarks:
        key = (row.name, row.kind)
        shares.setdefault(key, []).append(_share(row.division, row.share, row.numbers))
        words.setdefault(key, {}).update(dict.fromkeys(map(plain, (row.name, *row.aliases))))
    found: dict[str, Known] = {}
    for (name, kind), parts in shares.items():
        rest = max(_LEAST_REST, 1.0 - sum(part.share for part in parts))
        known = Known(name, kind, tuple(parts), rest)
        for word in words[name, kind]:
            found.setdefault(word, known)
    return found


def _share(division: str, share: float, numbers: str) -> Share:
    if not numbers:
        return Share(division, share)
    side, _, span = numbers.rpartition(" ")
    low, _, high = span.partition("-")
    return Share(division, share, int(low), int(high), _SIDES.get(side, (0, 1)))


def spread(known: Known, number: int | None) -> tuple[Mapping[str, float], float]:
    """In which divisions a landmark (at a house number, if one is given) lies with which likelihood, and how likely it
    lies elsewhere."""
    if number is not None:
        for part in known.shares:
            if part.low <= number <= part.high and number % 2 in part.sides:
                return {part.division: _IN_RANGE}, 1.0 - _IN_RANGE
    return {part.division: part.share for part in known.shares}, known.rest


def together(spreads: Sequence[tuple[Mapping[str, float], float]]) -> tuple[dict[str, float], float]:
    """What landmarks that are named as one place say together: where two roads cross, both must run."""
    if len(spreads) == 1:
        return dict(spreads[0][0]), spreads[0][1]
    scores = dict.fromkeys((code for shares, _ in spreads for code in shares), 1.0)
    elsewhere = 0.5
    for shares, rest in spreads:
        elsewhere *= rest
        for code in scores:
            scores[code] *= shares.get(code, rest * _NO_CROSSING)
    total = sum(scores.values()) + elsewhere
    return {code: score / total for code, score in scores.items()}, elsewhere / total


def within(scores: Mapping[str, float], rest: float, inside: Iterable[str]) -> dict[str, float]:
    """The likelihoods once it is known that the place lies inside some of the divisions."""
    kept = {code: scores[code] for code in inside}
    total = sum(kept.values()) + rest * _ELSEWHERE
    return {code: score / total for code, score in kept.items()} if total > 0 else {}
