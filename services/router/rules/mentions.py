"""Which divisions, roads and compounds stand in a text, told apart from other things that carry the same name."""

from collections.abc import Iterable

from msgspec import Struct, structs

from schemas.vocabulary import Tier
from services.router.rules.gazetteer import Known
from services.router.rules.lexicon import ALIAS, SHORT, Hit, Hits, Name
from services.router.rules.nearly import BEGINS_AFTER, Near, Nearly
from services.router.rules.text import bytewise, readable

_OTHER_THINGS = (  # what follows a short name that is then not the division itself
    "路|街|弄|站|桥|江|河|港|浜|寺|大道|大桥|大厦|公路|机场|公园|医院|中学|小学|大学|广场|隧道|火车站|东路|西路|南路|北路|中路|新村|"
    "一村|二村|三村|体育场|足球场|高架|立交|地铁站|支路|饭店|宾馆|花园"
)
_OTHER = tuple(bytewise(word) for word in _OTHER_THINGS.split("|"))
_ROAD_ON = tuple(map(bytewise, ("东路", "西路", "南路", "北路", "中路", "公路", "支路")))  # 堡镇南路 is not in 堡镇
_STREET_WORD = bytewise("街道")
_ENDINGS_BEGIN = tuple(map(bytewise, ("街", "接", "道", "镇", " ", "、", "-", "·")))
_NOT_HERE = tuple(map(bytewise, ("不是", "不在", "不属于", "并非", "而非")))
_AREA = tuple(map(bytewise, ("辖区", "境内", "地区", "街面", "政府", "办事处")))
LONG_ENOUGH = 6  # a longer name is not the end of another
_ORDINAL = bytewise("第")
_BESIDE = tuple(map(bytewise, ("附近", "对面", "斜对面", "旁", "周边", "以东", "以西", "以南", "以北", "交界")))
SOUND = 0.9  # a name that stands there by its sound
_NEAR_WEIGHT = 0.9  # of what a name that only almost stands there says


class Mention(Struct, frozen=True, gc=False):
    """One name in a text, from where to where (bytes of the plain text), and what it may mean: divisions, or a road or
    compound. `like` is how much of it stands there, 1 as written; `beside`: the place is next to it; `cut`: it may be
    the end of a longer name; `area`: it is said to be an area (大团辖区内)."""

    start: int
    end: int
    text: str
    names: tuple[Name, ...]
    tier: Tier | None  # of the division that it most likely is; None for a road or compound
    known: Known | None = None
    like: float = 1.0
    beside: bool = False
    cut: bool = False
    area: bool = False

    @property
    def clear(self) -> bool:
        """Whether it is the full name of a division, as written, from its first sign on."""
        return self.like == 1.0 and not self.cut and bool(self.names) and self.names[0].weight >= ALIAS


def mentions_of(hits: Hits) -> tuple[list[Mention], list[tuple[int, int]]]:
    """The longest names only, in order, without those that are part of another thing's name; and from where to where
    others stand that are denied."""
    kept: list[Hit] = []
    for hit in hits.names:
        while kept and hit[0] <= kept[-1][0]:
            kept.pop()
        if not kept or hit[0] >= kept[-1][1]:
            kept.append(hit)
        elif hit[1] - hit[0] > kept[-1][1] - kept[-1][0]:
            kept[-1] = hit
    found: list[Mention] = []
    denied: list[tuple[int, int]] = []
    for start, end, word in kept:
        if (denied and start == denied[-1][1]) or hits.body.endswith(_NOT_HERE, 0, start):
            denied.append((start, end))  # 不是嘉定区马陆镇 denies both
            continue
        one = _mention(start, end, word.text, word.names, word.known, hits.body)
        if one is None:
            continue
        if one.names and one.tier is not Tier.DISTRICT and _goes_back(word.text, hits.body, start, found):
            one = structs.replace(one, cut=True)
        found.append(one)
    return found, denied


