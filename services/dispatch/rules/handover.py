"""Hand-overs to another platform (110 ⇄ 12345, 119, 120, another city): an object of its own beside the order.

The sender keeps the order, with all its clocks, until a named person of the other platform signs; who received it first
answers for it until then (首接负责). Unsigned in time it rings the duty desk and goes back. Source: 国办发〔2022〕12号,
design §6, domain notes §(b2).
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from schemas.refusals import Refused
from schemas.vocabulary import SOURCE_OF_PLATFORM, HandoverMode, HandoverState, Source
from services.dispatch.rules.directory import Directory

# The function of the units that answer for a platform. Any other name is the platform's own id in its tokens.
PLATFORMS = {"hotline": "12345", "police": "110", "fire": "119", "medical": "120"}


class Handover(Struct, kw_only=True):
    """One hand-over. `person` signed it for the platform, `number` is what the platform calls it, `answer` what came of
    it there; `changed` and `stored` say what the store has to do."""

    handover_id: UUID
    order_id: UUID
    platform: str
    mode: HandoverMode
    reason: str
    offered_at: datetime
    offered_by: str
    state: HandoverState = HandoverState.OFFERED
    version: int = 1
    ended_at: datetime | None = None
    person: str = ""
    number: str = ""
    arrived_at: datetime | None = None
    result_at: datetime | None = None
    answer: str = ""
    stored: bool = False
    changed: bool = False

    def moved(self) -> None:
        """A new version of it."""
        self.version += 1
        self.changed = True


def is_platform(directory: Directory, name: str) -> bool:
    """Whether work may be handed to it: one that the field knows by its number, or one that this city registered."""
    return name in PLATFORMS.values() or name in SOURCE_OF_PLATFORM or name in directory.registered | directory.told


def platform_of(directory: Directory, unit_id: str) -> str:
    """The platform that a unit answers for; for one that is not in the city's list, its own id."""
    unit = directory.unit(unit_id)
    return PLATFORMS.get(unit.function, "") if unit is not None else unit_id


def check_platform(directory: Directory, handover: Handover, unit: str, division: str) -> None:
    """Raises Refused `other_unit` unless the unit answers for the hand-over's platform, at this place."""
    known = directory.unit(unit) is not None
    here = not known or directory.inside(division, unit)
    if not unit or platform_of(directory, unit) != handover.platform or not here:
        raise Refused("other_unit", f"this is a hand-over to {handover.platform}")


def source_of(platform: str) -> Source:
    """Where the reports come from that this platform numbers."""
    return SOURCE_OF_PLATFORM.get(platform, Source.PLATFORM)


def sender_of(source: str, platform: str) -> str:
    """The platform that numbers a report of this source; `platform` is the one that the report names. "" for none."""
    if source == Source.PLATFORM:
        return platform
    return next((name for name, own in SOURCE_OF_PLATFORM.items() if own == source), "")
