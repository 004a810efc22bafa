"""Phrases that say the same thing in many ways: `{a|b}` chooses, `{@name}` takes from a named list, `{name}` is filled
in by whoever asks. Compiled once, so that saying one costs a few microseconds."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

__all__ = ["GrammarFault", "Phrase", "Rand", "pick", "weighted"]

Rand = Callable[[], float]
T = TypeVar("T")
_BRACES = re.compile(r"\{([^{}]*)\}")


class GrammarFault(ValueError):
    """A phrase that cannot be said: an unknown list, a stray brace, an empty choice."""


class _Blank(str):
    """A name to be filled in."""


def pick(choices: Sequence[T], rand: Rand) -> T:
    """One of `choices`, each as likely as the other."""
    return choices[int(rand() * len(choices))]


def weighted(weights: Sequence[float]) -> tuple[float, ...]:
    """The running sums of `weights` as shares of their total, for `bisect`. Raises GrammarFault when none is over 0."""
    total = float(sum(weights))
    if total <= 0:
        raise GrammarFault("no weight is over 0")
    sums, so_far = [], 0.0
    for weight in weights:
        so_far += weight / total
        sums.append(so_far)
    sums[-1] = 1.0
    return tuple(sums)


class Phrase:
    """One compiled phrase. `slots` is how many places in it vary, `blanks` are the names to be filled in."""

    __slots__ = ("_parts", "blanks", "slots", "source")

    def __init__(self, source: str, lists: Mapping[str, Sequence[str]]) -> None:
        self.source = source
        self._parts = tuple(_parts(source, lists))
        self.blanks = frozenset(str(part) for part in self._parts if isinstance(part, _Blank))
        self.slots = sum(type(part) is not str for part in self._parts)

    def say(self, rand: Rand, blanks: Mapping[str, str] | None = None) -> str:
        """The phrase, said once. Raises KeyError when a blank is not given."""
        said = []
        for part in self._parts:
            kind = type(part)
            if kind is str:
                said.append(part)
            elif kind is tuple:
                said.append(part[int(rand() * len(part))])
            else:
                said.append(blanks[part])  # type: ignore[index]
        return "".join(said)  # type: ignore[arg-type]


def _parts(source: str, lists: Mapping[str, Sequence[str]]) -> list[str | tuple[str, ...]]:
    found: list[str | tuple[str, ...]] = []
    end = 0
    for match in _BRACES.finditer(source):
        found.append(_plain(source[end : match.start()], source))
        found.append(_varying(match[1], source, lists))
        end = match.end()
    found.append(_plain(source[end:], source))
    return [part for part in found if part]


def _plain(text: str, source: str) -> str:
    if "{" in text or "}" in text or "|" in text:
        raise GrammarFault(f"stray brace or bar in {source!r}")
    return text


def _varying(inside: str, source: str, lists: Mapping[str, Sequence[str]]) -> str | tuple[str, ...]:
    if inside.startswith("@"):
        if inside[1:] not in lists:
            raise GrammarFault(f"no list {inside} for {source!r}")
        return tuple(lists[inside[1:]])
    if "|" in inside:
        choices = tuple(inside.split("|"))
        if len(set(choices)) < len(choices) or not any(choices):
            raise GrammarFault(f"empty or doubled choice in {source!r}")
        return choices
    if not inside.isidentifier():
        raise GrammarFault(f"{{{inside}}} is no name, in {source!r}")
    return _Blank(inside)
