"""The trained classifier at work: hashed n-grams of a whole batch against one small table of weights.

score(class) = bias + sum of idf x weight over the distinct known terms of the text, the terms' vector made one long.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from schemas.model import ModelCard, ModelFile, read_model
from services.router.rules.reasons import Term
from services.router.rules.shreds import SHREDS, Shreds, tear

SLOT_BITS = 20  # a hash's upper bits find its slot; no two terms of a model share one
_CHUNK = 64  # texts scored at a time, so that what is touched stays in the cache
_DOWN = np.uint32(32 - SLOT_BITS)
_TERMS, _LOOKED = 4, 6  # shown as the reason, out of so many
_NO_TERM = 0xFFFF
SHORT = 20.0  # length below which a text is no longer made one long: a word or two must not sound like a whole ticket
MOST_TERMS = _NO_TERM


class Scored(Struct, frozen=True):
    """What the model says of one text: log odds of the classes and of the ticket types, and which terms it knew there
    (their weights in the model and in the text, and where they stand)."""

    classes: NDArray[np.float32]
    tickets: NDArray[np.float32]
    weights: NDArray[np.int8]
    shares: NDArray[np.float32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]


class Model:
    """A trained model, unpacked: terms x columns in whole bytes. One thread at a time: the scratch is reused."""

    def __init__(self, file: ModelFile) -> None:
        """Raises ValueError when the file was made for another way of tearing texts, or its terms cannot be found."""
        card = file.card
        if card.shreds != SHREDS:
            raise ValueError(f"was trained on {card.shreds!r}; this release reads {SHREDS!r}: train it again")
        if card.terms >= MOST_TERMS:
            raise ValueError(f"has {card.terms} terms, more than {MOST_TERMS - 1}")
        self.card: ModelCard = card
        self._keys = np.frombuffer(file.keys, dtype="<u4").astype(np.uint32)
        self._idf = np.frombuffer(file.idf, dtype="<f4").astype(np.float32)
        columns = len(card.classes) + len(card.tickets)
        self._scales = np.frombuffer(file.scales, dtype="<f4").astype(np.float32)
        self._weights = np.frombuffer(file.weights, dtype=np.int8).reshape(card.terms, columns)
        self._bias = np.frombuffer(file.bias, dtype="<f4").astype(np.float32)
        slots = slots_of(self._keys)
        self._slots = np.full(1 << SLOT_BITS, _NO_TERM, dtype=np.uint16)
        self._slots[slots] = np.arange(card.terms, dtype=np.uint16)
        if len(np.unique(slots)) != card.terms:
            raise ValueError("two of its terms have one place")
        self._keys = np.append(self._keys, np.uint32(0))
        self._scratch = np.empty(_CHUNK * len(self._keys), dtype=np.int32)

    @classmethod
    def of(cls, raw: bytes) -> "Model":
        """The model of a file's bytes. Raises ValueError with the cause when it cannot be used."""
        return cls(read_model(raw))

    def score(self, texts: Sequence[str]) -> list[Scored]:
        """What the model says of each plain text."""
        scored: list[Scored] = []
        for begin in range(0, len(texts), _CHUNK):
            scored += self._score(texts[begin : begin + _CHUNK])
        return scored

    def _score(self, texts: Sequence[str]) -> list[Scored]:
        rows, shreds = self._known(tear(texts))
        order = np.argsort(shreds.texts, kind="stable")
        rows, starts, ends = rows[order], shreds.starts[order], shreds.ends[order]
        bounds = np.searchsorted(shreds.texts[order], np.arange(len(texts) + 1))
        idf = self._idf[rows]
        kinds = len(self.card.classes)
        scored = []
        for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            mine, shares = rows[begin:end], idf[begin:end]
            shares = shares / np.float32(max(float(np.sqrt(shares @ shares)), SHORT))
            weights = self._weights[mine]
            sums = (shares @ weights.astype(np.float32)) * self._scales + self._bias
            scored.append(
                Scored(
                    sums[:kinds] * self.card.scale,
                    sums[kinds:] * self.card.ticket_scale,
                    weights,
                    shares,
                    starts[begin:end],
                    ends[begin:end],
                )
            )
        return scored

    def _known(self, shreds: Shreds) -> tuple[NDArray[np.intp], Shreds]:
        """Of the n-grams those that are terms, each once a text: their rows, and where they are."""
        rows = self._slots[shreds.hashes >> _DOWN]
        at = np.flatnonzero(rows != _NO_TERM)
        found = rows[at].astype(np.intp)
        same = self._keys[found] == shreds.hashes[at]
        at, found = at[same], found[same]
        cells = shreds.texts[at].astype(np.intp) * len(self._keys) + found
        order = np.arange(len(cells), dtype=np.int32)
        self._scratch[cells] = order  # of several in one cell one stays, and only that is kept
        single = self._scratch[cells] == order
        at = at[single]
        return found[single], Shreds(shreds.hashes[at], shreds.texts[at], shreds.starts[at], shreds.ends[at])

    def terms(self, text: str, scored: Scored, column: int) -> tuple[Term, ...]:
        """The parts of a text that spoke most for a class (its column), the strongest first, none inside another. The
        weight is in log odds."""
        if not len(scored.shares):
            return ()
        said = scored.shares * scored.weights[:, column]
        best = np.argsort(-said)[:_LOOKED]
        places = zip(said[best].tolist(), scored.starts[best].tolist(), scored.ends[best].tolist(), strict=True)
        shown: dict[str, float] = {}
        for weight, start, end in places:
            if weight <= 0 or len(shown) == _TERMS:
                break
            term = text[start:end]
            inside = [other for other in shown if other in term]
            if not inside:
                if term not in " ".join(shown):
                    shown[term] = weight
            elif term not in shown:
                for other in inside:
                    del shown[other]
                shown[term] = weight
        scale = float(self._scales[column]) * self.card.scale
        return tuple(Term(term, round(weight * scale, 3)) for term, weight in shown.items())


def slots_of(keys: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The slot of each term."""
    return keys >> _DOWN
