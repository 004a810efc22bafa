"""A toy service for the seam: accounts that messages add to. Small enough to see at once whether one was lost or
counted twice, and a read-then-write on purpose, so that a missing lock shows."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
from msgspec import Struct
from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from schemas.codec import message
from schemas.envelope import Outgoing, Record, headers_of
from schemas.facts import Reading, ReadingReceived
from schemas.ids import fact_id
from schemas.refusals import Refused
from schemas.topics import SENSORS_READINGS, Topic
from services.chassis.database import Connection
from services.chassis.delivery import Output, Work
from services.chassis.tables import with_delivery

ACCOUNTS = "CREATE TABLE accounts (name text PRIMARY KEY, total bigint NOT NULL, changes int NOT NULL)"


def ddl() -> list[str]:
    """The tables every service has, as the migrations make them, and the toy's own."""
    tables = with_delivery(MetaData(), pending=True).sorted_tables
    return [*(str(CreateTable(table).compile(dialect=postgresql.dialect())) for table in tables), ACCOUNTS]


MOMENT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def reading(account: str, amount: float) -> ReadingReceived:
    """A message that adds `amount` to an account."""
    return ReadingReceived(readings=(Reading(device_id=account, kind="toy", value=amount, unit="1", at=MOMENT),))


def outgoing(account: str, amount: float, *, id: UUID | None = None, topic: Topic = SENSORS_READINGS) -> Outgoing:
    """The same as a message for Kafka."""
    return message(topic, reading(account, amount), id=id or uuid4(), key=account, source="test", time=MOMENT)


def record(account: str, amount: float, *, id: UUID | None = None, offset: int = 0) -> Record:
    """The same as a message that was read."""
    sent = outgoing(account, amount, id=id)
    return Record(sent.topic, 0, offset, sent.key, sent.value, sent.headers, 0)


def unreadable(value: bytes = b"{", *, offset: int = 0) -> Record:
    """A message nobody can read."""
    headers = headers_of(id=uuid4(), kind="ReadingReceived", source="test", subject="x", time=MOMENT)
    return Record(SENSORS_READINGS.name, 0, offset, b"k", value, headers, 0)


@dataclass
class State:
    """Accounts as they were read, and what was folded in."""

    totals: dict[str, tuple[int, int]]
    touched: set[str] = field(default_factory=set)


@dataclass
class Ledger:
    """Adds amounts. `stall` is awaited between decide and apply; amounts in `poison` raise; `refuse` are refused."""

    consumer: str = "ledger"
    lock_space: int = 77
    stall: asyncio.Event | None = None
    stalled: asyncio.Event = field(default_factory=asyncio.Event)
    poison: set[float] = field(default_factory=set)
    refuse: set[float] = field(default_factory=set)
    failures: list[Exception] = field(default_factory=list)
    gathered: int = 0

    def wants(self, fact: Struct) -> bool:
        return isinstance(fact, ReadingReceived)

    def inboxed(self, fact: Struct) -> bool:
        return True

    def prepare(self, works: Sequence[Work]) -> None:
        pass

    def locks(self, works: Sequence[Work]) -> Iterable[int]:
        return (hash_of(r.device_id) for work in works for r in work.fact.readings)

    async def gather(self, connection: Connection, works: Sequence[Work], now: datetime) -> State:
        self.gathered += 1
        if self.failures:
            raise self.failures.pop(0)
        names = [r.device_id for work in works for r in work.fact.readings]
        rows = await connection.fetch("SELECT name, total, changes FROM accounts WHERE name = ANY($1)", names)
        return State({row["name"]: (row["total"], row["changes"]) for row in rows})

    def decide(self, state: State, work: Work, output: Output) -> None:
        for item in work.fact.readings:
            if item.value in self.refuse:
                raise Refused("key_reused", "on purpose")
            if item.value in self.poison:
                raise ZeroDivisionError("on purpose")
            total, changes = state.totals.get(item.device_id, (0, 0))
            state.totals[item.device_id] = (total + int(item.value), changes + 1)
            state.touched.add(item.device_id)
        output.messages.append(outgoing(item.device_id, item.value, id=fact_id(work.id, "copy")))

    async def apply(self, connection: Connection, state: State) -> None:
        if self.stall is not None:
            self.stalled.set()
            await self.stall.wait()
        names = sorted(state.touched)
        await connection.execute(
            "INSERT INTO accounts SELECT * FROM unnest($1::text[], $2::int8[], $3::int4[])"
            " ON CONFLICT (name) DO UPDATE SET total = excluded.total, changes = excluded.changes",
            names,
            [state.totals[n][0] for n in names],
            [state.totals[n][1] for n in names],
        )


class Deposit(Struct, frozen=True):
    """A person's write: the REST twin of a message."""

    account: str
    amount: int


class Counter(Ledger):
    """The same accounts through the command desk."""

    def locks(self, commands: Sequence[Deposit]) -> Iterable[int]:  # type: ignore[override]
        return (hash_of(c.account) for c in commands)

    async def gather(self, connection: Connection, commands: Sequence[Deposit], now: datetime) -> State:  # type: ignore[override]
        names = [c.account for c in commands]
        rows = await connection.fetch("SELECT name, total, changes FROM accounts WHERE name = ANY($1)", names)
        return State({row["name"]: (row["total"], row["changes"]) for row in rows})

    def decide(self, state: State, command: Deposit, output: Output) -> int:  # type: ignore[override]
        if command.amount in self.refuse:
            raise Refused("action_not_allowed", "on purpose")
        if command.amount in self.poison:
            raise ZeroDivisionError("on purpose")
        total, changes = state.totals.get(command.account, (0, 0))
        state.totals[command.account] = (total + command.amount, changes + 1)
        state.touched.add(command.account)
        return total + command.amount


def hash_of(name: str) -> int:
    """A stable hash of an account's name."""
    return int.from_bytes(name.encode()[:8].ljust(8, b"\0"), "big")


async def total(pool: asyncpg.Pool, name: str) -> tuple[int, int]:
    """Total and number of changes of an account."""
    row = await pool.fetchrow("SELECT total, changes FROM accounts WHERE name = $1", name)
    return (row["total"], row["changes"]) if row else (0, 0)
