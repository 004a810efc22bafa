"""Which lane a report takes. High recall on purpose: a word is enough, whatever stands around it; the router looks
closely, and a false alarm costs only a place at the front."""

import re
import unicodedata

import ahocorasick

from schemas.city import City, Danger
from schemas.facts import ReportReceived
from schemas.vocabulary import Lane, Urgency

# Full-width letters and digits, and characters that only look like common ones. Punctuation stays: no word has any.
_ODD = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uf900-\ufaff\u2e80-\u2fdf]").search


def plain(text: str) -> str:
    """Half-width and lower case, so that a word is found however it was typed."""
    if _ODD(text) is not None:
        text = unicodedata.normalize("NFKC", text)
    return text.lower()


class DangerList:
    """The city's words, 110 classes and alarm kinds that choose the urgent lane. Words are searched as UTF-8 bytes
    (one automaton over 256 signs, several times faster than one over all characters)."""

    def __init__(self, city: City) -> None:
        self._police = frozenset(item.code for item in city.police_classes if item.stays_with)
        urgent_kinds = {screen.kind for screen in city.screens if screen.urgency is not Urgency.NORMAL}
        self._rules = urgent_kinds | {screen.scene for screen in city.screens if screen.kind in urgent_kinds}
        self._rules.discard("")
        self._devices = frozenset(device.device_id for device in city.devices if device.kind in urgent_kinds)
        self._words = _automaton([danger for danger in city.dangers if danger.screen])

    def lane(self, report: ReportReceived) -> Lane:
        """Urgent if the 110 class stays with police or fire brigade, the device or alarm is of an urgent kind, or a
        danger word occurs in title, text or address (with one of its `near` words anywhere, if it has any)."""
        if report.police_class in self._police or report.device_id in self._devices:
            return Lane.URGENT
        alarm = report.alarm
        if alarm is not None and (alarm.rule in self._rules or alarm.scene in self._rules):
            return Lane.URGENT
        return Lane.URGENT if self._danger_in(f"{report.title}\n{report.text}\n{report.address}") else Lane.NORMAL

    def _danger_in(self, text: str) -> bool:
        if self._words is None:
            return False
        said = plain(text)
        near: tuple[tuple[str, ...], ...]
        for _, near in self._words.iter(_bytewise(said)):
            if any(not words or any(word in said for word in words) for words in near):
                return True
        return False


def _bytewise(text: str) -> str:
    return text.encode("utf-8", "replace").decode("latin-1")


def _automaton(dangers: list[Danger]) -> ahocorasick.Automaton | None:
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
