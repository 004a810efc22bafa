"""Safety veto: does somebody's life or limb depend on this report, and who else must know at once?"""

from msgspec import Struct

from schemas.city import Danger
from schemas.facts import ReportReceived
from schemas.vocabulary import Source, Urgency
from services.router.rules.atlas import Atlas
from services.router.rules.lexicon import Hit, Hits
from services.router.rules.text import both, readable

_REACH = 180  # bytes looked at on each side of a danger word: about 60 Chinese characters
_SENTENCE = ("\n", ". ", ";", "!", "?", "。".encode().decode("latin-1"))
_CLAUSE = (*_SENTENCE, ",", ":", "、".encode().decode("latin-1"))


class Veto(Struct, frozen=True):
    """Danger to life or limb. `platforms` (110, 119, 120) are told at once, in parallel to the city; `police_stays`
    when the call came through 110 and stays theirs too."""

    kind: str
    platforms: tuple[str, ...]
    words: tuple[str, ...]
    because: str
    police_stays: bool = False


def danger(plain_text: str, report: ReportReceived, atlas: Atlas) -> Veto | None:
    """The danger in a report, by its words (negation and harmless uses within the clause take a word back; the words
    that must stand near are looked for in the sentence), by its 110 class, or by its alarm; None if there is none."""
    hits = atlas.read(plain_text)
    real: list[tuple[str, Danger]] = []
    for hit in hits.dangers:
        real.extend((hit[2].text, one) for one in hit[2].dangers if _holds(one, hit, hits, plain_text, atlas))
    police = atlas.police_class(report.police_class) if report.police_class else None
    stays = police.stays_with if police else ()
    screen = atlas.screens.get(_kind(report, atlas)) if report.alarm and not report.alarm.fault else None
    critical = screen is not None and screen.urgency is Urgency.CRITICAL
    if not real and not stays and not critical:
        return None
    platforms = tuple(dict.fromkeys((*(p for _, one in real for p in one.platforms), *stays)))
    words = tuple(dict.fromkeys(word for word, _ in real))
    reasons = []
    if real:
        reasons.append(f"危险词 {'、'.join(words)} | danger words")
    if police and stays:
        reasons.append(f"110 类别 {police.code} {police.name} 归 {'、'.join(stays)} | 110 class stays there")
    if screen is not None and critical:
        reasons.append(f"告警 {screen.scene or screen.kind} 为非常紧急 | critical alarm")
    kind = real[0][1].kind if real else (screen.scene or screen.kind) if screen and critical else "police"
    return Veto(kind, platforms, words, both(*reasons), report.source is Source.POLICE)


def _kind(report: ReportReceived, atlas: Atlas) -> str:
    device = atlas.devices.get(report.device_id)
    return device.kind if device else report.alarm.rule.partition(":")[0] if report.alarm else ""


def _holds(one: Danger, hit: Hit, hits: Hits, text: str, atlas: Atlas) -> bool:
    if one.near and not any(word in text for word in one.near):
        return False
    start, end, _ = hit
    clause_from, clause_to = _around(hits.body, start, end, _CLAUSE)
    clause = readable(hits.body[clause_from:clause_to])
    if any(word in clause for word in one.unless):
        return False
    if atlas.negated and atlas.negated.search(readable(hits.body[clause_from:start])):
        return False
    sentence_from, sentence_to = _around(hits.body, start, end, _SENTENCE)
    sentence = readable(hits.body[sentence_from:sentence_to])
    if one.near and not any(_said(word, sentence, atlas) for word in one.near):
        return False
    if any(word.harmless and there < end and start < up_to for there, up_to, word in hits.around):
        return False
    return not _at_a_distance(
        one, hits, start, (clause_from, clause_to, clause), (sentence_from, sentence_to, sentence)
    )


Part = tuple[int, int, str]  # from, to (bytes of the plain text), what stands there


def _at_a_distance(one: Danger, hits: Hits, start: int, clause: Part, sentence: Part) -> bool:
    """Whether the danger that begins at `start` is long ago, only feared, a drill, over: one of the city's settings."""
    for there, up_to, word in hits.around:
        for setting in word.settings:
            if one.kind in setting.spares:
                continue
            begin, end, said = sentence if setting.scope == "sentence" else clause
            if setting.scope == "before":
                end = start
            if begin <= there and up_to <= end and not any(other in said for other in setting.but):
                return True
    return False


def _said(word: str, sentence: str, atlas: Atlas) -> bool:
    """Whether a sentence says a word without taking it back."""
    at = sentence.find(word)
    while at >= 0:
        if not (atlas.negated and atlas.negated.search(sentence[:at])):
            return True
        at = sentence.find(word, at + 1)
    return False


def _around(body: str, start: int, end: int, marks: tuple[str, ...]) -> tuple[int, int]:
    low, high = max(0, start - _REACH), min(len(body), end + _REACH)
    begin = max([low, *(at + len(mark) for mark in marks if (at := body.rfind(mark, low, start)) >= 0)])
    stops = [found for mark in marks if (found := body.find(mark, end, high)) >= 0]
    return begin, min(stops, default=high)
