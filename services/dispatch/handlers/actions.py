"""What people ask for, in the order of design §6.7: who you are → the idempotency key → If-Match → the action.

Many may share a transaction. An assignment's order is looked up first (it never changes), then all orders are locked
at once, then read.
"""

from collections.abc import Iterable, Mapping, Sequence
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
from services.dispatch.handlers.page import LOCK_SPACE, Page, lock_orders
from services.dispatch.rules import acts, lifecycle, shapes, standing
from services.dispatch.rules.acts import Act, supervising
from services.dispatch.rules.acts.decisions import decide
from services.dispatch.rules.acts.requests import Request as AskedFor
from services.dispatch.rules.book import Actor, Book, Change
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.order import Assignment, Order
from services.dispatch.rules.requests.deciders import check_decider
from services.dispatch.rules.requests.model import Request
from services.dispatch.rules.supervisions.model import Supervision
from services.dispatch.store import attachments, clocks, handovers, keys, reads, requests, supervisions
from services.dispatch.store import orders as store
from services.dispatch.store.keys import Kept, Key

_encode = msgspec.json.Encoder().encode
SHOWN_CHANGES = 10
MOVING = frozenset({"merge", "unmerge", "split"})  # actions that need another order, or the facts so far
HANDING = frozenset({"merge", "transfer", "recall", "police"})  # actions that ask for a hand-over that waits


class Command(Struct, frozen=True):
    """One write: `target` is an order, with `on_assignment` an assignment, with `on_request` a request that is decided,
    with `on_supervision` a supervision; `version` is what If-Match said, None from a citizen, who sees none."""

    principal: Principal
    key: str
    body_hash: bytes
    version: int | None
    target: UUID
    on_assignment: bool
    action: str
    body: Any
    on_request: bool = False
    on_supervision: bool = False

    @property
    def on_order(self) -> bool:
        """Whether it is about an order as a whole."""
        return not (self.on_assignment or self.on_request or self.on_supervision)

    @property
    def keyed(self) -> Key:
        """Principal and idempotency key."""
        return (self.principal.id, self.key)

    @property
    def actor(self) -> Actor:
        """The principal as the rules know one."""
        return Actor(self.principal.id, self.principal.role, self.principal.unit)


class Answered(Struct, frozen=True):
    """The answer: JSON, and the version it leaves the target at."""

    version: int
    body: bytes


def answered_before(kept: Mapping[Key, Kept], keyed: Key, body_hash: bytes) -> Answered | None:
    """The first answer to a write that comes again under its principal and key; None for a new one. Raises Refused
    `key_reused` when the key stood on another body."""
    first = kept.get(keyed)
    if first is None:
        return None
    if first.body_hash != body_hash:
        raise Refused("key_reused", keyed[1])
    return Answered(first.version, first.answer)


class _Target(Struct, frozen=True):
    """What a write is about: an order, or one of its assignments, requests or supervisions."""

    order: Order
    assignment: Assignment | None = None
    request: Request | None = None
    supervision: Supervision | None = None

    @property
    def version(self) -> int:
        """What If-Match must name."""
        return (self.supervision or self.request or self.assignment or self.order).version


@dataclass(slots=True)
class _State:
    page: Page
    order_of: dict[UUID, UUID]
    keys: dict[Key, Kept]
    new_keys: dict[Key, Kept] = field(default_factory=dict)
    recent: dict[UUID, list[dict[str, Any]]] = field(default_factory=dict)


