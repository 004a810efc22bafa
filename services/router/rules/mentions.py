"""Which divisions a text names, told apart from roads, bridges and stations that carry the same name."""

from msgspec import Struct

from schemas.facts import ReportReceived
from schemas.vocabulary import Tier
from services.router.rules.atlas import RANKS, Atlas
from services.router.rules.lexicon import ALIAS, SHORT, Hit, Name
from services.router.rules.text import both, bytewise

AGREED = 0.8  # a short name beside the district that it lies in
DISTRICT_SURE, STATED_SURE = 0.9, 0.75
WRONG_DISTRICT = 0.65  # what remains of a street's weight when the district beside it is another
_OTHER_THINGS = (  # what follows a short name that is then not the division itself
    "路|街|弄|站|桥|江|河|港|浜|寺|大道|大桥|大厦|公路|机场|公园|医院|中学|小学|大学|广场|隧道|火车站|东路|西路|南路|北路|中路|新村|"
    "一村|二村|三村|体育场|足球场|高架|立交|地铁站|支路|饭店|宾馆|花园"
)
_OTHER = tuple(bytewise(word) for word in _OTHER_THINGS.split("|"))
_STREET_WORD = bytewise("街道")
_NOT_HERE = tuple(map(bytewise, ("不是", "不在", "不属于", "并非", "而非")))


class Named(Struct, frozen=True):
    """What the names come to. `best` is the deepest division with its sureness `sure`; `district` is the one named or
    stated; `ranked` are the streets with scores; `clash` says what contradicts what."""

    best: str = ""
    sure: float = 0.0
    district: str = ""
    district_sure: float = 0.0
    ranked: tuple[tuple[str, float], ...] = ()
    because: str = ""
    clash: str = ""


class Mention(Struct, frozen=True):
    """One name in the text, with what it may mean, ready to be weighed."""

    start: int
    text: str
    names: tuple[Name, ...]


def named(report: ReportReceived, plain_text: str, atlas: Atlas) -> Named:
    """What the names in a plain text say, checked against the caller's stated district."""
    hits = atlas.read(plain_text)
    mentions = _mentions(hits.names, hits.body) if hits.names else []
    stated = atlas.named(report.district) if report.district else ()
    if not mentions and not stated:
        return Named()
    districts = _districts(mentions, stated, atlas)
    local = [one for one in mentions if one.names[0].tier is not Tier.DISTRICT]
    stated_local = [name for name in stated if RANKS[name.tier] >= RANKS[Tier.STREET]]
    if stated_local:
        local.append(Mention(len(hits.body), report.district, tuple(stated_local)))
    if not local:
        return _district_only(districts, atlas)
    return _weigh(local, districts, hits.body.find("\n"), atlas)


def _mentions(found: list[Hit], body: str) -> list[Mention]:
    """The longest names only, without those that are part of another thing's name or denied."""
    kept: list[Hit] = []
    for hit in found:
        while kept and hit[0] <= kept[-1][0]:
            kept.pop()
        if not kept or hit[0] >= kept[-1][1]:
            kept.append(hit)
        elif hit[1] - hit[0] > kept[-1][1] - kept[-1][0]:
            kept[-1] = hit
    mentions = []
    for start, end, word in kept:
        names = word.names
        bare = names[0].weight < ALIAS or (names[0].tier is Tier.DISTRICT and not word.text.endswith(("区", "县")))
        if bare and body.startswith(_OTHER, end) and not body.startswith(_STREET_WORD, end):
            continue
        if body.endswith(_NOT_HERE, 0, start):
            continue
        mentions.append(Mention(start, word.text, names))
    return mentions


def _districts(mentions: list[Mention], stated: tuple[Name, ...], atlas: Atlas) -> list[tuple[str, float]]:
    """The districts named, those of the text first."""
    found: dict[str, float] = {}
    for mention in mentions:
        if mention.names[0].tier is Tier.DISTRICT:
            found.setdefault(mention.names[0].code, DISTRICT_SURE)
    for name in stated:
        if code := atlas.district_of(name.code):
            found.setdefault(code, STATED_SURE)
    return list(found.items())


