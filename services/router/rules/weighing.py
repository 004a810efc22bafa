"""What all the names of a report come to: one place with a sureness, or several with shares."""

from collections.abc import Sequence

from msgspec import Struct, structs

from schemas.facts import ReportReceived
from schemas.vocabulary import Tier
from services.router.rules.address import house_number
from services.router.rules.atlas import RANKS, Atlas
from services.router.rules.gazetteer import ENOUGH, spread, together, within
from services.router.rules.lexicon import ALIAS, SHORT, Name
from services.router.rules.mentions import Mention, mentions_of, with_nearly
from services.router.rules.text import both, bytewise, readable

AGREED = 0.8  # a short name beside the district that it lies in
DISTRICT_SURE, STATED_SURE = 0.9, 0.75
WRONG_DISTRICT = 0.65  # what remains of a street's weight when the district beside it is another
CLASH = 0.6  # what remains of a place that does not lie in the district that the caller stated
DOUBTED = 0.5  # what remains of a district when what stands beside it lies elsewhere
CUT = 0.5  # what remains of a committee's name that may be the end of another (第二居委会)
CERTAIN, UNCERTAIN = 0.9, 0.8  # what remains of a name that is a character off, with no district to bear it out
NAMED = 0.4  # where a name says so much, roads are not asked
SPOILS = 0.75  # so much of a road must lie elsewhere for it to contradict the district that was named
_BESIDE = 0.9
_MOST_BY_ROAD = 0.9
_GAP = 15  # bytes (five characters) at most between two roads that cross
_BREAKS = tuple(map(bytewise, ("，", "。", "；", ",", ";", ".", "\n")))
_ANOTHER = tuple(map(bytewise, ("另反映", "另外", "此外", "同时反映", "还反映", "另有", "第二个诉求", "诉求二")))
_SIGNS_OF_ANOTHER = tuple(map(bytewise, ("另", "此外", "时反映", "还反映", "诉求")))
_ABOVE = tuple(map(bytewise, ("上述地址", "该地址", "诉求地址", "上址")))


class Named(Struct, frozen=True):
    """What the names come to. `best` is the deepest division with its sureness `sure`; `district` is the one named or
    stated, `stated` the one that the caller stated beside the text; `ranked` are the streets with scores; `clash` says
    what contradicts what; `evidence` are the mentions that speak for the answer; `odd` says that the stated district is
    in no register."""

    best: str = ""
    sure: float = 0.0
    district: str = ""
    district_sure: float = 0.0
    ranked: tuple[tuple[str, float], ...] = ()
    because: str = ""
    clash: str = ""
    evidence: tuple[Mention, ...] = ()
    stated: str = ""
    odd: str = ""


class _Scale:
    """The weights put on street-towns by the mentions of one report."""

    def __init__(self, atlas: Atlas, districts: Sequence[tuple[str, float]], mentions: Sequence[Mention]) -> None:
        self.atlas = atlas
        self.allowed = {code for code, _ in districts}
        self.streets = {one.names[0].code for one in mentions if _names_a_street(one)}
        self.support: dict[str, float] = {}
        self.deepest: dict[str, tuple[str, str]] = {}
        self.agreed: set[str] = set()
        self.named: set[str] = set()  # not only by a road
        self.evidence: dict[str, list[Mention]] = {}

    def put(self, street: str, weight: float, mention: Mention) -> None:
        """Independent evidence adds up as chances of being wrong multiply."""
        self.support[street] = 1.0 - (1.0 - self.support.get(street, 0.0)) * (1.0 - weight)
        self.evidence.setdefault(street, []).append(mention)

    def names(self, mention: Mention, weaker: float) -> None:
        """Weigh a mention of divisions: its meanings in a street named beside it, else in a district named beside it,
        else all of them, each with so much less weight."""
        district_of, street_of = self.atlas.district_of, self.atlas.street_of
        if mention.cut and mention.tier is Tier.COMMITTEE:
            weaker *= CUT
        if mention.beside:
            weaker *= _BESIDE
        chosen: Sequence[Name] = mention.names
        streets, allowed = self.streets, self.allowed
        beside = [n for n in chosen if n.code not in streets and street_of(n.code) in streets] if streets else []
        inside = [n for n in beside or chosen if district_of(n.code) in allowed] if allowed else []
        chosen = inside or beside or chosen
        for name in chosen:
            weight = self._weight(name, mention, near=bool(inside or beside), agrees=bool(inside))
            street = street_of(name.code) or name.code
            self.put(street, weight * weaker / len(chosen), mention)
            if inside or not self.allowed:
                self.agreed.add(street)
            self.named.add(street)
            known = self.deepest.get(street)
            if known is None or RANKS[name.tier] > self.atlas.rank_of(known[0]):
                self.deepest[street] = (name.code, mention.text)

    def _weight(self, name: Name, mention: Mention, *, near: bool, agrees: bool) -> float:
        """What one meaning of a mention weighs; `near`: in a street or district that is named too; `agrees`: in a
        district that is."""
        weight = name.weight
        if mention.area and weight >= SHORT:
            weight = max(weight, AGREED)
        if near and mention.like == 1.0:
            weight = max(weight, AGREED) if weight >= SHORT else weight + 0.1
        elif near:
            weight = min(ALIAS, weight + 0.1)
        elif mention.like < CERTAIN:
            weight *= UNCERTAIN
        if self.allowed and not agrees:
            own = len(mention.text) > (5 if name.tier is Tier.COMMITTEE else 2) and mention.like >= CERTAIN
            weight *= WRONG_DISTRICT if own else DOUBTED
        return weight


