"""Training: rows in, a model file with its card out; confidence is set on rows that the model had not seen."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from hashlib import blake2b
from typing import Any

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from deploy.model.fitting import Fitted, Floats, choose_terms, fit, matrix, rounded, torn
from deploy.model.measures import Told, measured, softmax
from deploy.model.rows import Row, part_of
from deploy.stack.trouble import Trouble
from schemas.model import ModelCard, ModelFile
from schemas.vocabulary import TicketType
from services.router.rules.atlas import Atlas
from services.router.rules.hearing import without_denied
from services.router.rules.lexical import weigh
from services.router.rules.shreds import SHREDS

FOLDS = 4
TERMS = 50_000
POLICE = 5.0  # log odds that a 110 class adds to its class; no corpus can teach it
_SCALES = (0.5, 40.0)
_DRILL = 0.1  # what a drill row counts where sureness is set: not nothing, or the lexicon would seem to be of no use
TICKETS = tuple(str(ticket) for ticket in TicketType if ticket is not TicketType.FINDING)


class Sheet(Struct, frozen=True):
    """Rows as training sees them: texts, the numbers of their classes and ticket types (-1: not known), and what the
    lexicon's words weigh for each class."""

    texts: list[str]
    classes: NDArray[np.int64]
    tickets: NDArray[np.int64]
    groups: NDArray[np.int64]
    weights: Floats
    words: Floats


def sheet_of(rows: Sequence[Row], keys: Sequence[str], atlas: Atlas | None) -> Sheet:
    """Rows ready for training; without an atlas (no city) no word weighs anything."""
    numbers = {key: number for number, key in enumerate(keys)}
    tickets = {ticket: number for number, ticket in enumerate(TICKETS)}
    groups: dict[str, int] = {}
    words = np.zeros((len(rows), len(keys)))
    if atlas is not None:
        for at, row in enumerate(rows):
            for number, (weight, _) in weigh(atlas.read(row.text)).items():
                if (column := numbers.get(atlas.keys[number])) is not None:
                    words[at, column] = weight
    return Sheet(
        texts=[without_denied(row.text) for row in rows],
        classes=np.array([numbers[row.class_key] for row in rows]),
        tickets=np.array([tickets.get(row.ticket, -1) for row in rows]),
        groups=np.array([groups.setdefault(row.group or row.text, len(groups)) for row in rows]),
        weights=np.array([row.weight for row in rows]),
        words=words,
    )


def trained(sheet: Sheet, columns: int, terms: int, train: NDArray[np.bool_]) -> Fitted:
    """The linear model over the rows of `train`: its classes, then its ticket types."""
    found = torn([text for text, used in zip(sheet.texts, train, strict=True) if used])
    labels, weights = sheet.classes[train], sheet.weights[train]
    chosen = choose_terms(found, labels, weights, terms)
    examples = matrix(found, chosen)
    spread, bias = fit(examples, labels, columns, weights)
    kinds = sheet.tickets[train]
    known = np.flatnonzero(kinds >= 0)
    more, shift = np.zeros((len(chosen.keys), len(TICKETS))), np.zeros(len(TICKETS))
    if len(np.unique(kinds[known])) > 1:
        more, shift = fit(examples[known], kinds[known], len(TICKETS), weights[known])
    return Fitted(chosen, np.hstack([spread, more]), np.concatenate([bias, shift]))


def scores_of(fitted: Fitted, texts: Sequence[str]) -> Floats:
    """Texts x columns in full precision."""
    scores: Floats = matrix(torn(texts), fitted.terms) @ fitted.weights + fitted.bias
    return scores


def folds_of(sheet: Sheet) -> NDArray[np.int64]:
    """The fold of each row: the groups of each class are dealt out in turn, so that every fold has every class."""
    first = {int(group): int(kind) for group, kind in zip(sheet.groups, sheet.classes, strict=True)}
    dealt: Counter[int] = Counter()
    fold = np.zeros(len(first), dtype=np.int64)
    for group, kind in first.items():
        fold[group] = dealt[kind] % FOLDS
        dealt[kind] += 1
    return fold[sheet.groups]


def unseen_scores(sheet: Sheet, columns: int, terms: int) -> Floats:
    """Scores of every row by a model that saw no row of its fold."""
    folds = folds_of(sheet)
    scores = np.zeros((len(sheet.texts), columns + len(TICKETS)))
    for number in range(FOLDS):
        out = folds == number
        texts = [text for text, held in zip(sheet.texts, out, strict=True) if held]
        scores[out] = scores_of(trained(sheet, columns, terms, ~out), texts)
    return scores


