"""What it is: device kind or scene > claimed class > the trained model, the lexicon's words and the 110 class together,
with a confidence."""

from collections.abc import Iterable
from math import exp

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from schemas.facts import Candidate, ClassRef, Demand, ReportReceived
from schemas.vocabulary import ClassKind, Source, TicketType
from services.router.rules.atlas import Atlas
from services.router.rules.hearing import Heard, Part
from services.router.rules.lexical import Weights, weigh
from services.router.rules.lexicon import Hits
from services.router.rules.model import Model, Scored
from services.router.rules.reasons import Term
from services.router.rules.text import both

UNSORTED = ClassRef(standard="paidan", kind=ClassKind.SERVICE, code="unsorted", name="待定类别")
CLAIMED, BY_DEVICE, BY_SERVICE, BY_POLICE = 0.98, 0.99, 0.95, 0.7
POLICE_WEIGHT = 1.2  # what a 110 class adds to the words that speak for its class
HALF_TRUSTED = 1.1  # weight of words at which the confidence of an uncontested class is 0.62
_SHOWN = 5
_NO_WORD = "没有词指向任何类别 | no word points to a class"
MOST_SURE = 0.99  # no text is surer than this
GUESSED = 0.2  # share below which the likeliest class is a guess: shown, not claimed
TICKET_WORD = 0.8  # log odds that one unit of weight of a ticket word adds to its type
_FEW = 4  # known terms below which a text says nothing to the model
_LEAST = 0.002  # share below which a class is not worth showing


class Classified(Struct, frozen=True):
    """What a report is about. `candidates` are class keys with shares; UNSORTED where nothing points anywhere.
    `demands` are there when the text makes several, in its order; the class is then that of the first."""

    class_ref: ClassRef
    ticket_type: TicketType
    confidence: float
    because: str
    candidates: tuple[Candidate, ...] = ()
    scene: str = ""
    major: str = ""
    key: str = UNSORTED.key
    demands: tuple[Demand, ...] = ()
    learned: bool = False  # the trained model had a say
    terms: tuple[Term, ...] = ()  # by which it told the class


def classify(report: ReportReceived, plain_text: str, atlas: Atlas, heard: Heard | None = None) -> Classified:
    """The class and ticket type of a report; `plain_text` is its wording, `heard` what the model makes of it. Never
    raises for odd content."""
    hits = atlas.read(plain_text)
    ticket = report.ticket_type or _ticket_of(report, hits, heard, atlas.model)
    alarm = _of_alarm(report, ticket, atlas)
    if alarm:
        return alarm
    if ref := atlas.refs.get(report.class_key):
        return _sure(ref, ticket, CLAIMED, "来件自带类别 | class given by the sender", atlas)
    service = atlas.one_stop_item(report.matter_code) if report.matter_code else None
    if service and (ref := atlas.refs.get(service.class_key)):
        because = f"事项 {service.code} {service.name} | the one-stop service"
        return _sure(ref, ticket, BY_SERVICE, because, atlas)
    said = weigh(hits) if hits.classes else {}
    police = atlas.police_class(report.police_class) if report.police_class else None
    prior = atlas.refs.get(police.class_key) if police else None
    if heard is not None and atlas.model is not None and _says_something(heard.scored, said, prior):
        return _of_model(heard, hits, said, prior, ticket, atlas)
    if prior and police:
        said = dict(said)
        weight, words = said.get(atlas.numbers[prior.key], (0.0, ()))
        said[atlas.numbers[prior.key]] = (weight + POLICE_WEIGHT, words)
        if len(said) == 1:
            because = f"110 类别 {police.code} {police.name} | 110 class"
            return _sure(prior, ticket, BY_POLICE, because, atlas)
    if not said:
        return Classified(UNSORTED, ticket, 0.0, _NO_WORD)
    return _of_words(said, ticket, atlas)


def _of_alarm(report: ReportReceived, ticket: TicketType, atlas: Atlas) -> Classified | None:
    if report.alarm is None and report.source is not Source.SENSOR:
        return None
    device = atlas.devices.get(report.device_id)
    screen = atlas.screens.get(device.kind if device else "")
    if screen is None and report.alarm:
        screen = atlas.screens.get(report.alarm.rule.partition(":")[0])
    if screen is None:
        return None
    fault = report.alarm is not None and report.alarm.fault
    ref = atlas.refs.get(screen.fault_class_key if fault else screen.class_key)
    if ref is None:
        return None
    what = "设备故障" if fault else f"场景 {screen.scene or screen.kind}"
    return _sure(ref, ticket, BY_DEVICE, f"{what} | device kind", atlas, "" if fault else screen.scene)


def _sure(
    ref: ClassRef, ticket: TicketType, confidence: float, because: str, atlas: Atlas, scene: str = ""
) -> Classified:
    major = atlas.classes[ref.key].major
    return Classified(ref, ticket, confidence, because, scene=scene, major=major, key=ref.key)


def _of_words(said: Weights, ticket: TicketType, atlas: Atlas) -> Classified:
    ranked = sorted(said.items(), key=lambda one: (-one[1][0], one[0]))
    total = sum(weight for weight, _ in said.values())
    number, (weight, words) = ranked[0]
    key = atlas.keys[number]
    strength = 1.0 - exp(-weight / HALF_TRUSTED)
    second = ranked[1][1][0] if len(ranked) > 1 else 0.0
    confidence = 0.98 * strength * (weight / (weight + second))
    candidates = tuple(
        Candidate(
            value=atlas.keys[one],
            score=part / total * strength,
            name=atlas.refs[atlas.keys[one]].name,
            because="、".join(by),
        )
        for one, (part, by) in ranked[:_SHOWN]
    )
    because = f"词语 {'、'.join(words)} | words" if words else "110 类别 | 110 class"
    return Classified(atlas.refs[key], ticket, confidence, because, candidates, major=atlas.classes[key].major, key=key)


