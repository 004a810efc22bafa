"""Names that stand almost right in a text: misheard, mistyped by sound, or with one character wrong.

A name is its stem (虹桥) and its ending (街道). Stems are looked up by sound, whole and with one character left out, at
the few spots of a text where a name can begin or end; what was found is weighed by how much of it stands there. Asked
only when the names as written settle nothing (see mentions.py).
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from msgspec import Struct

from schemas.city import City, Division
from schemas.vocabulary import Tier
from services.router.rules.sounds import sounded
from services.router.rules.text import plain

LEAST = 0.3  # less than that is chance
STARTS, ENDS = 24, 8  # spots looked at in one text
FAR = 9  # characters from the second one of a name to its ending
LONG = 6  # characters of a stem that is looked for from its ending back to its beginning
COMMON = 60  # a pair that more stems end in tells none of them
_ENDINGS = ("街道", "镇", "乡", "社区居委会", "居委会", "村委会")
_SAID = ("居委", "村委", "居民区", "社区", "村民委", "居民委")  # how endings of committees are said
_BEFORE = "区县市在住于是到起时晚晨转称映诉道镇乡村天月年 \\n,.:;()\\[\\]，。：；（）【】“”!?！？<>'\""
BEGINS_AFTER = frozenset(_BEFORE) - {"\\", "n"} | {"\n"}
_APART = re.compile(r"(?<=[^\x00-\x7f])[ \-·、_—.]+(?=[^\x00-\x7f])")
_WHOLE, _SOUND = 1.0, 0.92
_ONE_OFF = {2: 0.5, 3: 0.74, 4: 0.84}
_LONG_ONE_OFF = 0.88
_ENDING_SAID, _ENDING_ODD, _ENDING_OTHER = 1.0, 0.88, 0.45
_ENDING_NONE = {2: 0.5, 3: 0.72}
_LONG_NO_ENDING = 0.84
_BRIEF_COMMITTEE = 0.8  # there are thousands of committees: two or three sounds are soon alike
_DOUBLY_OFF = 0.5  # a character off, and no ending


_LEADS = frozenset("在住于到址:(（：\n")
_TAKEN = "\0"  # like no sound
_ENDING_BEGINS = frozenset(sounded("街"))
_OUTSIDE = 0.6  # what remains of a likeness where a district was named that it does not lie in
_AN_ENDING = re.compile(  # but not those of 曾向居委反映, 希望街道介入
    r"(?<![向的到、，,。:；找让请望求议醒])(?:街道|街到|接道|街办|镇|振|乡|"
    r"居委|居位|村委|居民区|村民委|居民委)"
)


class Near(Struct, frozen=True, gc=False):
    """One stretch of a text (offsets in the plain text) that almost is the name of a division; `likeness` in 0–1."""

    start: int
    end: int
    code: str
    tier: Tier
    likeness: float


class _Stem(Struct, frozen=True):
    code: str
    tier: Tier
    district: str
    stem: str
    sound: str
    ending: str


_Found = Iterable[tuple[_Stem, int, int, float]]  # a stem, from where to where it stands, how much of it


class _Stems:
    """Stems by what stays whole when one character is off: of more than three characters the first or the last two, of
    three also the outer two, of two either. `briefly`: two characters of which one is off are looked for too."""

    def __init__(self, stems: Iterable[_Stem], *, briefly: bool) -> None:
        self._heads: dict[str, list[_Stem]] = {}
        self._tails: dict[str, list[_Stem]] = {}
        self._outer: dict[str, list[_Stem]] = {}
        self._short: dict[str, list[_Stem]] = {}
        for one in stems:
            sound = one.sound
            if len(sound) < 3:
                self._short.setdefault(sound, []).append(one)
                for sign in set(sound) if briefly and len(sound) == 2 else ():
                    self._outer.setdefault(sign, []).append(one)
                continue
            self._heads.setdefault(sound[:2], []).append(one)
            self._tails.setdefault(sound[-2:], []).append(one)
            if len(sound) == 3:
                self._outer.setdefault(sound[0] + sound[2], []).append(one)

    def beginning(self, tight: str, heard: str, start: int) -> _Found:
        """Stems of at least three characters that begin at `start`."""
        pair, third = heard[start : start + 2], heard[start + 2 : start + 3]
        may = [*self._heads.get(pair, ()), *self._heads.get(pair[::-1], ()), *self._outer.get(pair[:1] + third, ())]
        if third in _ENDING_BEGINS or heard[start - 1 : start] == _TAKEN:  # 豫园街, or right behind its district
            may += self._short.get(pair, ())
        for at in range(1, 5):
            tail = heard[start + at : start + at + 2]
            for stem in (*self._tails.get(tail, ()), *self._tails.get(tail[::-1], ())):
                if at <= len(stem.sound) - 2 <= at + 1:
                    may.append(stem)
        for stem in may:
            size = len(stem.sound)
            for stop in (start + size, start + size - 1, start + size + 1):
                if like := _like(stem, heard[start:stop], tight[start:stop]):
                    yield stem, start, stop, like
                    break

    def ending(self, tight: str, heard: str, stop: int) -> _Found:
        """Stems of any length that end at `stop`."""
        for stem, size in self._may_end(heard, stop):
            for start in (stop - size, stop - size + 1, stop - size - 1):
                if start < 0 or not (like := _like(stem, heard[start:stop], tight[start:stop])):
                    continue
                if (size < 2 or (size < 3 and like < _SOUND)) and not _addressed(tight, heard, start):
                    continue
                yield stem, start, stop, like
                break

    def _may_end(self, heard: str, stop: int) -> Iterable[tuple[_Stem, int]]:
        last, signs = heard[max(0, stop - 2) : stop], heard[max(0, stop - 3) : stop]
        may = [*self._short.get(last, ()), *self._short.get(last[-1:], ()), *self._outer.get(signs[:1] + signs[2:], ())]
        for key in {last, last[-1:], last[:1]}:
            may += self._outer.get(key, ())
        for tail in {last, last[::-1]}:
            tails = self._tails.get(tail, ())
            may += tails if len(tails) <= COMMON else ()
        for back in range(2, min(stop, LONG + 1) + 1):
            start = stop - back
            head = heard[start : start + 2]
            for heads in (self._heads.get(head), self._heads.get(head[::-1])):
                if heads:
                    may += [one for one in heads if abs(len(one.sound) - back) <= 1]
        return [(one, len(one.sound)) for one in may]


def _addressed(tight: str, heard: str, start: int) -> bool:
    """Whether an address may begin at a spot: behind a district, or behind a word that leads to a place. The ending
    alone says too little for two characters of which one is off (希望街道)."""
    return start == 0 or heard[start - 1] == _TAKEN or tight[start - 1] in _LEADS


def _like(stem: _Stem, piece: str, written: str) -> float:
    """How much of a stem stands in a stretch of text: all, its sound, all but one character, or too little (0)."""
    sound = stem.sound
    if _TAKEN in piece:
        return 0.0
    if piece == sound:
        return _WHOLE if written == stem.stem else _SOUND
    size, other = len(sound), len(piece)
    head = 0
    while head < size and head < other and sound[head] == piece[head]:
        head += 1
    if size == other:
        swapped = sound[head : head + 2] == piece[head : head + 2][::-1]
        one_off = sound[head + 1 :] == piece[head + 1 :] or (swapped and sound[head + 2 :] == piece[head + 2 :])
    elif size > other:
        one_off = sound[head + 1 :] == piece[head:] and other > 1
    else:
        one_off = sound[head:] == piece[head + 1 :]
    return _ONE_OFF.get(size, _LONG_ONE_OFF if size > 4 else 0.0) if one_off else 0.0


class Nearly:
    """The stems of a city's street-towns and committees."""

    def __init__(self, city: City) -> None:
        stems = list(_stems(city))
        streets = [one for one in stems if one.tier is Tier.STREET]
        whole = [one.stem for one in streets if not one.ending]
        self._start = _a_start({part for stem in whole for part in (stem[-3:-1], stem[-2:])})
        self._streets = _Stems(streets, briefly=True)
        towns = [one for one in streets if len(one.stem) == 2 and len(one.ending) == 1]
        self._towns = _Stems(map(_whole, towns), briefly=False)  # 大镇场 is 大场镇
        self._committees = _Stems((one for one in stems if one.tier is Tier.COMMITTEE), briefly=False)

    def find(
        self, plain_text: str, taken: Sequence[tuple[int, int]] = (), districts: frozenset[str] = frozenset()
    ) -> list[Near]:
        """What is almost named, in order of the text; several for one stretch where they are alike. What is `taken`
        (from where to where names stand for sure) is no part of it; what lies in `districts`, if there are any, goes
        before the rest."""
        tight, offsets = _tight(plain_text)
        heard = sounded(tight)
        for begin, end in taken:
            if offsets is not None:
                begin, end = bisect_left(offsets, begin), bisect_left(offsets, end)
            heard = heard[:begin] + _TAKEN * (end - begin) + heard[end:]
        found: list[Near] = []
        for ending in islice(_AN_ENDING.finditer(tight), ENDS):
            stems = self._streets if ending[0][0] in "街接镇振乡" else self._committees
            found += _likeliest(stems.ending(tight, heard, ending.start()), tight, heard, districts)
        for start in self._starts(tight, heard):
            if not any(one.start <= start < one.end for one in found):
                near = _likeliest(self._streets.beginning(tight, heard, start), tight, heard, districts)
                if not near and heard[start - 1 : start] == _TAKEN:
                    near = _likeliest(self._towns.beginning(tight, heard, start), tight, heard, districts)
                found += near
        found.sort(key=lambda one: one.start)
        return found if offsets is None else [_as_written(one, offsets) for one in found]

    def _starts(self, tight: str, heard: str) -> list[int]:
        """Where a name may begin: right behind its district, or behind what usually stands before one when an ending
        follows soon."""
        found = {start.start() for start in islice(self._start.finditer(tight), STARTS)}
        at = heard.find(_TAKEN)
        while at >= 0:
            at += 1
            if at < len(heard) and heard[at] != _TAKEN and tight[at] > "\u4dff":
                found.add(at)
            at = heard.find(_TAKEN, at)
        return sorted(start for start in found if heard[start] != _TAKEN)


