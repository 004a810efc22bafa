"""Answers to the question whether two orders are one, through a desk: both orders are locked, then read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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
from services.dispatch.rules.book import Actor, Book
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.proposals import Answer, Proposal, answer, check_sight
from services.dispatch.store import handovers, keys, proposals
from services.dispatch.store import orders as store
from services.dispatch.store.keys import Kept, Key

_encode = msgspec.json.Encoder().encode


class ProposalCommand(Struct, frozen=True):
    """One answer; `version` is what If-Match said of the proposal."""

    principal: Principal
    key: str
    body_hash: bytes
    version: int
    proposal_id: UUID
    body: Answer

    @property
    def keyed(self) -> Key:
        """Principal and idempotency key."""
        return (self.principal.id, self.key)


@dataclass(slots=True)
class _State:
    page: Page
    proposals: dict[UUID, Proposal]
    keys: dict[Key, Kept]
    new_keys: dict[Key, Kept] = field(default_factory=dict)
    answered: list[Proposal] = field(default_factory=list)


class ProposalHandler:
    """Takes dispatchers' answers."""

    lock_space = LOCK_SPACE

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def locks(self, commands: Sequence[ProposalCommand]) -> Iterable[int]:
        """None yet: which orders a proposal is about is only known after a look."""
        return ()

    async def gather(self, connection: Connection, commands: Sequence[ProposalCommand], now: datetime) -> _State:
        """The orders of the proposals, locked, with all that a merger asks of them; then the proposals under it."""
        ids = {c.proposal_id for c in commands}
        wanted = {id_ for each in (await proposals.load(connection, ids)).values() for id_ in each.orders}
        lines = await store.merged_into(connection, wanted)
        wanted |= {line[0] for line in lines.values()}
        book = Book(await lock_orders(connection, wanted), self._directory, merged_on=lines)
        book.orders = await store.load(connection, wanted)
        book.pasts = await store.pasts(connection, wanted)
        book.handovers = await handovers.waiting(connection, wanted)
        split = {part: o.order_id for o in book.orders.values() for part in o.detail.parts}
        for part in await store.open_of(connection, split) if split else ():
            book.open_parts.setdefault(split[part], []).append(part)
        found = await proposals.load(connection, ids)
        return _State(Page(book), found, await keys.answers(connection, [c.keyed for c in commands]))

    def decide(self, state: _State, command: ProposalCommand, output: Output) -> Answered:
        """The answer to one answer. Raises Refused before anything is folded."""
        book, caller = state.page.book, command.principal
        proposal = state.proposals.get(command.proposal_id)
        if proposal is None:
            raise Refused("not_found")
        actor = Actor(caller.id, caller.role, caller.unit)
        check_sight(self._directory, tuple(o for id_ in proposal.orders if (o := book.orders.get(id_))), actor)
        if (first := answered_before(state.keys, command.keyed, command.body_hash)) is not None:
            return first
        if command.version != proposal.version:
            raise Refused("version_stale", f"now {proposal.version}", version=proposal.version, state=proposal.state)
        cause = fact_id(proposal.proposal_id, f"{caller.id}\x1f{command.key}")
        order = answer(book, proposal, command.body, actor, cause)
        state.answered.append(proposal)
        state.page.announce(output)
        body = {"proposal_id": proposal.proposal_id, "version": proposal.version, "state": proposal.state}
        raw = _encode(body | {"order": shapes.brief(self._directory, order)})
        kept = Kept(command.body_hash, proposal.version, raw)
        state.keys[command.keyed] = state.new_keys[command.keyed] = kept
        metrics.MERGE_ANSWERS.labels(proposal.state.value).inc()
        return Answered(kept.version, raw)

    async def apply(self, connection: Connection, state: _State) -> None:
        """Write changes, answers, and the first answers to their keys."""
        await state.page.save(connection)
        await proposals.save(connection, state.answered)
        await keys.save(connection, state.new_keys)
