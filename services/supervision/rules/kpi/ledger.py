"""What numbers need of an order beyond its timeline: results, words of reporters, checks, returns, and who and what it
was at any moment. Folded beside the timeline; a fact that no number needs changes nothing but the status."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from schemas import facts
from schemas.facts import OrderFact, OrderOpened, ReportStub
from schemas.vocabulary import AssignmentRole, CallKind, OrderStatus, Result, Satisfaction, Verification
from services.supervision.rules.timeline.folding import above


class Spell(Struct, frozen=True, array_like=True, gc=False):
    """What an order was since a moment: its class, its division, who led."""

    since: datetime
    class_key: str
    division: str
    lead: str


class Word(Struct, frozen=True, array_like=True, gc=False):
    """What a reporter said after the answer, in a round."""

    round: int
    at: datetime
    satisfied: Satisfaction | None
    solved: bool | None


class Heard(Struct, frozen=True, array_like=True):
    """A report as numbers see it; the first one of an order opened it."""

    report_id: UUID
    reachable: bool
    repeat: bool
    words: tuple[Word, ...] = ()


class Closing(Struct, frozen=True, array_like=True, gc=False):
    """The order was closed in a round."""

    round: int
    at: datetime
    result: Result | None


class Check(Struct, frozen=True, array_like=True, gc=False):
    """A result was checked in a round."""

    round: int
    at: datetime
    passed: bool


class Returned(Struct, frozen=True, array_like=True, gc=False):
    """A part was given back."""

    assignment_id: UUID
    at: datetime


class Dispatch(Struct, frozen=True, array_like=True, gc=False):
    """To whom an order went first, and which centre sent it there."""

    assignment_id: UUID
    centre: str


class Ledger(Struct, frozen=True, array_like=True):
    """One order as numbers see it. `spot` is the point where it is (longitude, latitude), if one is known."""

    status: OrderStatus
    verification: Verification
    spells: tuple[Spell, ...]
    heard: tuple[Heard, ...]
    in_triage: bool
    successor: bool
    split: bool
    spot: tuple[float, float] | None = None
    first: Dispatch | None = None
    closings: tuple[Closing, ...] = ()
    checks: tuple[Check, ...] = ()
    returned: tuple[Returned, ...] = ()
    ping_pong_at: datetime | None = None
    urged: tuple[datetime, ...] = ()
    supervised: tuple[tuple[datetime, int], ...] = ()

    def at(self, moment: datetime) -> Spell:
        """What the order was at a moment; before the first, what it was then."""
        found = self.spells[0]
        for spell in self.spells[1:]:
            if spell.since <= moment:
                found = spell
        return found


F = TypeVar("F", bound=OrderFact)
_FOLDS: dict[type[OrderFact], Callable[[Ledger, Any], Ledger]] = {}


def fold_ledger(ledger: Ledger | None, fact: OrderFact) -> Ledger:
    """The ledger with one more fact, the one that follows by `seq`; the very same object when no number can move."""
    if isinstance(fact, OrderOpened):
        return _opened(fact)
    assert ledger is not None
    step = _FOLDS.get(type(fact))
    if step is not None:
        ledger = step(ledger, fact)
    return ledger if ledger.status is fact.status else replace(ledger, status=fact.status)


def _on(kind: type[F]) -> Callable[[Callable[[Ledger, F], Ledger]], Callable[[Ledger, F], Ledger]]:
    def keep(step: Callable[[Ledger, F], Ledger]) -> Callable[[Ledger, F], Ledger]:
        _FOLDS[kind] = step
        return step

    return keep


def _opened(fact: OrderOpened) -> Ledger:
    lon, lat = fact.place.lon, fact.place.lat
    return Ledger(
        status=fact.status,
        verification=fact.verification,
        spells=(Spell(fact.occurred_at, fact.class_ref.key, fact.place.division, fact.lead),),
        heard=tuple(_heard(report) for report in fact.reports),
        in_triage=fact.status is OrderStatus.TRIAGE,
        successor=fact.recurrence_of is not None,
        split=fact.split_from is not None,
        spot=None if lon is None or lat is None else (lon, lat),
        first=_first(fact.assignments, fact.path, fact.lead),
    )


def _first(offers: tuple[facts.AssignmentOffer, ...], path: tuple[facts.Hop, ...], lead: str) -> Dispatch | None:
    leads = (offer.assignment_id for offer in offers if offer.role is AssignmentRole.LEAD)
    found = next(leads, None)
    return None if found is None else Dispatch(found, above(path, lead)[1])


def _heard(report: ReportStub) -> Heard:
    return Heard(report.report_id, report.reachable, report.repeat_of is not None)


def _became(ledger: Ledger, at: datetime, **changed: str) -> Ledger:
    """A new spell, if anything is different."""
    last = ledger.spells[-1]
    spell = replace(last, since=at, **changed)
    if replace(spell, since=last.since) == last:
        return ledger
    return replace(ledger, spells=(*ledger.spells, spell))


@_on(facts.ReportJoined)
def _joined(ledger: Ledger, fact: facts.ReportJoined) -> Ledger:
    return _came(ledger, (fact.report,))


@_on(facts.ReportsMoved)
def _moved(ledger: Ledger, fact: facts.ReportsMoved) -> Ledger:
    return ledger if fact.away else _came(ledger, tuple(moved.report for moved in fact.reports))


@_on(facts.OrderUnmerged)
def _unmerged(ledger: Ledger, fact: facts.OrderUnmerged) -> Ledger:
    return _came(ledger, tuple(moved.report for moved in fact.reports))


def _came(ledger: Ledger, reports: tuple[ReportStub, ...]) -> Ledger:
    known = {heard.report_id for heard in ledger.heard}
    new = tuple(_heard(report) for report in reports if report.report_id not in known)
    return replace(ledger, heard=(*ledger.heard, *new)) if new else ledger


@_on(facts.OrderRouted)
def _routed(ledger: Ledger, fact: facts.OrderRouted) -> Ledger:
    if ledger.first is None:
        ledger = replace(ledger, first=_first(fact.assignments, fact.path, fact.lead))
    return _became(ledger, fact.occurred_at, class_key=fact.class_ref.key, division=fact.place.division, lead=fact.lead)


@_on(facts.ClassCorrected)
def _corrected(ledger: Ledger, fact: facts.ClassCorrected) -> Ledger:
    return _became(ledger, fact.occurred_at, class_key=fact.class_ref.key)


@_on(facts.LeadChanged)
def _lead_changed(ledger: Ledger, fact: facts.LeadChanged) -> Ledger:
    return _became(ledger, fact.occurred_at, lead=fact.lead)


@_on(facts.AssignmentAccepted)
def _accepted(ledger: Ledger, fact: facts.AssignmentAccepted) -> Ledger:
    return _became(ledger, fact.occurred_at, lead=fact.lead)


@_on(facts.AssignmentReturned)
def _returned(ledger: Ledger, fact: facts.AssignmentReturned) -> Ledger:
    ledger = replace(ledger, returned=(*ledger.returned, Returned(fact.assignment_id, fact.occurred_at)))
    if fact.ping_pong and ledger.ping_pong_at is None:
        ledger = replace(ledger, ping_pong_at=fact.occurred_at)
    return _became(ledger, fact.occurred_at, lead=fact.lead)


@_on(facts.VerificationRecorded)
def _checked(ledger: Ledger, fact: facts.VerificationRecorded) -> Ledger:
    check = Check(fact.round, fact.occurred_at, fact.passed)
    return replace(ledger, checks=(*ledger.checks, check))


@_on(facts.CallbackRecorded)
def _called_back(ledger: Ledger, fact: facts.CallbackRecorded) -> Ledger:
    """Only the centre's call after the answer scores, and only what was said."""
    said = fact.satisfied is not None or fact.solved is not None
    if fact.kind is not CallKind.CENTRE or not fact.reached or not said:
        return ledger
    return _said(ledger, fact.report_id, Word(fact.round, fact.occurred_at, fact.satisfied, fact.solved))


@_on(facts.RatingReceived)
def _rated(ledger: Ledger, fact: facts.RatingReceived) -> Ledger:
    return _said(ledger, fact.report_id, Word(fact.round, fact.occurred_at, fact.satisfied, fact.solved))


def _said(ledger: Ledger, report_id: UUID, word: Word) -> Ledger:
    heard = tuple(
        replace(each, words=(*each.words, word)) if each.report_id == report_id else each for each in ledger.heard
    )
    return replace(ledger, heard=heard)


@_on(facts.OrderClosed)
def _closed(ledger: Ledger, fact: facts.OrderClosed) -> Ledger:
    closing = Closing(fact.round, fact.occurred_at, fact.result)
    return replace(ledger, closings=(*ledger.closings, closing))


@_on(facts.Urged)
def _urged(ledger: Ledger, fact: facts.Urged) -> Ledger:
    return replace(ledger, urged=(*ledger.urged, fact.occurred_at))


@_on(facts.Supervised)
def _supervised(ledger: Ledger, fact: facts.Supervised) -> Ledger:
    return replace(ledger, supervised=(*ledger.supervised, (fact.occurred_at, fact.level)))
