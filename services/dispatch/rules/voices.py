"""Whose promises an order carries at a moment: every report that hangs on it, with what its reporter was promised and
whether he was reached. Read off the order's facts, because only a move to another order asks for it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from schemas import facts
from schemas.facts import MovedReport, OrderFact, Promise, ReportStub
from schemas.vocabulary import AssignmentRole
from services.dispatch.rules.order import Order


class _Reader:
    """Goes through the facts of one order. A run is a round with the rework that followed it: one promise."""

    def __init__(self, order: Order) -> None:
        path = order.detail.path
        self._class_key = order.detail.class_ref.key
        self._urgency = order.urgency
        self._tier = path[-1].tier if path else order.detail.place.tier
        self._run = 1
        self._led: datetime | None = None
        self.found: dict[UUID, MovedReport] = {}

    def read(self, fact: Any) -> None:
        if isinstance(fact, facts.OrderOpened):
            for stub in fact.reports:
                self._add(stub)
        elif isinstance(fact, facts.ReportJoined):
            self._add(fact.report)
        elif isinstance(fact, facts.OrderUnmerged) or (isinstance(fact, facts.ReportsMoved) and not fact.away):
            self.found |= {moved.report.report_id: moved for moved in fact.reports}
        elif isinstance(fact, facts.ReportsMoved | facts.OrderMerged):
            for moved in fact.reports:
                self.found.pop(moved.report.report_id, None)
        elif isinstance(fact, facts.OrderSplit):
            for part in fact.parts:
                for report_id in part.reports:
                    self.found.pop(report_id, None)
        elif isinstance(fact, facts.ContactMade):
            self._contact(fact)
        elif isinstance(fact, facts.OrderReopened):
            self._reopen(fact)
        self._leads(fact)

    def _add(self, stub: ReportStub) -> None:
        promise = self._promise(stub.received_at)
        self.found.setdefault(stub.report_id, MovedReport(report=stub, promise=promise))

    def _promise(self, since: datetime) -> Promise:
        led = None if self._led is None else max(self._led, since)
        return Promise(
            since=since,
            class_key=self._class_key,
            urgency=self._urgency,
            tier=self._tier,
            round=self._run,
            contact_from=led,
        )

    def _contact(self, fact: facts.ContactMade) -> None:
        for id_, moved in self.found.items():
            if fact.reached and fact.report_id in (None, id_) and moved.contacted_at is None:
                self.found[id_] = replace(moved, contacted_at=fact.occurred_at)

    def _reopen(self, fact: facts.OrderReopened) -> None:
        """A promise of its own for everybody, counted from now on; the sender's due belonged to the first."""
        self._run, self._led = fact.round, None
        for id_, moved in self.found.items():
            stub = replace(moved.report, source_due=None)
            self.found[id_] = MovedReport(report=stub, promise=self._promise(fact.occurred_at))

    def _leads(self, fact: OrderFact) -> None:
        """The first lead of a run is who has to contact its reporters."""
        offers = getattr(fact, "assignments", ())
        if self._led is not None or not any(offer.role is AssignmentRole.LEAD for offer in offers):
            return
        self._led = fact.occurred_at
        for id_, moved in self.found.items():
            if moved.promise.contact_from is None:
                since = max(self._led, moved.promise.since)
                self.found[id_] = replace(moved, promise=replace(moved.promise, contact_from=since))


def voices(order: Order, past: Iterable[OrderFact]) -> dict[UUID, MovedReport]:
    """The reports that hang on an order after these facts, by id. `order` is the order as it stands after them."""
    reader = _Reader(order)
    for fact in past:
        reader.read(fact)
    return reader.found