def _likeliest(found: _Found, tight: str, heard: str, districts: frozenset[str]) -> list[Near]:
    """The divisions most alike, each once; those in the districts named go before others."""
    best: dict[str, tuple[float, Near]] = {}
    for stem, start, stop, like in found:
        close, end = _ending(tight, heard, stop, stem)
        likeness = like * close
        if like <= _SOUND and stem.tier is Tier.COMMITTEE and len(stem.sound) < 4:
            likeness *= _BRIEF_COMMITTEE
        if like < _SOUND and close < _ENDING_ODD:
            likeness *= _DOUBLY_OFF
        rank = likeness * (_OUTSIDE if districts and stem.district not in districts else 1.0)
        if likeness > LEAST and (stem.code not in best or rank > best[stem.code][0]):
            best[stem.code] = rank, Near(start, end, stem.code, stem.tier, likeness)
    top = max((rank for rank, _ in best.values()), default=0.0)
    return [one for rank, one in best.values() if rank > top - 0.04]


def _stems(city: City) -> Iterable[_Stem]:
    above = {division.code: division for division in city.divisions}
    for division in city.divisions:
        if division.tier not in (Tier.STREET, Tier.COMMITTEE):
            continue
        names = (division.name, *division.aliases) if division.tier is Tier.STREET else (division.name,)
        seen = set()
        for name in map(plain, names):
            if name.isascii():
                continue
            ending = next((one for one in _ENDINGS if name.endswith(one) and len(name) > len(one)), "")
            stem = name.removesuffix(ending)
            if stem not in seen and (division.tier is Tier.STREET or len(stem) > 1):
                seen.add(stem)
                yield _Stem(division.code, division.tier, _district(division, above), stem, sounded(stem), ending)


