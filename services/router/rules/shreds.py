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
    """The n-grams of a batch, text after text: hash, number of the text, first sign in the text and length in signs."""

    hashes: NDArray[np.uint32]
    texts: NDArray[np.int32]
    starts: NDArray[np.int32]
    lengths: NDArray[np.uint8]


_NOTHING = Shreds(np.empty(0, np.uint32), np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.uint8))


def tear(texts: Sequence[str]) -> Shreds:
    """All n-grams of plain texts (see text.plain): within runs of letters and digits, every digit read as 0; a space
    between two Chinese characters is passed over. Marks and signs beyond the basic plane part two runs."""
    codes = np.frombuffer("\0".join([*(text[:READ] for text in texts), ""]).encode("utf-32-le"), dtype=np.uint32)
    codes = np.where(codes < 0x10000, codes, _MARK)
    kinds = _KIND[codes]
    ends = np.flatnonzero(codes == 0)
    owners = np.repeat(np.arange(len(ends), dtype=np.int32), np.diff(ends, prepend=-1))
    offsets = np.arange(len(codes), dtype=np.int32) - np.concatenate(([0], ends[:-1] + 1)).astype(np.int32)[owners]
    kept = _without_spaces(codes, kinds)
    if kept is not None:
        codes, kinds, owners, offsets = codes[kept], kinds[kept], owners[kept], offsets[kept]
    codes = _DIGITS[codes]
    inside = (kinds == _LETTER) | (kinds == _ALPHABET)
    found: list[tuple[NDArray[np.uint32], NDArray[np.int64], int]] = []
    rolling = codes
    whole = inside
    for size in range(1, min(LONGEST, len(codes)) + 1):
        if size > 1:
            rolling = _step(rolling[:-1], codes[size - 1 :])
            whole = whole[:-1] & inside[size - 1 :]
        else:
            rolling = _step(np.zeros_like(codes), codes)
        at = np.flatnonzero(whole)
        found.append((rolling[at] ^ np.uint32(_SEEDS[size - 1]), at, size))
    if not found:
        return _NOTHING
    at_all = np.concatenate([at for _, at, _ in found])
    return Shreds(
        hashes=np.concatenate([hashes for hashes, _, _ in found]),
        texts=owners[at_all],
        starts=offsets[at_all],
        lengths=np.concatenate([np.full(len(at), size, dtype=np.uint8) for _, at, size in found]),
    )


def _step(rolling: NDArray[np.uint32], codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    mixed = (rolling ^ codes) * _MIX
    return mixed ^ (mixed >> np.uint32(15))


def _without_spaces(codes: NDArray[np.uint32], kinds: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """Which signs stay when spaces between Chinese characters go; None where there are none."""
    spaces = codes == 0x20
    if not spaces.any():
        return None
    between = np.zeros(len(codes), dtype=np.bool_)
    between[1:-1] = spaces[1:-1] & (kinds[:-2] == _LETTER) & (kinds[2:] == _LETTER)
    return ~between
