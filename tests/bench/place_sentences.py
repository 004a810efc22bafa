"""Sentences in which a place is named, with the street-town that is meant: what the locator is measured on.

Made of the official names in the pack's `divisions.csv` (codes, names, parents) and of frames, roads and kinds of noise
written here from how agents write; nothing of the locator is read or asked. Roads are those after which committees of
the same street-town are named: no other list of what runs where is official.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random

from msgspec import Struct

from schemas.city import City, Division
from schemas.vocabulary import Tier
from tests.bench.place_noise import NOISES, Named, as_typed

_ROAD = re.compile(
    r"^[一-鿿]{2,4}?(?:路|街|公路)(?=[一二三四五六七八九十百〇零]*弄?(?:第[一二三四五六七八九十]+)?居委会)"
)
COMMITTEES = 1000
_OF_SENTENCES = ("reordered", "denied", "another place", "typed")
_PEOPLED = ("residents_committee", "villagers_committee")
_PROBLEMS = (
    "垃圾成堆三天无人清理",
    "路灯不亮已经一周",
    "夜间施工噪声扰民",
    "楼道里堆满纸板箱",
    "电梯停运老人下不了楼",
    "饭店油烟直排到窗口",
    "井盖翘起车子一过就响",
    "共享单车堵住盲道",
    "顶楼私自搭建阳光房",
    "污水外溢到人行道上",
    "有人占道摆摊",
    "树枝断裂压在电线上",
    "下水道堵了粪水倒灌",
    "广场舞音响太大",
    "不是噪音问题，是楼上漏水",
)
_OPENINGS = ("市民来电反映：", "市民反映，", "来电人称：", "居民反映，", "来电反映:", "12345转：", "")
_WHEN = ("", "昨晚", "今晨", "今早7点起", "近半个月", "昨晚23时至今晨5时")
_ENDS = (
    "，希望相关部门核查处理并电话告知处理结果。",
    "，已多次反映未果，要求核实处理。",
    "。请尽快处理。",
    "，联系电话138****5678。",
    "，来电人张**，要求回复。",
    "。另反映小区车棚漏雨。",
    "；此外，路边停满了车。",
)
_SIDES = ("", "", "门口", "东侧", "西侧", "北侧", "对面", "附近", "旁边工地")
_WHOLE = (
    "{open}{where}{spot}{when}{problem}{end}",
    "{open}{when}{problem}，地点在{where}{spot}{end}",
    "{where}{spot}，{when}{problem}{end}",
    "{open}{problem}（地址：{where}{spot}）{end}",
    "{open}{when}，{where}辖区内{spot}{problem}{end}",
    "{open}我住{where}，{when}{spot}{problem}{end}",
)


class Sentence(Struct, frozen=True):
    """One report: what is said in which field, the street-town meant, and how it was said (`clean` or the noises)."""

    text: str
    street: str
    kind: str
    noise: tuple[str, ...] = ()
    address: str = ""
    district: str = ""


def sentences(city: City, seed: int = 5, *, noisy: bool, per_street: int = 12) -> Iterator[Sentence]:
    """`per_street` sentences for every street-town, then two for each of a thousand committees; with `noisy` each has
    one or two kinds of noise in it."""
    rand = Random(f"{seed}/{noisy}")
    streets = [one for one in city.divisions if one.tier is Tier.STREET]
    above = {one.code: one for one in city.divisions}
    below: dict[str, list[Division]] = defaultdict(list)
    for one in city.divisions:
        if one.tier is Tier.COMMITTEE and one.kind in _PEOPLED:
            below[one.parent].append(one)
    asked: list[tuple[Division, Division | None]] = [(street, None) for street in streets for _ in range(per_street)]
    peopled = [one for street in streets for one in below[street.code]]
    asked += [(above[one.parent], one) for one in rand.sample(peopled, COMMITTEES) for _ in range(2)]
    for street, committee in asked:
        other = rand.choice(streets)
        elsewhere = above[other.parent].name + other.name
        roads = _roads(below[street.code])
        yield _sentence(rand, above[street.parent], street, committee, roads, noisy=noisy, elsewhere=elsewhere)


def _roads(committees: Sequence[Division]) -> tuple[str, ...]:
    return tuple({found[0]: None for one in committees if (found := _ROAD.match(one.name))})


def _sentence(
    rand: Random,
    district: Division,
    street: Division,
    committee: Division | None,
    roads: tuple[str, ...],
    *,
    noisy: bool,
    elsewhere: str = "",
) -> Sentence:
    """One sentence; `elsewhere` is the full name of another street-town."""
    named = Named(district.name, street.name, committee.name if committee else "")
    noises: list[str] = []
    if noisy:
        for noise in rand.sample((*NOISES, *_OF_SENTENCES), rand.choice((1, 1, 2))):
            changed = named if noise in _OF_SENTENCES else NOISES[noise](named, rand)
            if changed is not None:
                named, noises = changed, [*noises, noise]
    kind, where = _where(rand, named, committee is not None)
    if "reordered" in noises:
        where = f"{named.committee or named.street}，{named.street}，{named.district}"
    if "denied" in noises:
        where = f"不是{elsewhere}，是{where}"
    filled = {
        "open": rand.choice(_OPENINGS),
        "where": where,
        "spot": _spot(rand, roads),
        "when": rand.choice(_WHEN),
        "problem": rand.choice(_PROBLEMS),
        "end": f"。另反映{elsewhere}路灯不亮。" if "another place" in noises else rand.choice(_ENDS),
    }
    address = ""
    if rand.random() < 0.12:
        address = where + filled["spot"]
        text = f"{filled['open']}上述地址{filled['problem']}{filled['end']}"
        kind += ", above"
    else:
        text = rand.choice(_WHOLE).format(**filled)
    said = named.district if rand.random() < 0.3 else ""
    typed = as_typed(rand) if "typed" in noises else str
    return Sentence(typed(text), street.code, kind, tuple(noises), typed(address), said)


def _where(rand: Random, named: Named, has_committee: bool) -> tuple[str, str]:
    """How the place is told: which of the three names stand in it, in which order."""
    district, street, committee = named.district, named.street, named.committee
    if has_committee:
        kind = rand.choice(("district street committee", "street committee", "district committee"))
    else:
        kind = rand.choice(("city district street", "district street", "district street", "street", "street, district"))
    parts = {
        "city district street": f"上海市{district}{street}",
        "district street": district + street,
        "street": street,
        "street, district": f"{street}（{district}）",
        "district street committee": district + street + committee,
        "street committee": street + committee,
        "district committee": district + committee,
    }
    return kind, parts[kind]


def _spot(rand: Random, roads: tuple[str, ...]) -> str:
    """A spot that tells nothing of where it is, or a road with a number."""
    building, room = rand.randint(1, 90), f"{rand.randint(1, 18)}0{rand.randint(1, 4)}"
    spots = [
        f"小区{building}号{room}室",
        f"菜场{rand.choice(('门口', '二楼'))}",
        "小学门口",
        "地铁站2号口",
        "公交站",
        "沿街商铺",
        f"{building}号楼",
        "文化活动中心",
        "河边步道",
        "工地",
        "",
    ]
    if roads:
        road, number = rand.choice(roads), rand.randint(1, 900)
        spots += [
            f"{road}{number}弄{building}号{room}室",
            f"{road}{number}号",
            f"{road}{number}弄",
            f"{road}路口",
            road,
        ] * 2
    return rand.choice(spots) + rand.choice(_SIDES)
