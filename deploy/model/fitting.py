"""From rows to numbers: the terms worth keeping, one linear model over them, its weights in whole bytes.

Texts are torn by the router's own function, so that what is trained here is what is scored there; only the rounding of
weights to bytes differs, and `tests/rules/router/test_model.py` bounds that.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from deploy.stack.trouble import Trouble
from services.router.rules.model import MOST_TERMS, SHORT, slots_of
from services.router.rules.shreds import tear

_CHUNK = 2_000
_LEAST = 2  # texts that a term must stand in
_COST = 0.5  # of the support vector machine
_BYTE = 127.0
_WIDTH = np.uint64(32)

Floats = NDArray[np.float64]


class Terms(Struct, frozen=True):
    """The terms of a model: their hashes, sorted, and their weights by rarity."""

    keys: NDArray[np.uint32]
    idf: NDArray[np.float32]


class Fitted(Struct, frozen=True):
    """A trained model in full precision: terms x columns, one bias a column."""

    terms: Terms
    weights: Floats
    bias: Floats


def sklearn() -> Any:
    """The library that only training needs. Raises Trouble where it is not installed."""
    try:
        import sklearn.feature_selection
        import sklearn.svm
    except ImportError as error:
        raise Trouble(
            "training needs scikit-learn, which is not installed", "run `make setup`, or install it"
        ) from error
    return sklearn


class Torn(Struct, frozen=True):
    """Texts as (text, hash) pairs, each once, sorted by text."""

    texts: NDArray[np.int64]
    hashes: NDArray[np.uint32]
    count: int


def torn(texts: Sequence[str]) -> Torn:
    """Plain texts torn into n-grams."""
    pairs = []
    for begin in range(0, len(texts), _CHUNK):
        found = tear(texts[begin : begin + _CHUNK])
        owners = (found.texts.astype(np.uint64) + np.uint64(begin)) << _WIDTH
        pairs.append(np.unique(owners | found.hashes))
    every = np.concatenate(pairs) if pairs else np.empty(0, dtype=np.uint64)
    return Torn(
        (every >> np.uint64(32)).astype(np.int64), (every & np.uint64(0xFFFFFFFF)).astype(np.uint32), len(texts)
    )


def matrix(found: Torn, terms: Terms) -> Any:
    """Texts x terms: 1 x rarity for each term that stands in a text, every row made one long (or shorter, where a text
    has next to no terms)."""
    from scipy.sparse import csr_matrix

    at = np.searchsorted(terms.keys, found.hashes)
    at[at == len(terms.keys)] = 0
    known = terms.keys[at] == found.hashes
    rows, columns = found.texts[known], at[known]
    values = terms.idf[columns].astype(np.float64)
    norms = np.maximum(np.sqrt(np.bincount(rows, weights=values**2, minlength=found.count)), SHORT)
    return csr_matrix((values / norms[rows], (rows, columns)), shape=(found.count, len(terms.keys)))


def choose_terms(found: Torn, labels: NDArray[np.int64], weights: Floats, most: int) -> Terms:
    """The terms that tell the classes apart best (chi-square), no two in one slot of the router's table."""
    from scipy.sparse import csr_matrix

    learn = sklearn()
    hashes, where, counts = np.unique(found.hashes, return_inverse=True, return_counts=True)
    often = counts >= _LEAST
    present = csr_matrix((np.ones(len(where)), (found.texts, where)), shape=(found.count, len(hashes)))[:, often]
    hashes, counts = hashes[often], counts[often]
    told, _ = learn.feature_selection.chi2(present.multiply(weights[:, None]).tocsr(), labels)
    order = np.argsort(-np.nan_to_num(told), kind="stable")
    _, first = np.unique(slots_of(hashes[order]), return_index=True)
    kept = np.sort(order[np.sort(first)][: min(most, MOST_TERMS - 1)])
    idf = np.log((1 + found.count) / (1 + counts[kept])) + 1
    return Terms(hashes[kept], idf.astype(np.float32))


def fit(examples: Any, labels: NDArray[np.int64], columns: int, weights: Floats) -> tuple[Floats, Floats]:
    """Weights and bias of one linear machine for each column against the rest."""
    learn = sklearn()
    machine = learn.svm.LinearSVC(C=_COST, class_weight="balanced", random_state=0)
    machine.fit(examples, labels, sample_weight=weights)
    coefficients, bias = machine.coef_, machine.intercept_
    if len(machine.classes_) == 2:
        coefficients, bias = np.vstack([-coefficients, coefficients]), np.concatenate([-bias, bias])
    spread = np.zeros((examples.shape[1], columns))
    spread[:, machine.classes_] = coefficients.T
    shift = np.full(columns, float(bias.min()) - 1.0)
    shift[machine.classes_] = bias
    return spread, shift


def rounded(weights: Floats) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Weights in whole bytes, and what one unit of each column is worth."""
    scales = np.maximum(np.abs(weights).max(axis=0), 1e-9) / _BYTE
    return np.rint(weights / scales).astype(np.int8), scales.astype(np.float32)
