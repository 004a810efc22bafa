"""All words of a city in one search tree, so that a text is read once for places, classes, dangers and ticket types."""

import re
from collections.abc import Iterable
from typing import Any

import ahocorasick
from msgspec import Struct, structs

from schemas.city import City, Danger, Setting
from schemas.vocabulary import TicketType, Tier
from services.router.rules.address import value_of
from services.router.rules.gazetteer import Known, landmarks_of
from services.router.rules.text import bytewise, plain

HITS = 200  # of one kind in one text; more is repetition, not information
OFFICIAL, ALIAS, ESTATE, SHORT, ROADLIKE = 0.95, 0.85, 0.48, 0.45, 0.3

_SUFFIXES = ("街道", "新区", "镇", "乡", "区", "县", "市")
_COMMITTEE_ENDINGS = {
    "居委会": ("居委会", "居委", "居民委员会", "居民区", "社区"),
    "村委会": ("村委会", "村委", "村民委员会"),
    "社区居委会": ("社区居委会", "社区居委", "社区"),
}
_NUMBER_WORD = re.compile(r"[一二三四五六七八九十百〇零]+(?=村|居|弄|街坊|小区|组|队|坊|委)")
_NO_ESTATE = ("路", "街", "大道", "公路", "社区", "第一", "第二", "第三", "第四", "第五", "镇", "弄")
_LEAST_ESTATE = 3  # characters of a committee's name that may stand for the estate it is named after
_COMMON_NOUNS = frozenset(("大桥", "长桥", "北站", "南站", "广场", "新村", "新城", "公园", "机场", "车站", "工业区"))
_TICKET_WORDS = (
    (TicketType.INFORMANT, 3.0, "举报"),
    (TicketType.PRAISE, 3.0, "表扬|感谢信|点赞|锦旗|送锦旗|compliment"),
    (TicketType.SUGGESTION, 2.0, "建议增设|建议增加|建议在|市民建议|建议将|建议把|意见建议|suggest"),
    (TicketType.CONSULTATION, 2.0, "咨询|请问|如何办理|怎么办理|办理条件|所需材料|是否可以办理|想了解|inquiry"),
    (TicketType.COMPLAINT, 2.0, "投诉|不满|要求查处|要求处罚|complain"),
    (TicketType.HELP, 1.0, "求助|请求|请帮|协调|维修|抢修|修复"),
)


class Name(Struct, frozen=True):
    """One division that a word may mean; `weight` is how sure the word alone makes one."""

    code: str
    tier: Tier
    weight: float


class Word(Struct, frozen=True):
    """A word and everything it may mean: divisions (`names`), a road or compound (`known`), `classes` as (class number,
    weight), class numbers taken back (`nots`), dangers, a ticket type."""

    text: str
    size: int
    latin: bool = False  # letters of an alphabet: only counts as a whole word
    names: tuple[Name, ...] = ()
    known: Known | None = None
    classes: tuple[tuple[int, float], ...] = ()
    nots: tuple[int, ...] = ()
    dangers: tuple[Danger, ...] = ()
    settings: tuple[Setting, ...] = ()  # those that this word puts a danger into
    harmless: bool = False
    ticket: tuple[TicketType, float] | None = None


Hit = tuple[int, int, Word]  # from, to (bytes of the plain text), the word


class Hits(Struct, frozen=True):
    """What was found in one text, each in order of its end. `body` is the text in bytewise form (see text.py)."""

    body: str
    names: list[Hit]  # of divisions, roads, compounds
    classes: list[Hit]
    nots: list[Hit]
    dangers: list[Hit]
    around: list[Hit]  # words that put a danger at a distance, or that it is only a piece of
    tickets: list[Hit]


class _Entry:
    def __init__(self) -> None:
        self.names: dict[str, Name] = {}
        self.known: Known | None = None
        self.classes: dict[int, float] = {}
        self.nots: list[int] = []
        self.dangers: list[Danger] = []
        self.settings: list[Setting] = []
        self.harmless = False
        self.ticket: tuple[TicketType, float] | None = None


class Lexicon:
    """The compiled words of a city."""

    def __init__(self, city: City) -> None:
        entries: dict[str, _Entry] = {}
        _add_names(entries, city)
        for text, landmark in landmarks_of(city).items():
            _entry(entries, text).known = landmark
        _add_classes(entries, city)
        for danger in city.dangers:
            _entry(entries, danger.word).dangers.append(_plain(danger))
        _add_settings(entries, city)
        for ticket, weight, words in _TICKET_WORDS:
            for word in words.split("|"):
                _entry(entries, word).ticket = (ticket, weight)
        entries.pop("", None)
        self.words: dict[str, Word] = {text: _word(text, entry) for text, entry in entries.items()}
        self._tree: Any = ahocorasick.Automaton()
        for known in self.words.values():
            self._tree.add_word(bytewise(known.text), known)
        self._tree.make_automaton()
        self._last: tuple[str, Hits] = ("", self._read(""))

    def read(self, text: str) -> Hits:
        """Everything that stands in a plain text. The last text is remembered, so that the steps of one decision may
        each ask and the text is still read once."""
        known, hits = self._last
        if known is text:
            return hits
        hits = self._read(text)
        self._last = (text, hits)
        return hits

    def names_of(self, text: str) -> tuple[Name, ...]:
        """The divisions that a plain text as a whole may name."""
        word = self.words.get(text.strip())
        return word.names if word else ()

    def _read(self, text: str) -> Hits:
        body = bytewise(text)
        names: list[Hit] = []
        classes: list[Hit] = []
        nots: list[Hit] = []
        dangers: list[Hit] = []
        around: list[Hit] = []
        tickets: list[Hit] = []
        if self.words:
            for end, word in self._tree.iter(body):
                hit = (end + 1 - word.size, end + 1, word)
                if word.latin and not _whole(body, hit[0], hit[1]):
                    continue
                if word.names or word.known:
                    names.append(hit)
                if word.classes:
                    classes.append(hit)
                if word.nots:
                    nots.append(hit)
                if word.dangers:
                    dangers.append(hit)
                if word.harmless or word.settings:
                    around.append(hit)
                if word.ticket:
                    tickets.append(hit)
        return Hits(body, names[:HITS], classes[:HITS], nots[:HITS], dangers[:HITS], around[:HITS], tickets[:HITS])


