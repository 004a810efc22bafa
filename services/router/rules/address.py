"""The part of an address that tells two spots of one street apart: road and number, or two roads that cross."""

import re
from itertools import islice, pairwise

from services.router.rules.text import readable

ROADS = 64  # looked at in one text
OTHER_NUMBER = 0.15  # two buildings of one compound are two spots, though a person may want to look
_NUMBER = r"(\d{1,5}|[零〇一二三四五六七八九十百千两]{1,7})"
_ROAD = re.compile(rf"(路|街(?!道)|大道|公路)(?:{_NUMBER}(弄|号|巷|支弄))?(?:{_NUMBER}(号|幢|栋))?")
_AT_ONCE = re.compile(rf"{_NUMBER}(?:弄|号|巷|支弄|-)")
_STREET_EN = re.compile(r"\b(\d{1,5}) ([a-z]+(?: [a-z]+)?) (st|street|ave|avenue|rd|road|blvd|sq|pl|way|dr|ln)\b")
_TURNS = frozenset("东西南北中一二三四五六七八九十新支环")  # signs that make a new road of the two before them
_NO_ROAD = frozenset("马道铁网线迷走修过半让堵问公条段沿支岔")  # 马路, 道路, 铁路 … are no names
_LINKS = frozenset(" 与和近、/及跟到至")
_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}


def address_key(plain_text: str) -> str:
    """`X路|Y弄|Z号` of the first road with a number, else `A路×B路` of the first crossing, else "".

    A road counts by its last two characters and what turns them (东余杭路 is 余杭路), so that words before it make no
    difference; number words are digits.
    """
    bare: list[tuple[int, int, str]] = []
    for found in islice(_ROAD.finditer(plain_text), ROADS):
        begin, name = _name(plain_text, found.start(), found[1])
        if not name:
            continue
        if found[2] or found[4]:
            return "|".join(part for part in (name, _part(found[2], found[3]), _part(found[4], found[5])) if part)
        bare.append((begin, found.end(), name))
    for (_, end, name), (begin, _, other) in pairwise(bare):
        if name != other and end <= begin and (begin == end or (begin == end + 1 and plain_text[end] in _LINKS)):
            return "×".join(sorted((name, other)))
    english = _STREET_EN.search(plain_text)
    return f"{english[2]} {english[3]}|{english[1]}" if english else ""


def coarse(key: str) -> str:
    """The road and first number of an address key: what a search starts from."""
    return "|".join(key.split("|")[:2])


def same_spot(a: str, b: str) -> float:
    """Whether two address keys mean one spot: 1 equal, 0.9 when one only says less, OTHER_NUMBER for two numbers within
    one lane or compound, 0 otherwise or when either is empty."""
    if not a or not b:
        return 0.0
    if a == b:
        return 1.0
    if coarse(a) != coarse(b):
        return 0.0
    return OTHER_NUMBER if a.count("|") == b.count("|") else 0.9


def _name(text: str, at: int, suffix: str) -> tuple[int, str]:
    begin = at
    while begin > 0 and text[begin - 1] in _TURNS and at - begin < 2:
        begin -= 1
    stem = text[max(0, begin - 2) : begin]
    if len(stem) < 2 or not all("\u4e00" <= sign <= "\u9fff" for sign in stem):
        return begin, ""
    if text[at - 1] in _NO_ROAD and suffix != "公路":
        return begin, ""
    return begin - 2, text[begin - 2 : at] + suffix


def _part(number: str | None, mark: str | None) -> str:
    return f"{value_of(number)}{mark}" if number and mark else ""


def value_of(number: str) -> int:
    """The value of digits or of a Chinese number word; 四九九 reads as 499."""
    if number.isdigit() and number.isascii():
        return int(number)
    if not any(sign in _UNITS for sign in number):
        return int("".join(str(_DIGITS[sign]) for sign in number))
    total, digit = 0, 0
    for sign in number:
        if sign in _UNITS:
            total += (digit or 1) * _UNITS[sign]
            digit = 0
        else:
            digit = _DIGITS[sign]
    return total + digit


def house_number(body: str, at: int) -> int | None:
    """The house or lane number that stands at a place of a bytewise plain text (`100弄`, `一百二十号`); None where none
    does."""
    found = _AT_ONCE.match(readable(body[at : at + 30]))
    return value_of(found[1]) if found else None
