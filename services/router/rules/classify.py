"""What it is: device kind or scene > claimed class > 110 class > the words of the lexicon, with a confidence."""

from math import exp

from msgspec import Struct

from schemas.facts import Candidate, ClassRef, ReportReceived
from schemas.vocabulary import ClassKind, Source, TicketType
from services.router.rules.atlas import Atlas
from services.router.rules.lexicon import Hit, Hits
from services.router.rules.locate import Located
from services.router.rules.text import bytewise

UNSORTED = ClassRef(standard="paidan", kind=ClassKind.SERVICE, code="unsorted", name="待定类别")
CLAIMED, BY_DEVICE, BY_SERVICE, BY_POLICE = 0.98, 0.99, 0.95, 0.7
POLICE_WEIGHT = 1.2  # what a 110 class adds to the words that speak for its class
HALF_TRUSTED = 1.1  # weight of words at which the confidence of an uncontested class is 0.62
WITHIN = 0.3  # what a word keeps that is part of a longer word of another class (噪音 in 施工噪音)
TAKEN_BACK = 0.25  # what a word keeps beside an exclusion word in its clause
_SHOWN = 5
_DENIED = tuple(
    map(bytewise, ("不是", "并非", "不属于", "不涉及", "而非", "不反映", "不投诉", "不要求", "not ", "not a "))
)
_CLAUSE = (",", "\n", ";", ":", "!", "?", *(bytewise(mark) for mark in "。、"))


class Classified(Struct, frozen=True):
    """What a report is about. `candidates` are class keys with shares; UNSORTED where no word points anywhere."""

    class_ref: ClassRef
    ticket_type: TicketType
    confidence: float
    because: str
    candidates: tuple[Candidate, ...] = ()
    scene: str = ""
    major: str = ""
    key: str = UNSORTED.key


def classify(report: ReportReceived, plain_text: str, atlas: Atlas, located: Located) -> Classified:
    """The class and ticket type of a report; `plain_text` is its wording. Never raises for odd content."""
    hits = atlas.read(plain_text)
    ticket = report.ticket_type or _ticket_of(report, hits)
    alarm = _of_alarm(report, ticket, atlas)
    if alarm:
        return alarm
    if ref := atlas.refs.get(report.class_key):
        return _sure(ref, ticket, CLAIMED, "来件自带类别 | class given by the sender", atlas)
    service = atlas.one_stop_item(report.matter_code) if report.matter_code else None
    if service and (ref := atlas.refs.get(service.class_key)):
        because = f"事项 {service.code} {service.name} | the one-stop service"
        return _sure(ref, ticket, BY_SERVICE, because, atlas)
    said = _weigh(hits) if hits.classes else {}
    police = atlas.police_class(report.police_class) if report.police_class else None
    prior = atlas.refs.get(police.class_key) if police else None
    if prior and police:
        said = dict(said)
        weight, words = said.get(atlas.numbers[prior.key], (0.0, ()))
        said[atlas.numbers[prior.key]] = (weight + POLICE_WEIGHT, words)
        if len(said) == 1:
            because = f"110 类别 {police.code} {police.name} | 110 class"
            return _sure(prior, ticket, BY_POLICE, because, atlas)
    if not said:
        return Classified(UNSORTED, ticket, 0.0, "没有词指向任何类别 | no word points to a class")
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


def _weigh(hits: Hits) -> dict[int, tuple[float, tuple[str, ...]]]:
    """Weight and words of each class that the text speaks for. A word counts once a class, however often it stands."""
    found: dict[int, tuple[float, tuple[str, ...]]] = {}
    places = hits.names
    parts = _parts(hits.classes)
    for order, hit in enumerate(hits.classes):
        start, end, word = hit
        if places and _in_name(start, end, places):
            continue
        if hits.body.endswith(_DENIED, 0, start):
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


def _of_words(said: dict[int, tuple[float, tuple[str, ...]]], ticket: TicketType, atlas: Atlas) -> Classified:
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


def _ticket_of(report: ReportReceived, hits: Hits) -> TicketType:
    """What the citizen wants, by the words used; findings and alarms by their source, else a complaint."""
    if report.source in (Source.PATROL, Source.SENSOR):
        return TicketType.FINDING
    best, top = (TicketType.HELP if report.source is Source.POLICE else TicketType.COMPLAINT), 0.0
    for _, _, word in hits.tickets:
        if word.ticket and word.ticket[1] > top:
            best, top = word.ticket
    return best
