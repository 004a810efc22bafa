"""Texts torn into n-grams of 1 to 4 signs, each a 32-bit hash: a whole batch at a time, in numpy.

Training and routing tear texts with this one function, so a model means the same in both. What a hash stands for is
never stored: where a term is to be shown, it is cut out of the text it was found in.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

SHREDS = "shreds-1"  # changes with every change of what is torn how; a model says which it was trained on
LONGEST = 4
READ = 2_000  # signs of a text that are read; a ticket that says it later says it to a person
_SEEDS = (0x85EBCA6B, 0xC2B2AE35, 0x27D4EB2F, 0x165667B1)
_MIX = np.uint32(0x9E3779B1)
_APART, _LETTER, _ALPHABET = 0, 1, 2
_MARK = np.uint32(0x2C)
_POWERS = np.cumprod(np.array([1] + [0x01000193] * 39, dtype=np.uint32), dtype=np.uint32)  # of the places in a word


def _kinds() -> NDArray[np.uint8]:
    kinds = np.zeros(0x10000, dtype=np.uint8)
    for code in range(0x20, 0xD800):
        mark = chr(code)
        if mark.isalnum():
            kinds[code] = _ALPHABET if code < 0x250 else _LETTER
    kinds[0x3007] = _LETTER
    return kinds


_KIND = _kinds()
_DIGITS = np.arange(0x10000, dtype=np.uint32)
_DIGITS[0x30:0x3A] = 0x30  # which number it is says nothing of what it is about


class Shreds(Struct, frozen=True):
    """The n-grams of a batch, text after text: hash, number of the text, and where in it the n-gram stands (signs, from
    and to)."""

    hashes: NDArray[np.uint32]
    texts: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]


class _Signs(Struct, frozen=True):
    """What n-grams are made of, text after text: a code, whether it is part of a run, and where it stands."""

    codes: NDArray[np.uint32]
    inside: NDArray[np.bool_]
    texts: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]


_NOTHING = Shreds(np.empty(0, np.uint32), np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int32))


def tear(texts: Sequence[str]) -> Shreds:
    """All n-grams of plain texts (see schemas.text), each within a run of letters and digits.

    A Chinese character is one sign; a word of an alphabet or a number is one sign too, every digit read as 0. Spaces
    between two signs are passed over; marks, and signs beyond the basic plane, part two runs.
    """
    if not texts:
        return _NOTHING
    signs = _signs(texts)
    found: list[tuple[NDArray[np.uint32], NDArray[np.int64], int]] = []
    rolling, whole = np.zeros_like(signs.codes), signs.inside
    for size in range(1, min(LONGEST, len(signs.codes)) + 1):
        rolling = _step(rolling[: len(signs.codes) - size + 1], signs.codes[size - 1 :])
        if size > 1:
            whole = whole[:-1] & signs.inside[size - 1 :]
        at = np.flatnonzero(whole)
        found.append((rolling[at] ^ np.uint32(_SEEDS[size - 1]), at, size))
    first = np.concatenate([at for _, at, _ in found])
    last = np.concatenate([at + size - 1 for _, at, size in found])
    hashes = np.concatenate([hashes for hashes, _, _ in found])
    return Shreds(hashes, signs.texts[first], signs.starts[first], signs.ends[last])


def _signs(texts: Sequence[str]) -> _Signs:
    codes = np.frombuffer("\0".join([*(text[:READ] for text in texts), ""]).encode("utf-32-le"), dtype=np.uint32)
    codes = np.where(codes < 0x10000, codes, _MARK)
    kinds = _KIND[codes]
    ends = np.flatnonzero(codes == 0)
    owners = np.repeat(np.arange(len(ends), dtype=np.int32), np.diff(ends, prepend=-1))
    offsets = np.arange(len(codes), dtype=np.int32) - np.concatenate(([0], ends[:-1] + 1)).astype(np.int32)[owners]
    codes = _DIGITS[codes]
    spelled = kinds == _ALPHABET
    heads = np.ones(len(codes), dtype=np.bool_)
    heads[1:] = ~(spelled[1:] & spelled[:-1])
    at = np.flatnonzero(heads)
    if len(at) < len(codes):
        place = np.arange(len(codes)) - at[np.cumsum(heads) - 1]
        spell = np.where(spelled, codes * _POWERS[np.minimum(place, len(_POWERS) - 1)], codes)
        codes = np.add.reduceat(spell, at, dtype=np.uint32)
    tails = np.append(at[1:], len(heads)) - 1
    kinds, owners, starts, stops = kinds[at], owners[at], offsets[at], offsets[tails] + 1
    inside = kinds != _APART
    spaces = (codes == 0x20) & ~inside
    if spaces.any():
        passed = np.zeros(len(codes), dtype=np.bool_)
        passed[1:-1] = spaces[1:-1] & inside[:-2] & inside[2:]
        kept = ~passed
        codes, inside, owners, starts, stops = codes[kept], inside[kept], owners[kept], starts[kept], stops[kept]
    return _Signs(codes, inside, owners, starts, stops)


def _step(rolling: NDArray[np.uint32], codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    mixed = (rolling ^ codes) * _MIX
    return mixed ^ (mixed >> np.uint32(15))