class ActionHandler:
    """Takes people's actions through the desk."""

    lock_space = LOCK_SPACE

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def locks(self, commands: Sequence[Command]) -> Iterable[int]:
        """None yet: which order an assignment belongs to is only known after a look."""
        return ()

    async def gather(self, connection: Connection, commands: Sequence[Command], now: datetime) -> _State:
        """The orders, locked, with first answers, reports that are named, and what changed since stale versions."""
        parts = [c.target for c in commands if c.on_assignment]
        order_of = await store.orders_of_assignments(connection, parts) if parts else {}
        decided = [c.target for c in commands if c.on_request]
        order_of |= await requests.orders_of(connection, decided) if decided else {}
        watched = [c.target for c in commands if c.on_supervision]
        order_of |= await supervisions.orders_of(connection, watched) if watched else {}
        order_of |= {c.target: c.target for c in commands if c.on_order}
        wanted = set(order_of.values())
        moving = {c.target: c for c in commands if c.action in MOVING and not c.on_assignment}
        lines = await store.merged_into(connection, {*moving, *_named(moving.values())}) if moving else {}
        wanted |= {*_named(moving.values()), *(line[0] for line in lines.values())}
        book = Book(await lock_orders(connection, wanted), self._directory, merged_on=lines)
        book.orders = await store.load(connection, wanted)
        if moving:
            book.pasts = await store.pasts(connection, wanted)
        handed = {order_of[c.target] for c in commands if c.action in HANDING and c.target in order_of}
        if handed:
            book.handovers = await handovers.waiting(connection, handed)
        split = {part: o.order_id for o in book.orders.values() for part in o.detail.parts}
        for part in await store.open_of(connection, split) if split else ():
            book.open_parts.setdefault(split[part], []).append(part)
        finished = {order_of[c.target] for c in commands if c.action == "finish" and c.target in order_of}
        if finished:
            book.attachments = await attachments.kinds(connection, finished)
        if any(isinstance(c.body, AskedFor) for c in commands):
            book.clocks = await clocks.latest(connection, list(book.orders))
        state = _State(Page(book), order_of, await keys.answers(connection, [c.keyed for c in commands]))
        stale = {order.order_id for c in commands if (order := self._stale(state, c)) is not None}
        if stale:
            state.recent = await reads.recent_changes(connection, stale, SHOWN_CHANGES)
        return state

    def decide(self, state: _State, command: Command, output: Output) -> Answered:
        """The answer to one write. Raises Refused before anything is folded."""
        target = self._target(state, command)
        order = target.order
        self._check_caller(target, command)
        if (first := answered_before(state.keys, command.keyed, command.body_hash)) is not None:
            return first
        if command.version not in (None, target.version):
            raise Refused(
                "version_stale",
                f"now {target.version}",
                version=target.version,
                order_version=order.version,
                order_status=order.status,
                changes=self._changes_since(state, order, command),
            )
        self._act(state.page.book, target, command)
        state.page.announce(output)
        answer = _encode(shapes.changed(self._directory, order))
        kept = Kept(command.body_hash, target.version, answer)
        state.keys[command.keyed] = state.new_keys[command.keyed] = kept
        metrics.ACTIONS.labels(command.action).inc()
        return Answered(kept.version, answer)

    async def apply(self, connection: Connection, state: _State) -> None:
        """Write changes and first answers."""
        await state.page.save(connection)
        await keys.save(connection, state.new_keys)

    def _check_caller(self, target: _Target, command: Command) -> None:
        if target.request is not None:
            check_decider(self._directory, target.request, command.actor)
            return
        if target.supervision is not None:
            supervising.check_caller(self._directory, target.supervision, command.action, command.actor)
            return
        caller = standing.caller(self._directory, target.order, target.assignment, command.actor)
        lifecycle.check_caller(command.action, caller, on_assignment=command.on_assignment)

    def _act(self, book: Book, target: _Target, command: Command) -> None:
        actor = command.actor
        # the target is part of the cause: a key belongs to a principal, its facts to what they changed
        cause = fact_id(command.target, f"{actor.id}\x1f{command.key}")
        asked = Act(command.action, command.body, actor, cause)
        if target.request is not None:
            decide(book, target.order, target.request, asked)
        elif target.supervision is not None:
            act = supervising.answer if command.action == "answer" else supervising.decide
            act(book, target.order, target.supervision, asked)
        elif target.assignment is not None:
            acts.on_assignment(book, target.order, target.assignment, asked)
        else:
            acts.on_order(book, target.order, asked)

    def _target(self, state: _State, command: Command) -> _Target:
        order = state.page.book.orders.get(state.order_of.get(command.target, command.target))
        target = order.assignment(command.target) if order is not None and command.on_assignment else None
        if order is None or (command.on_assignment and target is None):  # an order is no assignment of its own
            raise Refused("not_found")
        if command.on_request:
            return _Target(order, request=order.request(command.target))
        if command.on_supervision:
            return _Target(order, supervision=order.supervision(command.target))
        return _Target(order, target)

    def _changes_since(self, state: _State, order: Order, command: Command) -> list[dict[str, Any]]:
        """What happened since the version that the caller saw, the newest first; at least the newest change of all."""
        rows = [_shown(c) for c in reversed(state.page.book.changes) if c.order is order]
        rows += state.recent.get(order.order_id, [])
        if command.on_request or command.on_supervision:
            return rows[:SHOWN_CHANGES]
        seen = command.version or 0
        if command.on_assignment:
            since = [r for r in rows if r["assignment_id"] == command.target and r["new_version"] > seen]
        else:
            since = [r for r in rows if r["order_version"] > seen]
        return (since or rows[:1])[:SHOWN_CHANGES]

    def _stale(self, state: _State, command: Command) -> Order | None:
        """The order of a command whose version is not the present one."""
        if state.order_of.get(command.target, command.target) not in state.page.book.orders:
            return None
        if command.keyed in state.keys:
            return None
        target = self._target(state, command)
        return target.order if command.version not in (None, target.version) else None


def _named(commands: Iterable[Command]) -> set[UUID]:
    """The orders that these are to be merged into."""
    return {into for c in commands if (into := getattr(c.body, "into", None)) is not None}


def _shown(change: Change) -> dict[str, Any]:
    """A change of this very transaction, as `reads.recent_changes` shows earlier ones."""
    return {
        "seq": change.fact.seq,
        "action": change.action,
        "type": type(change.fact).__name__,
        "unit": change.fact.unit,
        "order_version": change.order_version,
        "assignment_id": change.assignment_id,
        "new_version": change.new_version,
        "recorded_at": change.fact.recorded_at,
    }
