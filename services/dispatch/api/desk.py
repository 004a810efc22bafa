"""What the routes stand on: the pool, the desk for writes, the directory; and who may see what."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
from fastapi import Request

from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.asking import KEY_LENGTH as KEY_LENGTH
from services.chassis.asking import idempotency_key as idempotency_key
from services.chassis.asking import if_match as if_match
from services.chassis.auth import Principal
from services.chassis.commands import Desk
from services.chassis.web import principal
from services.dispatch.handlers import Answered, Command, HandoverCommand
from services.dispatch.handlers.cases import CaseCommand
from services.dispatch.handlers.proposals import ProposalCommand
from services.dispatch.handlers.tasks import Portion, Pushed
from services.dispatch.rules import visibility
from services.dispatch.rules.book import Actor
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.order import Order
from services.dispatch.store import reads
from services.dispatch.store.filters import Scope

PAGE = 50
MOST = 200


@dataclass(slots=True)
class Rooms:
    """What an API process holds while it runs. `settling` is how long a transaction may take: nothing recorded longer
    ago can still come."""

    pool: asyncpg.Pool
    desk: Desk[Command, Answered]
    tasks: Desk[Portion, Pushed]
    directory: Directory
    settling: timedelta
    stream_every: float
    handovers: Desk[HandoverCommand, Answered]
    cases: Desk[CaseCommand, Answered]
    proposals: Desk[ProposalCommand, Answered]


def rooms(request: Request) -> Rooms:
    """The rooms of the running app."""
    found: Rooms = request.app.state.rooms
    return found


def reader(request: Request) -> Principal:
    """A caller who may read orders at all."""
    return principal(request, *visibility.READERS)


def actor_of(caller: Principal) -> Actor:
    """A caller as the rules know one."""
    return Actor(caller.id, caller.role, caller.unit)


def scope_of(directory: Directory, caller: Principal) -> Scope:
    """What a caller may see."""
    if visibility.sees_all(caller.role, caller.unit):
        return Scope(True)
    handler = caller.role is Role.RESPONDER
    return Scope(
        False,
        directory.acts_for(caller.unit),
        handler,
        () if handler else directory.boundary(caller.unit),
        directory.answers_for(caller.unit),
    )


def check_sight(directory: Directory, caller: Principal, order: Order) -> None:
    """Raises Refused `other_unit` for an order outside the caller's queue and jurisdiction."""
    if not sees(directory, caller, order):
        raise Refused("other_unit")


def sees(directory: Directory, caller: Principal, order: Order) -> bool:
    """Whether an order lies in the caller's queue or jurisdiction."""
    return visibility.sees(directory, caller.role, caller.unit, order)


async def settled(found: Rooms, moment: datetime) -> datetime:
    """A past moment that can be shown. Raises Refused `moment_too_young` when a change recorded before it may still
    come."""
    latest = await reads.now(found.pool) - found.settling
    if moment > latest:
        raise Refused("moment_too_young", f"the latest is {latest.isoformat()}")
    return moment


def hash_of(*parts: bytes) -> bytes:
    """What tells one request from another under the same key."""
    return hashlib.blake2b(b"\x1f".join(parts), digest_size=16).digest()
