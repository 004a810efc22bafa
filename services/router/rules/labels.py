"""What a fact about an order says of the router's judgement: somebody decided otherwise, and that is a labelled row."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from schemas.facts import AssignmentReturned, ClassCorrected, LeadChanged, OrderFact, OrderRouted


class LabelKind(StrEnum):
    """Where a label comes from: a class corrected on request, an order routed by hand (out of triage or anew), a part
    given back, another lead."""

    RECLASS = "reclass"
    ROUTED = "routed"
    RETURN = "return"
    RELEAD = "relead"


class Label(Struct, frozen=True):
    """One person's answer for one order: the class from now on (None: nothing said of it), the lead, and who decided
    it when. Later answers do not replace earlier ones: where people disagree, that is what is known."""

    order_id: UUID
    seq: int
    kind: LabelKind
    class_key: str | None
    lead: str | None
    unit: str
    actor: str
    occurred_at: datetime


def label_of(fact: OrderFact) -> Label | None:
    """The label that a fact is; None for facts that judge nothing."""
    kind, class_key, lead = None, None, None
    if isinstance(fact, ClassCorrected):
        kind, class_key = LabelKind.RECLASS, fact.class_ref.key
    elif isinstance(fact, OrderRouted):
        kind, class_key, lead = LabelKind.ROUTED, fact.class_ref.key, fact.lead
    elif isinstance(fact, AssignmentReturned):
        kind, lead = LabelKind.RETURN, fact.lead
    elif isinstance(fact, LeadChanged):
        kind, lead = LabelKind.RELEAD, fact.lead
    if kind is None:
        return None
    return Label(fact.order_id, fact.seq, kind, class_key, lead, fact.unit, fact.actor, fact.occurred_at)