def _says_something(scored: Scored, said: Weights, prior: ClassRef | None) -> bool:
    return bool(said) or prior is not None or len(scored.shares) >= _FEW


def _of_model(
    heard: Heard, hits: Hits, said: Weights, prior: ClassRef | None, ticket: TicketType, atlas: Atlas
) -> Classified:
    """The class by the model, the words and the 110 class together; the first demand's where a text makes several."""
    shares = _shares(heard.scored, said, prior, atlas)
    if not heard.parts:
        return _told(heard.text, heard.scored, said, shares, prior, ticket, atlas)
    base = len(hits.body) - len(heard.text.encode())
    told = []
    for part in heard.parts:
        words = _part_words(part, heard.text, hits, base)
        told.append((part, words, _shares(part.scored, words, prior, atlas)))
    limit, titled = atlas.thresholds.classify_confidence, heard.text.find("\n") + 1
    demands = _once(_demand(part, mine, titled, atlas) for part, _, mine in told if float(mine.max()) >= limit)
    first, words, mine = told[0]
    if int(mine.argmax()) != int(shares.argmax()) and _says_something(first.scored, words, prior):
        text = heard.text[first.start : first.end]
        found = _told(text, first.scored, words, mine, prior, ticket, atlas)
    else:
        found = _told(heard.text, heard.scored, said, shares, prior, ticket, atlas)
    return structs.replace(found, demands=demands) if len(demands) > 1 else found


def _shares(scored: Scored, said: Weights, prior: ClassRef | None, atlas: Atlas) -> NDArray[np.float32]:
    """The share of each class, by its number: what the model says, each word's weight and the 110 class added in log
    odds. A class that the model was not trained on starts where its least likely one does."""
    card = atlas.card
    odds = atlas.spread(scored.classes).copy()
    for number, (weight, _) in said.items():
        odds[number] += card.words * weight
    if prior is not None:
        odds[atlas.numbers[prior.key]] += card.police
    odds -= odds.max()
    np.exp(odds, out=odds)
    odds /= odds.sum()
    return odds


def _part_words(part: Part, text: str, hits: Hits, base: int) -> Weights:
    start = base + len(text[: part.start].encode())
    end = start + len(text[part.start : part.end].encode())
    return weigh(structs.replace(hits, classes=[hit for hit in hits.classes if start <= hit[0] and hit[1] <= end]))


def _demand(part: Part, shares: NDArray[np.float32], titled: int, atlas: Atlas) -> Demand:
    best = int(shares.argmax())
    ref = atlas.refs[atlas.keys[best]]
    start, end = max(0, part.start - titled), max(0, part.end - titled)
    return Demand(class_ref=ref, start=start, end=end, confidence=round(float(shares[best]), 4))


def _once(demands: Iterable[Demand]) -> tuple[Demand, ...]:
    """Each class once, where it comes first."""
    first: dict[str, Demand] = {}
    for demand in demands:
        first.setdefault(demand.class_ref.key, demand)
    return tuple(first.values())


def _told(
    text: str,
    scored: Scored,
    said: Weights,
    shares: NDArray[np.float32],
    prior: ClassRef | None,
    ticket: TicketType,
    atlas: Atlas,
) -> Classified:
    best = np.argsort(-shares, kind="stable")[:_SHOWN]
    ranked = list(zip(best.tolist(), shares[best].tolist(), strict=True))
    number, sure = ranked[0]
    candidates = tuple(
        Candidate(
            value=atlas.keys[one],
            score=round(share, 4),
            name=atlas.refs[atlas.keys[one]].name,
            because="、".join(said[one][1]) if one in said else "",
        )
        for one, share in ranked
        if share >= _LEAST or one == number
    )
    key = atlas.keys[number]
    words = said[number][1] if number in said else ()
    terms = atlas.terms(text, scored, number)
    because = both(
        f"模型 {'、'.join(term.word for term in terms)} | model terms" if terms else "",
        f"词语 {'、'.join(words)} | words" if words else "",
        "110 类别 | 110 class" if prior is not None and prior.key == key else "",
    )
    if sure < GUESSED:
        return Classified(UNSORTED, ticket, sure, because or _NO_WORD, candidates, learned=True)
    return Classified(
        atlas.refs[key],
        ticket,
        min(MOST_SURE, sure),
        because or _NO_WORD,
        candidates,
        major=atlas.classes[key].major,
        key=key,
        learned=True,
        terms=terms,
    )


def _ticket_of(report: ReportReceived, hits: Hits, heard: Heard | None, model: Model | None) -> TicketType:
    """What the citizen wants: by model and words where there is a model; findings and alarms by their source."""
    if report.source in (Source.PATROL, Source.SENSOR):
        return TicketType.FINDING
    if heard is None or model is None or report.source is Source.POLICE or len(heard.scored.shares) < _FEW:
        return _ticket_by_words(report, hits)
    odds = dict(zip(model.card.tickets, heard.scored.tickets.tolist(), strict=True))
    for _, _, word in hits.tickets:
        if word.ticket and word.ticket[0] in odds:
            odds[word.ticket[0]] += TICKET_WORD * word.ticket[1]
    return TicketType(max(odds, key=lambda ticket: odds[ticket]))


def _ticket_by_words(report: ReportReceived, hits: Hits) -> TicketType:
    """By the words used; without any a call to 110 asks for help, and all else complains."""
    best, top = (TicketType.HELP if report.source is Source.POLICE else TicketType.COMPLAINT), 0.0
    for _, _, word in hits.tickets:
        if word.ticket and word.ticket[1] > top:
            best, top = word.ticket
    return best
