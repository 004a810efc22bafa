"""What another platform says about a hand-over, in the order of design §6.7: who you are → the idempotency key →
If-Match (the hand-over's version) → the action."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from schemas.ids import fact_id
from schemas.refusals import Refused
from services.chassis import metrics
from services.chassis.auth import Principal
from services.chassis.database import Connection
from services.chassis.delivery import Output
from services.dispatch.handlers.actions import Answered, answered_before
from services.dispatch.handlers.page import LOCK_SPACE, Page, lock_orders
from services.dispatch.rules import shapes
from services.dispatch.rules.acts import Act
from services.dispatch.rules.acts.handing import on_handover
from services.dispatch.rules.book import Actor, Book
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.handover import check_platform
from services.dispatch.store import handovers, keys
from services.dispatch.store import orders as store
from services.dispatch.store.keys import Kept, Key

_encode = msgspec.json.Encoder().encode


class HandoverCommand(Struct, frozen=True):
    """One word of the other platform; `version` is what If-Match said of the hand-over; None
    where the word came by webhook, in which no version need be named."""

    principal: Principal
    key: str
    body_hash: bytes
    version: int | None
    handover_id: UUID
    action: str
    body: Any

    @property
    def keyed(self) -> Key:
        """Principal and idempotency key."""
        return (self.principal.id, self.key)


@dataclass(slots=True)
class _State:
    page: Page
    keys: dict[Key, Kept]
    new_keys: dict[Key, Kept] = field(default_factory=dict)


class HandoverHandler:
    """Takes what other platforms say through a desk."""

    lock_space = LOCK_SPACE

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def locks(self, commands: Sequence[HandoverCommand]) -> Iterable[int]:
        """None yet: the order of a hand-over is only known after a look."""
        return ()

    async def gather(self, connection: Connection, commands: Sequence[HandoverCommand], now: datetime) -> _State:
        """The orders, locked, then their hand-overs as they stand under that lock."""
        ids = {c.handover_id for c in commands}
        seen = await handovers.load(connection, ids)
        wanted = {handover.order_id for handover in seen.values()}
        book = Book(await lock_orders(connection, wanted), self._directory)
        book.orders = await store.load(connection, wanted)
        book.handovers = await handovers.load(connection, ids)
        return _State(Page(book), await keys.answers(connection, [c.keyed for c in commands]))

    def decide(self, state: _State, command: HandoverCommand, output: Output) -> Answered:
        """The answer to one word. Raises Refused before anything is folded."""
        book, caller = state.page.book, command.principal
        handover = book.handovers.get(command.handover_id)
        if handover is None:
            raise Refused("not_found")
        order = book.orders[handover.order_id]
        check_platform(self._directory, handover, caller.unit, order.detail.place.division)
        if (first := answered_before(state.keys, command.keyed, command.body_hash)) is not None:
            return first
        if command.version not in (None, handover.version):
            raise Refused("version_stale", f"now {handover.version}", version=handover.version, state=handover.state)
        cause = fact_id(handover.handover_id, f"{caller.id}\x1f{command.key}")
        asked = Act(command.action, command.body, Actor(caller.id, caller.role, caller.unit), cause)
        on_handover(book, order, handover, asked)
        state.page.announce(output)
        answer = _encode(shapes.handover(self._directory, handover, order))
        kept = Kept(command.body_hash, handover.version, answer)
        state.keys[command.keyed] = state.new_keys[command.keyed] = kept
        metrics.ACTIONS.labels(command.action).inc()
        return Answered(kept.version, answer)

    async def apply(self, connection: Connection, state: _State) -> None:
        """Write changes and first answers."""
        await state.page.save(connection)
        await keys.save(connection, state.new_keys)
