"""Which lane a report takes. High recall on purpose: a word is enough, whatever stands around it; the router looks
closely, and a false alarm costs only a place at the front."""

import ahocorasick

from schemas.city import City, Danger
from schemas.facts import ReportReceived
from schemas.text import plain, wording
from schemas.vocabulary import Lane, Urgency


class DangerList:
    """The city's words, 110 classes and alarm kinds that choose the urgent lane. Words are searched as UTF-8 bytes
    (one automaton over 256 signs, several times faster than one over all characters)."""

    def __init__(self, city: City) -> None:
        self._police = {item.code: bool(item.stays_with) for item in city.police_classes}
        urgent_kinds = {screen.kind for screen in city.screens if screen.urgency is not Urgency.NORMAL}
        self._rules = urgent_kinds | {screen.scene for screen in city.screens if screen.kind in urgent_kinds}
        self._rules.discard("")
        self._devices = frozenset(device.device_id for device in city.devices if device.kind in urgent_kinds)
        self._words = _automaton(city.dangers)

    def lane(self, report: ReportReceived) -> Lane:
        """Urgent if the 110 class stays with police or fire brigade, the device or alarm is of an urgent kind, or a
        danger word occurs in title, text or address (with one of its `near` words anywhere, if it has any)."""
        if self._stays(report.police_class) or report.device_id in self._devices:
            return Lane.URGENT
        alarm = report.alarm
        if alarm is not None and (alarm.rule.partition(":")[0] in self._rules or alarm.scene in self._rules):
            return Lane.URGENT
        return Lane.URGENT if self._danger_in(wording(report)) else Lane.NORMAL

    def _stays(self, code: str) -> bool:
        """Whether a 110 class, or the nearest one above it that the city knows (two digits a level, zeros below), stays
        with the police or the fire brigade."""
        if not code:
            return False
        known = (code[:kept].ljust(len(code), "0") for kept in (len(code), 4, 2))
        return next((self._police[one] for one in known if one in self._police), False)

    def _danger_in(self, said: str) -> bool:
        if self._words is None:
            return False
        near: tuple[tuple[str, ...], ...]
        for _, near in self._words.iter(_bytewise(said)):
            if any(not words or any(word in said for word in words) for words in near):
                return True
        return False


def _bytewise(text: str) -> str:
    return text.encode("utf-8", "replace").decode("latin-1")


def _automaton(dangers: tuple[Danger, ...]) -> ahocorasick.Automaton | None:
    words: dict[str, tuple[tuple[str, ...], ...]] = {}
    for danger in dangers:
        word = plain(danger.word)
        words[word] = (*words.get(word, ()), tuple(plain(near) for near in danger.near))
    if not words:
        return None
    automaton = ahocorasick.Automaton()
    for word, near in words.items():
        automaton.add_word(_bytewise(word), near)
    automaton.make_automaton()
    return automaton