def _district_only(districts: list[tuple[str, float]], atlas: Atlas) -> Named:
    if not districts:
        return Named()
    code, sure = districts[0]
    name = atlas.divisions[code].name
    if len(districts) == 1:
        return Named(district=code, district_sure=sure, because="")
    other = atlas.divisions[districts[1][0]].name
    clash = f"提到{name}和{other}"
    return Named(
        district=code,
        district_sure=sure * 0.5,
        because=f"{clash} | two districts",
        clash=clash,
        ranked=tuple(districts),
    )


def _weigh(local: list[Mention], districts: list[tuple[str, float]], head: int, atlas: Atlas) -> Named:
    allowed = {code for code, _ in districts}
    streets = {one.names[0].code for one in local if len(one.names) == 1 and _is_street(one.names[0])}
    in_address = any(mention.start < head for mention in local)
    support: dict[str, float] = {}
    deepest: dict[str, tuple[str, str]] = {}
    agreed: set[str] = set()
    for mention in local:
        weaker = 0.5 if in_address and mention.start > head else 1.0
        for name, weight, agrees in _votes(mention, allowed, streets, atlas):
            street = atlas.street_of(name.code) or name.code
            support[street] = 1.0 - (1.0 - support.get(street, 0.0)) * (1.0 - weight * weaker)
            if agrees:
                agreed.add(street)
            known = deepest.get(street)
            if known is None or RANKS[name.tier] > atlas.rank_of(known[0]):
                deepest[street] = (name.code, mention.text)
    ranked = sorted(support.items(), key=lambda one: (-one[1], one[0]))
    street, top = ranked[0]
    sure = min(0.99, top)
    if len(ranked) > 1:
        sure *= 1.0 - 0.55 * ranked[1][1] / top
    best, text = deepest[street]
    clash = _clash(street, text, districts, atlas) if street not in agreed else ""
    district, district_sure = districts[0] if districts else _common(ranked, atlas)
    because = f"文中“{text}” → {atlas.divisions[best].name} | named in the text"
    because = both(because, f"{clash} | clash") if clash else because
    return Named(best, sure, district, district_sure, tuple(ranked), because, clash)


def _is_street(name: Name) -> bool:
    return name.tier is Tier.STREET and name.weight >= ALIAS


def _clash(street: str, text: str, districts: list[tuple[str, float]], atlas: Atlas) -> str:
    said = "、".join(atlas.divisions[code].name for code, _ in districts)
    district = atlas.district_of(street)
    return f"称在{said}，但{text}在{atlas.divisions[district].name if district else '别处'}"


def _votes(mention: Mention, allowed: set[str], streets: set[str], atlas: Atlas) -> list[tuple[Name, float, bool]]:
    """What one name speaks for: its meanings in a street named beside it, else in a district named beside it, else
    all of them, each with so much less weight. The last says whether it agrees with the districts named."""
    local = [name for name in mention.names if name.tier is not Tier.DISTRICT]
    beside = [name for name in local if name.code not in streets and atlas.street_of(name.code) in streets]
    inside = [name for name in beside or local if atlas.district_of(name.code) in allowed]
    chosen = inside or beside or local
    votes = []
    for name in chosen:
        weight = name.weight
        if inside or beside:
            weight = max(weight, AGREED) if weight >= SHORT else weight + 0.1
        if allowed and not inside:
            weight *= WRONG_DISTRICT
        votes.append((name, weight / len(chosen), bool(inside) or not allowed))
    return votes


def _common(ranked: list[tuple[str, float]], atlas: Atlas) -> tuple[str, float]:
    """The one district of all the streets that were considered, if it is one."""
    found = {atlas.district_of(street) for street, _ in ranked}
    if len(found) == 1 and (code := found.pop()):
        return code, min(DISTRICT_SURE, ranked[0][1] + 0.1)
    return "", 0.0
