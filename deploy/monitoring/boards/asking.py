"""What the boards of the city ask, said once: waits, numbers, and places by their names."""

PLACES = "* on (key) group_left (name, lat, lon) max by (key, name, lat, lon) (paidan_place_info)"
DISTRICTS = 'key=~"$district"'


def waits(what: str) -> str:
    """How many wait for a person, in the districts chosen."""
    return f'sum(paidan_waiting_for_people{{what="{what}", {DISTRICTS}}}) or vector(0)'


def oldest(what: str) -> str:
    """Since how many seconds the oldest of them waits."""
    return f'max(paidan_waiting_for_people_oldest_seconds{{what="{what}", {DISTRICTS}}}) or vector(0)'


def part(side: str, kpi: str, group: str, key: str = ".*", period: str = "month") -> str:
    """The numerator or denominator of a number, in a period, by the keys of a group."""
    chosen = f'kpi="{kpi}", period="{period}", group="{group}", key=~"{key}"'
    return f"max without (instance, process) (paidan_kpi_{side}{{{chosen}}})"


def rate(kpi: str, group: str, key: str = ".*", period: str = "month") -> str:
    """A number by the keys of a group."""
    return f"{part('numerator', kpi, group, key, period)} / {part('denominator', kpi, group, key, period)}"


def count(kpi: str, group: str, key: str = ".*", period: str = "month") -> str:
    """How many a number counts, by the keys of a group."""
    return part("numerator", kpi, group, key, period)


def seconds(kpi: str, quantile: str, group: str, key: str = ".*", period: str = "month") -> str:
    """A quantile of a duration by the keys of a group."""
    chosen = f'kpi="{kpi}", period="{period}", group="{group}", key=~"{key}", quantile="{quantile}"'
    return f"max without (instance, process) (paidan_kpi_seconds{{{chosen}}})"
