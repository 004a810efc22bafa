"""An order as a whole: opened, joined, routed, reminded of, ended."""

from uuid import UUID

from schemas.facts.dispatch.base import AssignmentOffer, OrderFact, ReportStub
from schemas.facts.intake import Moment
from schemas.facts.router import Called, Candidate, ClassRef, Hop, Place
from schemas.vocabulary import Source, Stage, SupervisionKind, Urgency, Verification


class OrderOpened(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A new order, with its path and first assignments (none in triage, where `lead` is the deciding centre);
    `subjects` are the units it complains about, which neither lead nor see it. With `split_from` it is one demand of
    that order, whose reporters keep the promise they have there."""

    class_ref: ClassRef
    place: Place
    urgency: Urgency
    lead: str
    path: tuple[Hop, ...]
    assignments: tuple[AssignmentOffer, ...]
    reports: tuple[ReportStub, ...]
    source: Source
    verification: Verification
    rule: str = ""
    together: bool = False
    platforms: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    recurrence_of: UUID | None = None
    imported: bool = False
    subjects: tuple[str, ...] = ()
    split_from: UUID | None = None
    resources: tuple[Called, ...] = ()


class ReportJoined(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """One more report about the same matter; its promise runs from its own receipt. `via` is the order it was found to
    be about, where that one was merged or has ended; `subjects` are units it complains about."""

    report: ReportStub
    why: str
    via: UUID | None = None
    subjects: tuple[str, ...] = ()


class OrderRouted(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A person decided a triage, or sent the order elsewhere: its class, place, lead and assignments from now on."""

    class_ref: ClassRef
    place: Place
    lead: str
    path: tuple[Hop, ...]
    assignments: tuple[AssignmentOffer, ...]
    withdrawn: tuple[UUID, ...] = ()


class OrderRejected(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Not a matter for the city (不受理), with the reason the reporters are told."""

    reason: str


class OrderVoided(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Entered in error; dropped from all counts."""

    reason: str


class Urged(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A reminder before the deadline (催办); `clock_id` when a clock caused it, by the ladder's `rung`. `told` are the
    units that it reaches, `ring` those whose person on duty is rung; `late`: its moment had long passed."""

    note: str = ""
    clock_id: UUID | None = None
    rung: str = ""
    stage: Stage | None = None
    due: Moment | None = None
    told: tuple[str, ...] = ()
    ring: tuple[str, ...] = ()
    late: bool = False


class Supervised(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A supervision 督办 was opened, after a deadline by the ladder's `rung` or by hand: `answerer` has to answer (by
    `answer_due`, where somebody said so; else by policy), `by` accepts the answer. `told` are the units that it reaches
    beside them, `ring` those whose person on duty is rung. One without `supervision_id` is a word only."""

    level: int
    note: str = ""
    clock_id: UUID | None = None
    supervision_id: UUID | None = None
    kind: SupervisionKind = SupervisionKind.TIMEOUT
    answerer: str = ""
    by: str = ""
    answer_due: Moment | None = None
    rung: str = ""
    stage: Stage | None = None
    due: Moment | None = None
    told: tuple[str, ...] = ()
    ring: tuple[str, ...] = ()
    late: bool = False