def calibrated(scores: Floats, words: Floats, truth: NDArray[np.int64], weights: Floats) -> tuple[float, float]:
    """Scale of the scores and weight of the words at which confidence is most truthful (least log loss)."""
    from scipy.optimize import minimize

    at = np.arange(len(truth))

    def loss(logs: Floats) -> float:
        scale, word = np.exp(logs)
        shares = softmax(scores * scale + words * word)
        return float(-np.average(np.log(np.maximum(shares[at, truth], 1e-12)), weights=weights))

    corners = np.log([[5.0, 1.0], [10.0, 1.0], [5.0, 2.0]])
    options = {"initial_simplex": corners, "xatol": 0.02, "fatol": 1e-5}
    found = minimize(loss, corners[0], method="Nelder-Mead", options=options)
    scale, word = np.exp(found.x)
    return float(np.clip(scale, *_SCALES)), float(word) if words.any() else 0.0


def train(rows: Sequence[Row], keys: Sequence[str], atlas: Atlas | None, on: date, terms: int = TERMS) -> ModelFile:
    """The model of these rows; `keys` are the classes it shall tell apart, `on` is the day for its card.

    Raises Trouble when there is too little to learn from."""
    kinds = {row.class_key for row in rows}
    if len(kinds) < 2:
        raise Trouble("the rows are of fewer than two classes", "give rows of every class that shall be told apart")
    sheet = sheet_of(rows, keys, atlas)
    said = Counter(kind for kind, _ in {*zip(sheet.classes.tolist(), sheet.groups.tolist(), strict=True)})
    if sum(count > 1 for count in said.values()) < 2:
        raise Trouble(
            "of fewer than two classes the rows say more than one thing",
            "give each class several rows in different words: confidence is set on rows that were kept out",
        )
    columns = len(keys)
    scores = unseen_scores(sheet, columns, terms)
    asked = np.array([not row.drill for row in rows])
    asked = asked if asked.any() else ~asked
    counts = sheet.weights * np.where(asked, 1.0, _DRILL)
    scale, word = calibrated(scores[:, :columns], sheet.words, sheet.classes, counts)
    known = asked & (sheet.tickets >= 0)
    ticket_scale = 1.0
    if len(np.unique(sheet.tickets[known])) > 1:
        ticket_scores, none = scores[known, columns:], np.zeros((int(known.sum()), len(TICKETS)))
        ticket_scale, _ = calibrated(ticket_scores, none, sheet.tickets[known], sheet.weights[known])
    shares = softmax(scores[asked, :columns] * scale + sheet.words[asked] * word)
    told = Told(shares, sheet.classes[asked])
    fitted = trained(sheet, columns, terms, np.ones(len(rows), dtype=np.bool_))
    metrics = measured(told) | _ticket_metric(scores[asked, columns:], sheet.tickets[asked])
    card = _card(rows, keys, atlas, on, metrics, shares)
    return _file(fitted, structs.replace(card, scale=scale, ticket_scale=ticket_scale, words=word))


def _ticket_metric(scores: Floats, truth: NDArray[np.int64]) -> dict[str, float]:
    known = truth >= 0
    if not known.any():
        return {}
    return {"ticket_right": round(float((scores[known].argmax(axis=1) == truth[known]).mean()), 4)}


def _card(
    rows: Sequence[Row], keys: Sequence[str], atlas: Atlas | None, on: date, metrics: dict[str, float], shares: Floats
) -> ModelCard:
    by_origin: dict[str, list[Row]] = {}
    for row in rows:
        by_origin.setdefault(row.origin, []).append(row)
    majors: Counter[str] = Counter(atlas.classes[row.class_key].major if atlas else row.class_key for row in rows)
    return ModelCard(
        version="",
        made_on=on,
        city=atlas.city.name if atlas else "",
        shreds=SHREDS,
        classes=tuple(keys),
        tickets=TICKETS,
        terms=0,
        data=tuple(part_of(name, part) for name, part in sorted(by_origin.items())),
        metrics=metrics,
        majors={name: round(count / len(rows), 6) for name, count in sorted(majors.items())},
        confidence=round(float(shares.max(axis=1).mean()), 4),
        scale=1.0,
        ticket_scale=1.0,
        words=0.0,
        police=POLICE,
    )


def _file(fitted: Fitted, card: ModelCard) -> ModelFile:
    weights, scales = rounded(fitted.weights)
    parts: dict[str, Any] = {
        "keys": fitted.terms.keys.astype("<u4").tobytes(),
        "idf": fitted.terms.idf.astype("<f4").tobytes(),
        "weights": weights.tobytes(),
        "scales": scales.astype("<f4").tobytes(),
        "bias": fitted.bias.astype("<f4").tobytes(),
    }
    numbers = np.array([card.scale, card.ticket_scale, card.words, card.police]).tobytes()
    digest = blake2b(b"".join([*parts.values(), numbers]), digest_size=4).hexdigest()
    version = f"{card.city or 'model'}-{card.made_on:%Y%m%d}-{digest}"
    return ModelFile(card=structs.replace(card, version=version, terms=len(fitted.terms.keys)), **parts)
