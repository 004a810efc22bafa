"""Which units an informant (举报) complains about: those whose official names stand in his words."""

from collections import defaultdict

import ahocorasick

from schemas.city import City
from schemas.standing import Units, plain_name
from services.router.rules.text import bytewise, plain


class UnitNames:
    """The official names of all units that have a centre above them, past names too, in one search tree. The top of
    the city is not among them: nobody else could lead instead of it, and every second text is addressed to it."""

    def __init__(self, city: City, organisation: Units) -> None:
        named: dict[str, dict[str, None]] = defaultdict(dict)
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
        """The units of today that a text names, in its order; of two names in one place the longer counts. A name that
        several units go by names all of them."""
        if self._empty:
            return ()
        body = bytewise(plain_name(text))
        hits = [(end + 1 - size, end + 1, units) for end, (size, units) in self._tree.iter(body)]
        hits.sort(key=lambda hit: (hit[0], -hit[1]))
        found: dict[str, None] = {}
        reached = 0
        for _, end, units in hits:
            if end > reached:
                found |= dict.fromkeys(units)
                reached = end
        return tuple(found)
