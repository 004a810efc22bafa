"""What the boards of the city ask, said once: waits, numbers, and places by their names."""

PLACES = "* on (key) group_left (name, lat, lon) max by (key, name, lat, lon) (paidan_place_info)"
DISTRICTS = 'key=~"$district"'


# Several processes say the same of what lies in the database: it is taken once.
_ONCE = "max without (instance, process)"


def waiting(what: str, of: str = "") -> str:
    """How many wait for a person (`of` "": or since how many seconds, `_oldest_seconds`), in the districts chosen."""
    return f'{_ONCE} (paidan_waiting_for_people{of}{{what=~"{what}", {DISTRICTS}}})'


def due(within: str, stage: str = ".*") -> str:
    """Clocks that fall due within so long, in the districts chosen."""
    return f'{_ONCE} (paidan_clocks_due{{within="{within}", stage=~"{stage}", {DISTRICTS}}})'


def waits(what: str) -> str:
    """How many wait for a person, together."""
    return f"sum({waiting(what)}) or vector(0)"


def oldest(what: str) -> str:
    """Since how many seconds the oldest of them waits."""
    return f"max({waiting(what, '_oldest_seconds')}) or vector(0)"


def undecided() -> str:
    """Requests of units that no centre has decided, of every kind and district."""
    return f'sum({_ONCE} (paidan_waiting_for_people{{what="request"}})) or vector(0)'


def placed(counts: str) -> str:
    """The same by district, with its name and where it lies."""
    return f"sum by (key) ({counts}) {PLACES}"


def part(side: str, kpi: str, group: str, key: str = ".*", period: str = "month") -> str:
    """The numerator or denominator of a number, in a period, by the keys of a group."""
    chosen = f'kpi="{kpi}", period="{period}", group="{group}", key=~"{key}"'
    return f"{_ONCE} (paidan_kpi_{side}{{{chosen}}})"


def rate(kpi: str, group: str, key: str = ".*", period: str = "month") -> str:
    """A number by the keys of a group."""
    return f"{part('numerator', kpi, group, key, period)} / {part('denominator', kpi, group, key, period)}"


def count(kpi: str, group: str, key: str = ".*", period: str = "month") -> str:
    """How many a number counts, by the keys of a group."""
    return part("numerator", kpi, group, key, period)


def seconds(kpi: str, quantile: str, group: str, key: str = ".*", period: str = "month") -> str:
    """A quantile of a duration by the keys of a group."""
    chosen = f'kpi="{kpi}", period="{period}", group="{group}", key=~"{key}", quantile="{quantile}"'
    return f"{_ONCE} (paidan_kpi_seconds{{{chosen}}})"
