"""What answers need of the city, and who may ask."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.city import City
from schemas.moments import reckonable
from schemas.refusals import Refused
from schemas.standing import Units, retired_codes
from schemas.vocabulary import ClockState, Role, Tier
from services.chassis.auth import Principal
from services.chassis.clock import SystemClock
from services.supervision.rules.calendar import SECOND
from services.supervision.rules.shares import shares, uses
from services.supervision.rules.stages import Promises
from services.supervision.rules.timeline import Timeline
from services.supervision.rules.timers import light_of
from services.supervision.store.reading import Read

STAFF = (
    Role.AGENT,
    Role.DISPATCHER,
    Role.RESPONDER,
    Role.INSPECTOR,
    Role.SUPERVISOR,
    Role.AUDITOR,
    Role.OPERATOR,
    Role.IMPORT,
)
STREET_OFFICES = ("street_office",)
CENTRES = ("centre", "duty_desk", "hotline")


class Desk:
    """What answers need of the city: its units, the subtrees of its divisions, its time zone, what it promises."""

    def __init__(self, city: City) -> None:
        self._promises = Promises.of(city)
        self.zone = ZoneInfo(city.timezone)
        self.units = Units(city)
        self._children: dict[str, list[str]] = defaultdict(list)
        for code, parent in (retired_codes(city) | {d.code: d.parent for d in city.divisions}).items():
            self._children[parent].append(code)
        self._known = {code for children in self._children.values() for code in children}
        self._clock = SystemClock()
        self._divisions = {division.code: division for division in city.divisions}
        self.league_from = city.policy.league_from
        self.appeal_days = city.policy.appeal_days

    def unit(self, unit_id: str, at: datetime) -> dict[str, str | None]:
        """A unit as it was called at a moment; one that the pack never had keeps its id as its name."""
        unit = self.units.at(unit_id, at)
        if unit is None:
            return {"unit_id": unit_id, "name": unit_id, "tier": None}
        return {"unit_id": unit_id, "name": unit.name, "tier": unit.tier}

    def body(self, unit_id: str) -> str:
        """Among whom a unit is ranked: committees, street offices, departments (of any tier); "" for centres, which
        dispatch, and for what the pack never had."""
        unit = self.units.last.get(unit_id)
        if unit is None or unit.function in CENTRES:
            return ""
        if unit.tier is Tier.COMMITTEE:
            return "committee"
        return "street" if unit.function in STREET_OFFICES else "department"

    def division(self, unit_id: str) -> str:
        """The division of a unit."""
        unit = self.units.last.get(unit_id)
        return unit.division if unit is not None else ""

    def name_of(self, group: str, key: str, at: datetime) -> str:
        """What people call a member of a group."""
        if group == "unit":
            return str(self.unit(key, at)["name"])
        if group == "district":
            division = self._divisions.get(key)
            return division.name if division is not None else key
        return key

    def subtree(self, division: str) -> list[str]:
        """A division with everything below it. Raises Refused: division_unknown."""
        if division not in self._known:
            raise Refused("division_unknown", division)
        found = [division]
        for code in found:
            found += self._children.get(code, ())
        return found

    def whose(self, caller: Principal, unit: str | None) -> Sequence[str] | None:
        """The units that are asked about: that one with those that became part of it, or all that the caller may see.
        Raises Refused: other_unit, unit_unknown."""
        if caller.role is Role.RESPONDER:
            mine = self.units.acts_for(caller.unit)
            if unit is not None and unit not in mine:
                raise Refused("other_unit")
            return mine if unit is None else self.units.acts_for(unit) or (unit,)
        if unit is None:
            return None
        if unit not in self.units.last:
            raise Refused("unit_unknown", unit)
        return self.units.acts_for(unit) or (unit,)

    def shown(self, row: Read, now: datetime) -> dict[str, Any]:
        """One clock as it stands at `now`, in the city's time. Its owner goes by the name that he had when it was due,
        today's while that is still to come."""
        clock: dict[str, Any] = {
            "clock_id": row.clock_id,
            "stage": row.stage,
            "round": row.round,
            "owner": self.unit(row.owner, min(row.due, now)),
            "start": row.start.astimezone(self.zone),
            "due": row.due.astimezone(self.zone),
            "light": light_of(ClockState(row.state), row.due, row.warn_at, now),
            "state": row.state,
            "policy": row.policy,
        }
        if row.assignment_id is not None:
            clock["assignment_id"] = row.assignment_id
        if row.report_id is not None:
            clock["report_id"] = row.report_id
        return clock

    def used(self, timeline: Timeline, row: Read, now: datetime) -> dict[str, Any] | None:
        """Who used how much of a promise until it was kept, ended, or now; None where nobody has yet."""
        rounds = [place for place, round_ in enumerate(timeline.rounds) if round_.number == row.round]
        voices = [place for place, voice in enumerate(timeline.voices) if voice.report_id == row.report_id]
        found = uses(timeline, self._promises, rounds[0], voices[0], now) if rounds and voices else []
        if not found:
            return None
        terms = self._promises.version(timeline.opened_at, row.start).terms
        parts = shares(found, terms, row.policy)
        whole = sum(part.counted for part in parts)
        return {
            "seconds": sum(part.real for part in parts) / SECOND,
            "counted_seconds": whole / SECOND,
            "by": [
                {
                    "stage": part.stage,
                    "unit": self.unit(part.unit, min(row.due, now)) if part.unit else None,
                    "seconds": part.real / SECOND,
                    "counted_seconds": part.counted / SECOND,
                    "share": round(part.counted / whole, 4) if whole else 0.0,
                }
                for part in parts
            ],
            "course": [
                {
                    "stage": use.stage,
                    "unit_id": use.unit or None,
                    "since": use.since.astimezone(self.zone),
                    "until": use.until.astimezone(self.zone),
                }
                for use in found
            ],
        }

    def now(self) -> datetime:
        """The moment of an answer."""
        return self._clock.now()


def moment_cursor(at: datetime, id_: UUID) -> str:
    """Where a page ended, in a list by moments."""
    return urlsafe_b64encode(f"{at.isoformat()}|{id_.hex}".encode()).decode().rstrip("=")


def read_moment_cursor(cursor: str) -> tuple[datetime, UUID] | None:
    """Where a page ended; None for the first. Raises Refused `cursor_invalid`."""
    if not cursor:
        return None
    try:
        at, _, id_ = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not reckonable(moment):
            raise ValueError("no moment of ours")
        return moment, UUID(id_)
    except ValueError:
        raise Refused("cursor_invalid") from None