def _goes_back(text: str, body: str, start: int, before: list[Mention]) -> bool:
    """Whether something stands before a name that may be its own beginning: a character that no name begins after."""
    if len(text) > LONG_ENOUGH:
        return False
    behind_a_division = before and before[-1].end == start and before[-1].tier in (Tier.STREET, Tier.SUB_AREA)
    if body.startswith(_ORDINAL, start):
        return not behind_a_division
    if before and before[-1].end == start:
        return False
    if start < 3:
        return False
    sign = readable(body[start - 3 : start])[-1:]
    return sign > "\u4dff" and sign not in BEGINS_AFTER


def _mention(
    start: int, end: int, text: str, names: tuple[Name, ...], known: Known | None, body: str
) -> Mention | None:
    if names:
        bare = names[0].weight < ALIAS or (names[0].tier is Tier.DISTRICT and not text.endswith(("区", "县")))
        if bare and body.startswith(_OTHER, end) and not body.startswith(_STREET_WORD, end):
            names = ()
        elif body.startswith(_ROAD_ON, end) or (known is not None and names[0].weight < SHORT):
            names = ()  # a road, whatever division is called after it
    if not names and known is None:
        return None
    tier = names[0].tier if names else None
    beside, area = body.startswith(_BESIDE, end), body.startswith(_AREA, end)
    return Mention(start, end, text, names, tier, known, 1.0, beside, False, area)


def with_nearly(
    found: list[Mention],
    denied: list[tuple[int, int]],
    plain_text: str,
    body: str,
    nearly: Nearly,
    districts: frozenset[str],
) -> list[Mention]:
    """The mentions of a text together with names that almost stand there (sooner in the `districts` named): those that
    a full name or a denied one does not cover, in place of what they cover in part."""
    stand = denied + [(one.start, one.end) for one in found if _stands(one, body)]
    taken = [(len(readable(body[:start])), len(readable(body[:end]))) for start, end in stand]
    near = _grouped(nearly.find(plain_text, taken, districts), plain_text, body)
    near = [one for one in near if not any(_overlap(one, other) and _beats(other, one) for other in found)]
    if not near:
        return found
    kept = [one for one in found if not any(_overlap(one, other) for other in near)]
    return sorted([*kept, *near], key=lambda one: one.start)


def _stands(one: Mention, body: str) -> bool:
    """Whether a mention is surely no part of a name that almost stands there: a whole district, or a road that is not
    followed by what an ending may have become (南京东路街处)."""
    if one.tier is Tier.DISTRICT:
        return one.text[-1] in "区县"
    return one.known is not None and not one.names and not body.startswith(_ENDINGS_BEGIN, one.end)


def _beats(written: Mention, near: Mention) -> bool:
    """Whether a name as written stands against one that almost does: a full name of a street-town or committee always,
    other names when they are as long."""
    if written.like == 1.0 and written.names and written.names[0].weight >= ALIAS and written.tier is not Tier.DISTRICT:
        return not written.cut or near.like < SOUND or near.start >= written.start
    return written.end - written.start >= near.end - near.start


def _overlap(one: Mention, other: Mention) -> bool:
    return one.start < other.end and other.start < one.end


def _grouped(near: Iterable[Near], plain_text: str, body: str) -> list[Mention]:
    """What may be meant by one stretch, as one mention; offsets in bytes."""
    groups: dict[int, list[Near]] = {}
    for one in near:
        groups.setdefault(one.start, []).append(one)
    found: list[Mention] = []
    for start, group in sorted(groups.items()):
        begin = len(plain_text[:start].encode())
        end = begin + len(plain_text[start : group[0].end].encode())
        if body.endswith(_NOT_HERE, 0, begin) or (found and begin < found[-1].end):
            continue
        like = max(one.likeness for one in group)
        names = tuple(Name(one.code, one.tier, _NEAR_WEIGHT * one.likeness) for one in group)
        beside = body.startswith(_BESIDE, end)
        words = readable(body[begin:end])
        cut = _goes_back(words, body, begin, [])
        found.append(Mention(begin, end, words, names, names[0].tier, None, min(like, 0.99), beside, cut))
    return found
