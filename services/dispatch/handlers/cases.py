"""What people do to special cases and commitments, in the order of design §6.7: who you are → the idempotency key →
If-Match (the case's version, or the commitment's) → the action. The orders that are named are locked with the case."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from schemas.codec import message
from schemas.envelope import Outgoing
from schemas.ids import fact_id
from schemas.refusals import Refused
from schemas.topics import ORDERS_EVENTS
from services.chassis import metrics
from services.chassis.auth import Principal
from services.chassis.database import Connection
from services.chassis.delivery import Output
from services.chassis.web import problem_body
from services.dispatch.handlers.actions import Answered, answered_before
from services.dispatch.handlers.page import LOCK_SPACE, SOURCE, Page, bucket
from services.dispatch.rules.acts import Act
from services.dispatch.rules.book import Actor, Book
from services.dispatch.rules.cases import showing
from services.dispatch.rules.cases.acts import Refusals, on_case, on_commitment, open_case
from services.dispatch.rules.cases.bodies import committing, orders_in
from services.dispatch.rules.cases.book import CaseBook
from services.dispatch.rules.cases.model import Commitment, SpecialCase
from services.dispatch.rules.cases.reach import outside
from services.dispatch.rules.cases.table import check_stands
from services.dispatch.rules.directory import Directory
from services.dispatch.store import cases, keys
from services.dispatch.store import orders as store
from services.dispatch.store.keys import Kept, Key

_encode = msgspec.json.Encoder().encode
OPEN = "open"


class CaseCommand(Struct, frozen=True):
    """One write on a special case, or on a commitment of it; `version` is what If-Match said, None when it is opened.
    With `each`, every order gets a result of its own."""

    principal: Principal
    key: str
    body_hash: bytes
    version: int | None
    case_id: UUID
    action: str
    body: Any
    commitment_id: UUID | None = None
    each: bool = False

    @property
    def keyed(self) -> Key:
        """Principal and idempotency key."""
        return (self.principal.id, self.key)

    @property
    def actor(self) -> Actor:
        """The principal as the rules know one."""
        return Actor(self.principal.id, self.principal.role, self.principal.unit)


@dataclass(slots=True)
class CasePage:
    """The special cases of one transaction, and their facts on their way to Kafka, by fact id."""

    book: CaseBook
    messages: dict[UUID, Outgoing] = field(default_factory=dict)

    def announce(self, output: Output) -> None:
        """Put the facts of the changes made since the last call into the outbox."""
        for change in self.book.changes[len(self.messages) :]:
            fact = change.fact
            out = message(
                ORDERS_EVENTS, fact, id=change.id, key=str(fact.case_id), source=SOURCE, time=fact.recorded_at
            )
            self.messages[change.id] = out
            output.messages.append(out)

    async def save(self, connection: Connection) -> None:
        """Write them."""
        await cases.save(connection, self.book, self.messages)


@dataclass(slots=True)
class _State:
    orders: Page
    page: CasePage
    keys: dict[Key, Kept]
    new_keys: dict[Key, Kept] = field(default_factory=dict)


class CaseHandler:
    """Takes people's writes on special cases through a desk."""

    lock_space = LOCK_SPACE

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def locks(self, commands: Sequence[CaseCommand]) -> Iterable[int]:
        """The cases, and the orders that are named."""
        return (bucket(id_) for c in commands for id_ in (c.case_id, *orders_in(c.body)))

    async def gather(self, connection: Connection, commands: Sequence[CaseCommand], now: datetime) -> _State:
        """The cases, the orders that are named, and whether the cases these belong to are open."""
        named = {id_ for c in commands for id_ in orders_in(c.body)}
        book = Book(now, self._directory)
        book.orders = await store.load(connection, named) if named else {}
        held = CaseBook(book, await cases.load(connection, {c.case_id for c in commands}))
        others = {order.detail.case_id for order in book.orders.values()} - {None, *held.cases}
        if others:
            held.others = await cases.states(connection, [id_ for id_ in others if id_ is not None])
        reaching = {c.case_id for c in commands if outside(self._directory, c.principal.unit, committing(c.body))}
        if reaching:
            held.holders = await cases.holders(connection, reaching)
        return _State(Page(book), CasePage(held), await keys.answers(connection, [c.keyed for c in commands]))

    def decide(self, state: _State, command: CaseCommand, output: Output) -> Answered:
        """The answer to one write. Raises Refused before anything is folded."""
        book = state.page.book
        case = book.cases.get(command.case_id)
        one = self._target(case, command)
        if case is not None and command.action != OPEN:
            check_stands(self._directory, case, one, command.action, command.actor)
        if (first := answered_before(state.keys, command.keyed, command.body_hash)) is not None:
            return first
        version, answer = self._act(book, case, one, command)
        state.orders.announce(output)
        state.page.announce(output)
        kept = Kept(command.body_hash, version, _encode(answer))
        state.keys[command.keyed] = state.new_keys[command.keyed] = kept
        metrics.ACTIONS.labels(f"case_{command.action}").inc()
        return Answered(kept.version, kept.answer)

    async def apply(self, connection: Connection, state: _State) -> None:
        """Write orders, cases and first answers."""
        await state.orders.save(connection)
        await state.page.save(connection)
        await keys.save(connection, state.new_keys)

    def _target(self, case: SpecialCase | None, command: CaseCommand) -> Commitment | None:
        if command.action == OPEN:
            return None
        if case is None:
            raise Refused("not_found")
        if command.commitment_id is None:
            return None
        one = case.commitment(command.commitment_id)
        if one is None:
            raise Refused("not_found")
        return one

    def _act(
        self, book: CaseBook, case: SpecialCase | None, one: Commitment | None, command: CaseCommand
    ) -> tuple[int, dict[str, Any]]:
        actor = command.actor
        cause = fact_id(command.commitment_id or command.case_id, f"{actor.id}\x1f{command.key}")
        asked = Act(command.action, command.body, actor, cause)
        if command.action == OPEN:
            if case is not None:
                raise Refused("key_reused", command.key)
            case = open_case(book, command.case_id, asked)
            return case.version, showing.changed(self._directory, case)
        assert case is not None
        version = (one or case).version
        if command.version != version:
            raise Refused("version_stale", f"now {version}", version=version, state=(one or case).state)
        refused: Refusals = {}
        if one is not None:
            on_commitment(book, case, one, asked)
        else:
            refused = on_case(book, case, asked, each=command.each)
        answer = showing.changed(self._directory, case)
        if command.each:
            answer |= _results(orders_in(command.body), refused)
        return (one or case).version, answer


def _results(order_ids: Iterable[UUID], refused: Refusals) -> dict[str, Any]:
    """What became of each order."""
    items = [
        {"order_id": id_} | ({"problem": problem_body(refused[id_])} if id_ in refused else {})
        for id_ in dict.fromkeys(order_ids)
    ]
    return {"done": len(items) - len(refused), "refused": len(refused), "items": items}