def _names_a_street(mention: Mention) -> bool:
    return mention.clear and len(mention.names) == 1 and mention.names[0].tier is Tier.STREET


def named(report: ReportReceived, plain_text: str, atlas: Atlas, *, closely: bool = True) -> Named:
    """What the names in a plain text say, checked against the caller's stated district. What stands behind 另反映 and
    its like is another matter's: it counts, by half, only where the first has no place. `closely`: names that almost
    stand there are looked for too, where no full name does."""
    hits = atlas.read(plain_text)
    mentions, denied = mentions_of(hits) if hits.names else ([], [])
    stated = _stated(report, atlas)
    another = _where_another_begins(hits.body)
    later: list[Mention] = []
    if another >= 0:
        plain_text = readable(hits.body[:another])
        later = [one for one in mentions if one.start >= another]
        mentions = [one for one in mentions if one.start < another]
    if closely and not any(one.clear and one.tier is not Tier.DISTRICT for one in mentions):
        districts = frozenset(code for code, _ in _districts(mentions, stated, atlas))
        mentions = with_nearly(mentions, denied, plain_text, hits.body, atlas.nearly, districts)
    if mentions or not later:
        found = _weigh(mentions, stated, report.district, hits.body, atlas)
    else:
        found = _weigh(later, stated, report.district, hits.body, atlas)
        found = structs.replace(found, sure=found.sure * DOUBTED, district_sure=found.district_sure * DOUBTED)
    return _against_stated(found, stated, report, atlas) if report.district else found


def _stated(report: ReportReceived, atlas: Atlas) -> tuple[Name, ...]:
    """The divisions that the caller's word may mean, also with the city's name before it (上海市长宁区)."""
    word = report.district.strip()
    return atlas.named(word) or atlas.named(word.removeprefix(atlas.divisions[atlas.city.root].name)) if word else ()


def _against_stated(found: Named, stated: Sequence[Name], report: ReportReceived, atlas: Atlas) -> Named:
    """What the names come to, held against the district that the caller stated: a contradiction that nothing has said
    yet is said, and costs."""
    root = atlas.divisions[atlas.city.root]
    word = report.district.strip()
    if not stated and word and word != root.name:
        odd = f"来件所称区划“{word[:20]}”不在册，未采用 | the stated district is in no register, not used"
        return structs.replace(found, odd=odd)
    districts = {code: None for name in stated if (code := atlas.district_of(name.code))}
    if not districts:
        return found
    found = structs.replace(found, stated=next(iter(districts)) if len(districts) == 1 else "")
    lies = atlas.district_of(found.best) if found.best else ""
    if found.clash or not lies or lies in districts:
        return found
    clash = f"来件所称为{_said([(code, 0.0) for code in districts], atlas)}，但文中为{atlas.divisions[lies].name}"
    return structs.replace(
        found,
        sure=found.sure * CLASH,
        district_sure=found.district_sure * (1.0 if found.district in districts else CLASH),
        because=both(found.because, f"{clash} | clash"),
        clash=clash,
    )


def _where_another_begins(body: str) -> int:
    """Where a further demand begins; -1 where there is none. Most texts have none: that is told by a look."""
    if not any(sign in body for sign in _SIGNS_OF_ANOTHER):
        return -1
    return min((at for word in _ANOTHER if (at := body.find(word)) >= 0), default=-1)


def _districts(mentions: Sequence[Mention], stated: Sequence[Name], atlas: Atlas) -> list[tuple[str, float]]:
    """The districts named, those of the text first."""
    found: dict[str, float] = {}
    for mention in mentions:
        if mention.tier is Tier.DISTRICT:
            found.setdefault(mention.names[0].code, DISTRICT_SURE)
    for name in stated:
        if code := atlas.district_of(name.code):
            found.setdefault(code, STATED_SURE)
    return list(found.items())


def _weigh(mentions: Sequence[Mention], stated: Sequence[Name], word: str, body: str, atlas: Atlas) -> Named:
    districts = _districts(mentions, stated, atlas)
    local = [one for one in mentions if one.names and one.tier is not Tier.DISTRICT]
    stated_local = tuple(name for name in stated if RANKS[name.tier] >= RANKS[Tier.STREET])
    if stated_local:
        local.append(Mention(len(body), len(body), word, stated_local, stated_local[0].tier))
    head = body.find("\n")
    scale = _Scale(atlas, districts, local)
    in_address = any(mention.start < head for mention in local)
    for mention in local:
        scale.names(mention, 0.5 if in_address and mention.start > head else 1.0)
    spots = _one_place([one for one in mentions if one.known], head, body)
    spoiled = ""
    if spots and max(scale.support.values(), default=0.0) < NAMED:
        spoiled = _by_landmarks(scale, spots, body)
    if scale.support:
        return _concluded(scale, districts, spots, spoiled)
    return _district_only(districts, spoiled, body, mentions, atlas)


