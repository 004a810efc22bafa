"""The day as it is when a report is concluded: who has how much to do, what is free to be sent, what weather is
warned of. Read with the batch, under its locks."""

from datetime import datetime

from msgspec import Struct, field

from services.router.rules.atlas import Atlas


class Standing(Struct, frozen=True):
    """A resource as it stands: whose it is, of what kind, and where (WGS-84)."""

    resource_id: str
    kind: str
    name: str
    unit: str
    lon: float
    lat: float


class Warning(Struct, frozen=True):
    """A weather warning (预警) in force from `starts` until `ends` over some areas (none: the whole city)."""

    warning_id: str
    kind: str
    level: str
    areas: tuple[str, ...]
    starts: datetime
    ends: datetime
    text: str = ""

    def holds(self, division: str, at: datetime, atlas: Atlas) -> bool:
        """Whether it is in force over a division at a moment."""
        over = not self.areas or any(atlas.covers(area, division) for area in self.areas)
        return over and self.starts <= at < self.ends


class Day(Struct):
    """`open_parts` are the open assignments of the units that have a limit, `free` the resources that may be called,
    `warnings` those in force."""

    open_parts: dict[str, int] = field(default_factory=dict)
    free: list[Standing] = field(default_factory=list)
    warnings: tuple[Warning, ...] = ()