def _whole(one: _Stem) -> _Stem:
    """The name with its ending, as a stem."""
    return _Stem(one.code, one.tier, one.district, one.stem + one.ending, one.sound + sounded(one.ending), "")


def _district(division: Division, above: Mapping[str, Division]) -> str:
    for _ in Tier:
        if division.tier is Tier.DISTRICT or division.parent not in above:
            break
        division = above[division.parent]
    return division.code


def _ending(tight: str, heard: str, at: int, stem: _Stem) -> tuple[float, int]:
    """How well the ending of a name stands behind its stem, and where it stops."""
    ending = stem.ending
    if not ending:
        return _ENDING_SAID, at
    if heard.startswith(sounded(ending), at):
        return _ENDING_SAID, at + len(ending)
    if stem.tier is Tier.COMMITTEE:
        for other in _SAID:
            if heard.startswith(sounded(other), at):
                return _ENDING_SAID if (other[0] == "村") == (ending[0] == "村") else _ENDING_OTHER, at + len(other)
    after = tight[at : at + len(ending) + 1]
    if len(ending) > 1 and sum(sign in after for sign in ending) >= len(ending) - 1:
        return _ENDING_ODD, at + len(ending)
    if any(after.startswith(other) for other in ("街道", "镇", "乡", "居委", "村委")):
        return _ENDING_OTHER, at
    return _ENDING_NONE.get(len(stem.stem), _LONG_NO_ENDING if len(stem.stem) > 3 else 0.0), at


def _tight(text: str) -> tuple[str, list[int] | None]:
    """The text without blanks and marks between two characters, and where each sign of it stood (None: as it is)."""
    gaps = list(_APART.finditer(text))
    if not gaps:
        return text, None
    offsets: list[int] = []
    begin = 0
    for gap in gaps:
        offsets.extend(range(begin, gap.start()))
        begin = gap.end()
    offsets.extend(range(begin, len(text)))
    return "".join(text[at] for at in offsets), [*offsets, len(text)]


def _a_start(endings: Iterable[str]) -> re.Pattern[str]:
    """Matches where a name may begin with an ending, one of `endings`, or what has become of one soon behind it."""
    soon = "|".join(["街(?!面|边)", "道(?!路|板)", "镇", "乡", *sorted(map(re.escape, endings))])
    return re.compile(rf"(?:^|(?<=[{_BEFORE}]))[\u4e00-\u9fff](?=[^\n]{{1,{FAR}}}?(?:{soon}))")


def _as_written(one: Near, offsets: list[int] | None) -> Near:
    if offsets is None:
        return one
    return Near(offsets[one.start], offsets[one.end - 1] + 1, one.code, one.tier, one.likeness)