def _whole(body: str, start: int, end: int) -> bool:
    if start and _letter(body[start - 1]):
        return False
    after = body[end : end + 2]
    return not after or not _letter(after[0]) or (after[0] == "s" and not _letter(after[1:]))


def _letter(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()


def _plain(danger: Danger) -> Danger:
    near, unless = (tuple(plain(word) for word in words) for words in (danger.near, danger.unless))
    return structs.replace(danger, near=near, unless=unless)


def _entry(entries: dict[str, _Entry], word: str) -> _Entry:
    return entries.setdefault(plain(word).strip(), _Entry())


def _word(text: str, entry: _Entry) -> Word:
    shared = len(entry.classes)
    return Word(
        text=text,
        size=len(text.encode()),
        latin=text.isascii(),
        names=tuple(sorted(entry.names.values(), key=lambda name: (-name.weight, name.code))),
        known=entry.known,
        classes=tuple((number, weight / shared) for number, weight in sorted(entry.classes.items())),
        nots=tuple(entry.nots),
        dangers=tuple(entry.dangers),
        settings=tuple(entry.settings),
        harmless=entry.harmless,
        ticket=entry.ticket,
    )


def _add_settings(entries: dict[str, _Entry], city: City) -> None:
    for setting in city.settings:
        known = structs.replace(setting, but=tuple(plain(word) for word in setting.but))
        for word in setting.words:
            _entry(entries, word).settings.append(known)
    for word in city.harmless:
        _entry(entries, word).harmless = True


def _add_classes(entries: dict[str, _Entry], city: City) -> None:
    for number, item in enumerate(city.classes):
        for word in (*item.words, item.name, item.name_en):
            entry = _entry(entries, word)
            entry.classes[number] = max(entry.classes.get(number, 0.0), specificity(plain(word)))
        for word in item.not_words:
            _entry(entries, word).nots.append(number)


def specificity(word: str) -> float:
    """How much one word says for a class: longer words say more. A Chinese character counts as three letters."""
    letters = len(word.encode())
    return 0.35 + 0.13 * min(letters, 24)


def _add_names(entries: dict[str, _Entry], city: City) -> None:
    for division in city.divisions:
        if division.code == city.root:
            continue
        for text, weight in _names_of(division.name, division.tier, division.aliases):
            known = _entry(entries, text).names
            if division.code not in known or known[division.code].weight < weight:
                known[division.code] = Name(division.code, division.tier, weight)


def _names_of(name: str, tier: Tier, aliases: Iterable[str]) -> Iterable[tuple[str, float]]:
    yield name, OFFICIAL
    if tier is Tier.COMMITTEE:
        yield from _names_of_committee(name)
    short = _short(name) if tier in (Tier.DISTRICT, Tier.STREET) else ""
    if len(short) > 1:
        yield short, _short_weight(short, tier)
    if tier is Tier.STREET and name.endswith("街道"):
        yield short + "街办", ALIAS
    if len(short) > 3 and short.endswith("新村"):
        yield short.removesuffix("新村"), SHORT
    for alias in aliases:
        if not alias.isdigit():
            yield alias, _short_weight(alias, tier) if alias == short or _short(alias) == alias else ALIAS


def _names_of_committee(name: str) -> Iterable[tuple[str, float]]:
    """A committee as people say it: other endings, digits for number words, and the estate that it is named after."""
    for ending, others in _COMMITTEE_ENDINGS.items():
        if not name.endswith(ending) or len(name) <= len(ending) + 1:
            continue
        stem = name.removesuffix(ending)
        numbered = _NUMBER_WORD.sub(lambda found: str(value_of(found[0])), name).removesuffix(ending)
        yield from ((stem + other, ALIAS) for other in others)
        if numbered != stem:
            yield from ((numbered + other, ALIAS) for other in others)
        if len(stem) >= _LEAST_ESTATE and not stem.endswith(_NO_ESTATE):
            yield stem, ESTATE
            if numbered != stem:
                yield numbered, ESTATE


def _short(name: str) -> str:
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def _short_weight(short: str, tier: Tier) -> float:
    if tier is Tier.DISTRICT:
        return ALIAS
    return ROADLIKE if short.endswith(("路", "街", "大道")) or short in _COMMON_NOUNS else SHORT
