"""Which units an informant (举报) complains about: those whose official names stand in his words."""

import re
from collections import defaultdict
from collections.abc import Iterator

import ahocorasick

from schemas.city import City
from schemas.standing import Units, plain_name
from schemas.vocabulary import Tier
from services.router.rules.text import bytewise, plain, readable

# A committee is called like the place it looks after: before a house number its name is a part of an address, and in
# the address line it accuses nobody unless the text speaks of committees or their people.
_IN_AN_ADDRESS = re.compile(r"[^,。;:!?、]{0,8}?\d+(?:号|弄|组|队|室|幢|栋|楼|支)")
_OF_COMMITTEES = re.compile("居委|村委|书记|主任|干部|工作人员")

# Who is asked to look into it is not who is complained about.
_ASKED = re.compile(r"(?:请|要求|希望|恳请|盼望|建议|盼|望|由)(?:有关部门|贵|区里|区|市|相关)?$")
_TO_ACT = re.compile(r"[^,。;:!?]{0,6}?(?:查处|处理|处罚|核查|检查|调查|执法|介入|取缔|整治|督促|责令|依法|立案)")


class UnitNames:
    """The official names of all units that have a centre above them, past names too, in one search tree. The top of
    the city is not among them: nobody else could lead instead of it, and every second text is addressed to it."""

    def __init__(self, city: City, organisation: Units) -> None:
        named: dict[str, dict[str, None]] = defaultdict(dict)
        self._committees = {unit.unit_id for unit in city.units if unit.tier is Tier.COMMITTEE}
        for unit in city.every_unit or city.units:
            heir = organisation.heir(unit.unit_id)
            if (name := bytewise(plain_name(plain(unit.name)))) and organisation.centre_above(heir):
                named[name][heir] = None
        self._tree = ahocorasick.Automaton()
        for name, units in named.items():
            self._tree.add_word(name, (len(name), tuple(units)))
        self._tree.make_automaton()
        self._empty = not named

    def named_in(self, text: str) -> tuple[str, ...]:
        """The units of today that a wording (its address line first) complains about by name, in its order; of two
        names in one place the longer counts. A name that several units go by names all of them."""
        if self._empty:
            return ()
        address, _, said = text.partition("\n")
        spoken = plain_name(said)
        of_committees = _OF_COMMITTEES.search(spoken) is not None
        found: dict[str, None] = {}
        for units, _, _ in self._named(plain_name(address)):
            found |= {unit: None for unit in units if of_committees or unit not in self._committees}
        for units, before, after in self._named(spoken):
            if _ASKED.search(before) and _TO_ACT.match(after):
                continue
            place = _IN_AN_ADDRESS.match(after) is not None
            found |= {unit: None for unit in units if not (place and unit in self._committees)}
        return tuple(found)

    def _named(self, text: str) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """The units named in a text without blanks, with what stands before and behind each name."""
        body = bytewise(text)
        hits = [(end + 1 - size, end + 1, units) for end, (size, units) in self._tree.iter(body)]
        hits.sort(key=lambda hit: (hit[0], -hit[1]))
        reached = 0
        for start, end, units in hits:
            if end > reached:
                yield units, readable(body[max(0, start - 36) : start]), readable(body[end : end + 90])
                reached = end