def _one_place(spots: list[Mention], head: int, body: str) -> list[Mention]:
    """The landmarks that name the place: the first, with the next when they stand together (two roads that cross);
    those of the address line if there are any."""
    if not spots:
        return []
    spots = [one for one in spots if one.start < head] or spots
    place = spots[:1]
    for one in spots[1:2]:
        between = body[place[0].end : one.start]
        if len(between) <= _GAP and one.known != place[0].known and not any(sign in between for sign in _BREAKS):
            place.append(one)
    return place


def _by_landmarks(scale: _Scale, spots: list[Mention], body: str) -> str:
    """Weigh roads and compounds; says what contradicts the district named, or ""."""
    atlas = scale.atlas
    number = house_number(body, spots[0].end) if len(spots) == 1 else None
    scores, rest = together([spread(one.known, number) for one in spots if one.known])
    if scale.allowed:
        inside = [code for code in scores if atlas.district_of(code) in scale.allowed]
        if not inside:
            known = sum(scores.values())
            name = "".join(one.text for one in spots)
            lies = "、".join(sorted({atlas.divisions[atlas.district_of(code) or code].name for code in scores}))
            return f"{name}在{lies}" if known >= SPOILS else ""
        scores = within(scores, rest, inside)
    for code, score in scores.items():
        street = atlas.street_of(code)
        if street:
            scale.put(street, score, spots[0])
            scale.agreed.add(street)
            scale.deepest.setdefault(street, (street, "".join(one.text for one in spots)))
    return ""


def _concluded(scale: _Scale, districts: Sequence[tuple[str, float]], spots: Sequence[Mention], spoiled: str) -> Named:
    atlas = scale.atlas
    ranked = sorted(scale.support.items(), key=lambda one: (-one[1], one[0]))
    street, top = ranked[0]
    sure = min(0.99, top)
    if len(ranked) > 1:
        sure *= 1.0 - 0.55 * ranked[1][1] / top
    by_road = street not in scale.named
    if by_road:
        sure = min(_MOST_BY_ROAD, top) if top >= ENOUGH else 0.0
    best, text = scale.deepest[street]
    clash = _clash(street, text, districts, atlas) if street not in scale.agreed else ""
    if spoiled and not clash:
        clash = f"称在{_said(districts, atlas)}，但{spoiled}"
    district, district_sure = districts[0] if districts else _common(ranked, atlas)
    if clash and districts:
        district_sure *= DOUBTED
    how = "named in the text" if not by_road else "known to lie there"
    because = f"文中“{text}” → {atlas.divisions[best].name} | {how}"
    because = both(because, f"{clash} | clash") if clash else because
    evidence = [one for one in scale.evidence[street] if one.end > one.start]
    evidence += [one for one in spots[1:] if by_road]
    return Named(best, sure, district, district_sure, tuple(ranked), because, clash, tuple(evidence))


def _district_only(
    districts: Sequence[tuple[str, float]], spoiled: str, body: str, mentions: Sequence[Mention], atlas: Atlas
) -> Named:
    if not districts:
        above = any(phrase in body for phrase in _ABOVE)
        return Named(because="文中所指的地址没有给出 | the address it points to is not given" if above else "")
    code, sure = districts[0]
    name = atlas.divisions[code].name
    evidence = tuple(one for one in mentions if one.tier is Tier.DISTRICT and one.names[0].code == code)
    if spoiled:
        clash = f"称在{name}，但{spoiled}"
        because = f"{clash} | the road is elsewhere"
        return Named("", 0.0, code, sure * DOUBTED, (), because, clash, evidence)
    if len(districts) == 1:
        return Named(district=code, district_sure=sure, evidence=evidence)
    clash = f"提到{name}和{atlas.divisions[districts[1][0]].name}"
    return Named("", 0.0, code, sure * DOUBTED, tuple(districts), f"{clash} | two districts", clash, evidence)


def _said(districts: Sequence[tuple[str, float]], atlas: Atlas) -> str:
    return "、".join(atlas.divisions[code].name for code, _ in districts)


def _clash(street: str, text: str, districts: Sequence[tuple[str, float]], atlas: Atlas) -> str:
    district = atlas.district_of(street)
    return f"称在{_said(districts, atlas)}，但{text}在{atlas.divisions[district].name if district else '别处'}"


def _common(ranked: Sequence[tuple[str, float]], atlas: Atlas) -> tuple[str, float]:
    """The one district of all the streets that were considered, if it is one, or by far the likeliest."""
    found: dict[str, float] = {}
    for street, score in ranked:
        if code := atlas.district_of(street):
            found[code] = found.get(code, 0.0) + score
    if not found:
        return "", 0.0
    code, most = max(found.items(), key=lambda one: one[1])
    if most < ENOUGH * sum(found.values()):
        return "", 0.0
    return code, min(DISTRICT_SURE, most)
