"""What the words of the lexicon weigh for each class: once a class, less inside a longer word, taken back by exclusion
words and by denials."""

from services.router.rules.hearing import undone
from services.router.rules.lexicon import Hit, Hits
from services.router.rules.text import bytewise

Weights = dict[int, tuple[float, tuple[str, ...]]]  # by class number: how much, and which words

WITHIN = 0.3  # what a word keeps that is part of a longer word of another class (噪音 in 施工噪音)
TAKEN_BACK = 0.25  # what a word keeps beside an exclusion word in its clause
_DENIED = tuple(
    map(bytewise, ("不是", "并非", "不属于", "不涉及", "而非", "不反映", "不投诉", "不要求", "not ", "not a "))
)
_CLAUSE = (",", "\n", ";", ":", "!", "?", *(bytewise(mark) for mark in "。、"))


def weigh(hits: Hits) -> Weights:
    """Weight and words of each class that the text speaks for. A word counts once a class, however often it stands."""
    found: Weights = {}
    places = hits.names
    parts = _parts(hits.classes)
    denied = undone(hits.body)
    for order, hit in enumerate(hits.classes):
        start, end, word = hit
        if places and _in_name(start, end, places):
            continue
        if hits.body.endswith(_DENIED, 0, start):
            continue
        if denied and any(since <= start and end <= to for since, to in denied):
            continue
        share = WITHIN if order in parts else 1.0
        for number, weight in word.classes:
            weight *= share
            if hits.nots:
                weight *= _excluded(number, hit, hits)
            known, words = found.get(number, (0.0, ()))
            if weight > 0 and word.text not in words:
                covered = any(word.text in other for other in words)
                found[number] = (known + (0.0 if covered else weight), (*words, word.text))
    return {number: said for number, said in found.items() if said[0] > 0}


def _in_name(start: int, end: int, places: list[Hit]) -> bool:
    """Whether a word is part of the name of a place (桥 in 大桥街道)."""
    return any(start < to and since < end and to - since > end - start for since, to, _ in places)


def _parts(hits: list[Hit]) -> set[int]:
    """Numbers of the hits that are part of a longer hit; hits come in order of their ends, the longest first."""
    parts: set[int] = set()
    whole: list[int] = []
    for number, (start, end, _) in enumerate(hits):
        while whole and hits[whole[-1]][0] >= start:
            parts.add(whole.pop())
        if whole and hits[whole[-1]][1] == end:
            parts.add(number)
        else:
            whole.append(number)
    return parts


def _excluded(number: int, hit: Hit, hits: Hits) -> float:
    """What exclusion words leave of a hit: nothing where they overlap it, a part where they share its clause."""
    start, end, _ = hit
    left = 1.0
    for since, to, word in hits.nots:
        if number not in word.nots:
            continue
        if since < end and start < to:
            return 0.0
        between = hits.body[end:since] if since >= end else hits.body[to:start]
        if len(between) < 90 and not any(mark in between for mark in _CLAUSE):
            left = TAKEN_BACK
    return left
