"""Chinese text as the search knows it: pairs of neighbouring signs, because no blank parts its words.

Of every run of letters and digits each pair is a gram, and the last sign by itself, so that one sign alone is found as
the beginning of a gram wherever it stands. Full-width and half-width, capital and small are the same (NFKC, lower).
"""

import re
import unicodedata
from collections.abc import Iterable

_RUN = re.compile(r"[^\W_]+")
_ODD = str.maketrans({"'": " ", "\\": " ", "\0": " "})


def normal(text: str) -> str:
    """A text with the differences taken out that nobody searching means."""
    return unicodedata.normalize("NFKC", text).lower()


def grams(text: str) -> list[str]:
    """What a text is found by, sorted, each once."""
    return sorted({gram for run in _RUN.findall(normal(text)) for gram in _of(run)})


def _of(run: str) -> Iterable[str]:
    yield run[-1]
    for place in range(len(run) - 1):
        yield run[place : place + 2]


def terms(q: str) -> tuple[str, ...]:
    """The words asked for, which all must stand in the text as they are."""
    return tuple(dict.fromkeys(normal(q.translate(_ODD)).split()))


def loose(asked: Iterable[str]) -> tuple[str, ...]:
    """The terms that grams alone do not prove: all but single signs and pairs."""
    return tuple(term for term in asked if len(term) > 2 or not _RUN.fullmatch(term))


def query(asked: Iterable[str]) -> str:
    """The terms as a tsquery: every pair must be there. "" when no letter or digit is asked for."""
    wanted: dict[str, None] = {}
    for term in asked:
        for run in _RUN.findall(term):
            if len(run) == 1:
                wanted[f"'{run}':*"] = None
            for place in range(len(run) - 1):
                wanted[f"'{run[place : place + 2]}'"] = None
    return " & ".join(wanted)
