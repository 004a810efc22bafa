"""The part of an address that tells two spots apart: road and number with building, room or storey; two roads that
cross; a compound and its building; a landmark."""

import re
from itertools import islice, pairwise

from services.router.rules.text import readable

ROADS = 64  # looked at in one text
OTHER_NUMBER = 0.15  # two buildings of one compound are two spots, though a person may want to look
LANDMARK = 0.7  # a park or a mall is larger than a doorstep
_NUMBER = r"(\d{1,5}|[零〇一二三四五六七八九十百千两]{1,7})"
_ROAD = re.compile(rf"(路(?!街道)|街(?!道)|大道|公路)(?:{_NUMBER}(弄|号|巷|支弄))?(?:{_NUMBER}(号|幢|栋))?")
_AT_ONCE = re.compile(rf"{_NUMBER}(?:弄|号|巷|支弄|-)")
_STREET_EN = re.compile(r"\b(\d{1,5}) ([a-z]+(?: [a-z]+)?) (st|street|ave|avenue|rd|road|blvd|sq|pl|way|dr|ln)\b")
_TURNS = frozenset("东西南北中一二三四五六七八九十新支环")  # signs that make a new road of the two before them
_NO_ROAD = frozenset("马道铁网线迷走修过半让堵问公条段沿支岔")  # 马路, 道路, 铁路 … are no names
_LINKS = frozenset(" 与和近、/及跟到至")
_EDGES = frozenset("道镇乡区县市路弄号")  # end what stood before: they are in no road's name
_BEFORE = frozenset("与和及近在到从至沿")  # begin none where enough follows
_ROOM = re.compile(r"(?<!\d)(\d{3,5})室")
_STOREY = re.compile(rf"{_NUMBER}(?:楼|层)(?!道)")
_HAN = "[\u4e00-\u9fff]"
_COMPOUND = re.compile(
    rf"({_HAN}{{2}}[一二三四五六七八九十]{{0,2}}(?:小区|新村|公寓|花园|家园|大厦|广场|村|苑|里|坊|城)){_NUMBER}(号|幢|栋|弄)"
)
_LANDMARK = re.compile(rf"({_HAN}{{2}}(?:公园|广场|医院|菜场|菜市场|商场|大厦|商厦|体育馆|体育场|寺|地铁站|火车站))")
_EXIT = re.compile(rf"{_NUMBER}号(?:出|进)?口")
_NO_NAMES = "附近|旁边|门口|对面|边上|前面|后面|小区|街道|一个|这个|那个|我们|位于|某个|路口|楼下|里面"
_NO_NAME = frozenset(_NO_NAMES.split("|"))
# What says where and not what: taken out before two texts are compared by their words.
_WHERE = re.compile(
    rf"{_HAN}{{2}}(?<!小)(?<!社)(?<!片)区|{_HAN}{{2,4}}(?:街道|镇)|{_HAN}{{0,4}}(?:路|街|大道|公路)(?:交叉口|路?口)?"
    r"|[\d零〇一二三四五六七八九十百千两]+(?:弄|号楼|号|幢|栋|楼|室|层|巷)|门口|门前|门外|旁边?|附近|边上|前面|对面"
    r"|\b\d{1,5} [a-z]+(?: [a-z]+)? (?:st|street|ave|avenue|rd|road|blvd|sq|pl|way|dr|ln)\b"
)
_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}


def address_key(plain_text: str) -> str:
    """`X路|Y弄|Z号|N室` of the first road with a number, else `A路×B路` of the first crossing, else `X小区|Z号` of the
    first compound with a number, else `@X公园|N口` of the first landmark, else "".

    A road counts by its last two characters and what turns them (东余杭路 is 余杭路), so that words before it make no
    difference; number words are digits; a storey stands where no room does.
    """
    bare: list[tuple[int, int, str]] = []
    for found in islice(_ROAD.finditer(plain_text), ROADS):
        begin, name = _name(plain_text, found.start(), found[1])
        if not name:
            continue
        if found[2] or found[4]:
            return _joined(name, _part(found[2], found[3]), _part(found[4], found[5]), _inside(plain_text))
        bare.append((begin, found.end(), name))
    for (_, end, name), (begin, _, other) in pairwise(bare):
        if name != other and end <= begin <= end + 2 and _meet(plain_text[end:begin]):
            return "×".join(sorted((name, other)))
    compound = _COMPOUND.search(plain_text)
    if compound:
        return _joined(compound[1], _part(compound[2], "号"), _inside(plain_text))
    english = _STREET_EN.search(plain_text)
    return f"{english[2]} {english[3]}|{english[1]}" if english else _landmark(plain_text)


def _meet(between: str) -> bool:
    """Whether two roads cross that have no more than this between them: a link, or the beginning of a longer name."""
    return all(sign in _LINKS or "\u4e00" <= sign <= "\u9fff" for sign in between)


def without_place(plain_text: str) -> str:
    """A text without the words that say where: what is left says what happened."""
    return _WHERE.sub("", plain_text)


def coarse(key: str) -> str:
    """The road and first number of an address key: what a search starts from."""
    return "|".join(key.split("|")[:2])


def same_spot(a: str, b: str) -> float:
    """Whether two address keys mean one spot: 1 equal (LANDMARK for one without a number), 0.9 when one only says less,
    OTHER_NUMBER for two buildings, rooms or storeys at one number or compound, 0 otherwise or when either is empty."""
    if not a or not b:
        return 0.0
    if a == b:
        return LANDMARK if a[0] == "@" and "|" not in a else 1.0
    if coarse(a) != coarse(b):
        return 0.0
    one, other = _marks(a), _marks(b)
    apart = any(one[mark] != other[mark] for mark in one.keys() & other.keys())
    return OTHER_NUMBER if apart else 0.9


def _marks(key: str) -> dict[str, str]:
    """The numbers of a key by what they number."""
    return {part[-1]: part[:-1] for part in key.split("|")[1:]}


def _joined(*parts: str) -> str:
    return "|".join(part for part in parts if part)


def _inside(text: str) -> str:
    """The room, else the storey."""
    room = _ROOM.search(text)
    if room:
        return f"{int(room[1])}室"
    storey = _STOREY.search(text)
    return _part(storey[1], "层") if storey else ""


def _landmark(text: str) -> str:
    for found in islice(_LANDMARK.finditer(text), ROADS):
        if found[1][:2] not in _NO_NAME:
            way_out = _EXIT.search(text, found.end())
            return _joined(f"@{found[1]}", _part(way_out[1], "口") if way_out else "")
    return ""


def _names(sign: str, edges: frozenset[str]) -> bool:
    return "\u4e00" <= sign <= "\u9fff" and sign not in edges


def _name(text: str, at: int, suffix: str) -> tuple[int, str]:
    begin = at
    while begin > 0 and text[begin - 1] in _TURNS and at - begin < 2:
        begin -= 1
    stem = text[max(0, begin - 2) : begin]
    if len(stem) == 2 and not _names(stem[1], _EDGES):
        stem = ""
    elif stem and not _names(stem[0], _EDGES) or (stem[:1] in _BEFORE and len(stem) + at - begin > 2):
        stem = stem[1:]  # 和 may begin a name of its own: 和顺路
    if len(stem) + at - begin < 2:
        return begin, ""
    if text[at - 1] in _NO_ROAD and suffix != "公路":
        return begin, ""
    return begin - len(stem), stem + text[begin:at] + suffix


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
