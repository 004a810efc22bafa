"""What supervision says: clocks as a dated projection, rungs as urges and supervisions, deadlines as what they decide.

Clocks are no change of an order: they take no lock, no number and no fact, and a repeat writes the same row again.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from schemas.facts import ClocksSet, DeadlineMissed, DeadlineWarned, DeadlineWithdrawn, RungCleared, RungRaised
from schemas.refusals import Refused
from schemas.vocabulary import Stage
from services.chassis.database import Connection
from services.chassis.delivery import Output, Work
from services.dispatch.handlers.cases import CasePage
from services.dispatch.handlers.page import LOCK_SPACE, Page, bucket
from services.dispatch.rules.book import Book
from services.dispatch.rules.cases.acts import on_commitment_deadline
from services.dispatch.rules.cases.book import CaseBook
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.notices import Deadline, on_deadline
from services.dispatch.rules.supervisions import climbing
from services.dispatch.store import cases, clocks, handovers, orders

_DEADLINES = (DeadlineWarned, DeadlineMissed, DeadlineWithdrawn)
_OF_ORDERS = (*_DEADLINES, RungRaised, RungCleared)


class _State(Struct):
    page: Page
    cases: CasePage
    clocks: dict[tuple[UUID, int], ClocksSet]


class DeadlineHandler:
    """Lands supervision.events."""

    consumer = "dispatch-deadlines"
    lock_space = LOCK_SPACE

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def wants(self, fact: Struct) -> bool:
        """All of it."""
        return isinstance(fact, (ClocksSet, *_OF_ORDERS))

    def inboxed(self, fact: Struct) -> bool:
        """Clocks are written by (order, seq); a notice must not become two urges."""
        return not isinstance(fact, ClocksSet)

    def prepare(self, works: Sequence[Work]) -> None:
        """Nothing to do without state."""

    def locks(self, works: Sequence[Work]) -> Iterable[int]:
        """The orders and special cases that get a fact."""
        return (bucket(work.fact.order_id) for work in works if isinstance(work.fact, _OF_ORDERS))

    async def gather(self, connection: Connection, works: Sequence[Work], now: datetime) -> _State:
        """The orders that get a fact."""
        page = Page(Book(now, self._directory))
        said = [w.fact for w in works if isinstance(w.fact, _OF_ORDERS)]
        page.book.orders = await orders.load(
            connection, {fact.order_id for fact in said if fact.stage is not Stage.COMMITMENT}
        )
        held = CasePage(CaseBook(page.book))
        committed = {fact.order_id for fact in said if fact.stage is Stage.COMMITMENT}
        if committed:
            held.book.cases = await cases.load(connection, committed)
        unsigned = {w.fact.order_id for w in works if isinstance(w.fact, DeadlineMissed) and w.fact.stage is Stage.SIGN}
        if unsigned:
            page.book.handovers = await handovers.waiting(connection, unsigned)
        return _State(page, held, {})

    def decide(self, state: _State, work: Work, output: Output) -> None:
        """Keep the clocks, or record the notice. Raises Refused `not_found` for an order nobody opened."""
        fact = work.fact
        if isinstance(fact, ClocksSet):
            state.clocks[fact.order_id, fact.seq] = fact
            return
        if fact.stage is Stage.COMMITMENT:
            self._on_commitment(state, fact, work.id, output)
            return
        order = state.page.book.orders.get(fact.order_id)
        if order is None:
            raise Refused("not_found", f"order {fact.order_id}")
        book = state.page.book
        if isinstance(fact, RungRaised):
            climbing.on_raised(book, order, fact, work.id)
        elif isinstance(fact, RungCleared):
            climbing.on_cleared(book, order, fact, work.id)
        else:
            on_deadline(book, order, fact, work.id)
        state.page.announce(output)

    def _on_commitment(self, state: _State, fact: Deadline, cause: UUID, output: Output) -> None:
        case = state.cases.book.cases.get(fact.order_id)
        if case is None:
            raise Refused("not_found", f"special case {fact.order_id}")
        on_commitment_deadline(state.cases.book, case, fact, cause)
        state.cases.announce(output)

    async def apply(self, connection: Connection, state: _State) -> None:
        """Write clocks and changes."""
        await clocks.save(connection, list(state.clocks.values()), state.page.book.now)
        await state.page.save(connection)
        await state.cases.save(connection)
