"""What a unit says on its way."""

from uuid import UUID

from schemas.facts.dispatch.base import OrderFact
from schemas.vocabulary import Unreached


class ContactMade(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit contacted a reporter (先行联系); `reached` False keeps his clock running, `reason` says why. Without a
    `report_id` there is only one to reach, or none."""

    assignment_id: UUID
    reached: bool
    report_id: UUID | None = None
    reason: Unreached | None = None


class ArrivedOnSite(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit is on the spot (到场)."""

    assignment_id: UUID


class ProgressNoted(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A word in between (中途汇报); an automatic note on an order that no unit holds yet names no assignment."""

    note: str
    assignment_id: UUID | None = None
