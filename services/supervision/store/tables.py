"""Supervision's schema: orders, clocks, notices, rungs, Ticks, dead facts. For migrations and their check only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlmodel import Field

from services.chassis.tables import moment, with_delivery
from services.supervision.store import number_tables
from services.supervision.store.base import Base

OPEN = "NOT imported AND status IN ('triage', 'dispatched', 'handling', 'verifying', 'callback', 'parked')"


class OrderRow(Base, table=True):
    """One order as its clocks see it; `seq` is the newest fact that was folded into `timeline` and `ledger` (what
    numbers need of it). `open`: its clocks can still move, so that whoever goes over all clocks need not go over those
    of years. `spot` is its class and the cell of about 200 m in which it was opened."""

    __tablename__ = "orders"
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    seq: int = Field(sa_column=Column(Integer, nullable=False))
    division: str = Field(sa_column=Column(Text, nullable=False))
    urgency: str = Field(sa_column=Column(Text, nullable=False))
    imported: bool
    open: bool = Field(sa_column=Column(Boolean, nullable=False))
    timeline: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    ledger: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    opened_at: datetime = Field(sa_column=moment())
    spot: str | None = Field(sa_column=Column(Text, nullable=True))

    __table_args__ = (
        CheckConstraint("seq > 0", name="orders_seq"),
        Index("orders_open", "order_id", postgresql_where=text("open")),
        Index("orders_aging", "opened_at", postgresql_where=text(OPEN)),
        Index("orders_spot", "spot", "opened_at", postgresql_where=text("spot IS NOT NULL")),
    )


class SpecialCaseRow(Base, table=True):
    """One special case as its commitments' clocks see it; `seq` is the newest fact that was folded into `timeline`.
    Those clocks, their notices and what waits of the case lie in the tables of orders, under its id."""

    __tablename__ = "special_cases"
    case_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    seq: int = Field(sa_column=Column(Integer, nullable=False))
    division: str = Field(sa_column=Column(Text, nullable=False))
    timeline: bytes = Field(sa_column=Column(LargeBinary, nullable=False))

    __table_args__ = (CheckConstraint("seq > 0", name="special_cases_seq"),)


class ClockRow(Base, table=True):
    """One clock, of an order or (a commitment's) of the special case whose id stands in `order_id`. The row is the
    timer: `next_notice` is due to be given at `next_at`; `warned_due` and `missed_due` are the deadlines for which a
    warning and a miss were announced and stand."""

    __tablename__ = "clocks"
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    clock_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    stage: str = Field(sa_column=Column(Text, nullable=False))
    round: int = Field(sa_column=Column(SmallInteger, nullable=False))
    owner: str = Field(sa_column=Column(Text, nullable=False))
    assignment_id: UUID | None = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=True))
    report_id: UUID | None = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=True))
    start: datetime = Field(sa_column=moment())
    due: datetime = Field(sa_column=moment())
    warn_at: datetime = Field(sa_column=moment())
    state: str = Field(sa_column=Column(Text, nullable=False))
    policy: str = Field(sa_column=Column(Text, nullable=False))
    warned_due: datetime | None = Field(sa_column=moment(nullable=True))
    missed_due: datetime | None = Field(sa_column=moment(nullable=True))
    next_notice: str | None = Field(sa_column=Column(Text, nullable=True))
    next_at: datetime | None = Field(sa_column=moment(nullable=True))

    __table_args__ = (
        CheckConstraint("state IN ('running', 'paused', 'met', 'missed', 'cancelled')", name="clocks_state"),
        CheckConstraint("next_notice IN ('warn', 'miss')", name="clocks_next_notice"),
        CheckConstraint("(next_notice IS NULL) = (next_at IS NULL)", name="clocks_next"),
        Index("clocks_timers", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        Index("clocks_breaches", "due", "clock_id", postgresql_where=text("state = 'missed'")),
        Index("clocks_breaches_of", "owner", "due", "clock_id", postgresql_where=text("state = 'missed'")),
    )


class NoticeRow(Base, table=True):
    """One notice that was given: once per (clock, notice, due). `times` counts announcements: a miss that was withdrawn
    and came true after all is announced anew. `late`: it was given long after its moment, after a standstill."""

    __tablename__ = "notices"
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    clock_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    notice: str = Field(sa_column=Column(Text, primary_key=True))
    due: datetime = Field(sa_column=moment(primary_key=True))
    at: datetime = Field(sa_column=moment())
    times: int = Field(sa_column=Column(SmallInteger, nullable=False, server_default="1"))
    late: bool = Field(sa_column=Column(Boolean, nullable=False, server_default="false"))
    withdrawn_at: datetime | None = Field(sa_column=moment(nullable=True))
    cause: str | None = Field(sa_column=Column(Text, nullable=True))

    __table_args__ = (
        CheckConstraint("notice IN ('warn', 'miss')", name="notices_notice"),
        Index("notices_late", "at", postgresql_where=text("late")),
    )


class RungRow(Base, table=True):
    """A rung of the ladder on one clock, once per (clock, rung, due): `waiting` for its moment `at`, or what became of
    it. `after` is the notice that it counts from; `times` counts how often it was raised, `cause` is why it ended."""

    __tablename__ = "rungs"
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    clock_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    rung: str = Field(sa_column=Column(Text, primary_key=True))
    due: datetime = Field(sa_column=moment(primary_key=True))
    after: str = Field(sa_column=Column(Text, nullable=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    level: int = Field(sa_column=Column(SmallInteger, nullable=False))
    at: datetime = Field(sa_column=moment())
    state: str = Field(sa_column=Column(Text, nullable=False))
    times: int = Field(sa_column=Column(SmallInteger, nullable=False))
    late: bool
    raised_at: datetime | None = Field(sa_column=moment(nullable=True))
    ended_at: datetime | None = Field(sa_column=moment(nullable=True))
    cause: str | None = Field(sa_column=Column(Text, nullable=True))

    __table_args__ = (
        CheckConstraint("after IN ('start', 'warn', 'miss')", name="rungs_after"),
        CheckConstraint("state IN ('waiting', 'raised', 'cancelled', 'cleared', 'withdrawn')", name="rungs_state"),
        Index("rungs_timers", "at", postgresql_where=text("state = 'waiting'")),
        Index("rungs_raised", "raised_at", "clock_id", postgresql_where=text("state = 'raised'")),
    )


class TickRow(Base, table=True):
    """Per partition of `orders.events`: everything recorded before `t` has been folded."""

    __tablename__ = "ticks"
    part: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    t: datetime = Field(sa_column=moment())


class DeadFactRow(Base, table=True):
    """A fact of an order that became a dead letter. Until fact `seq` of the order has come after all, nothing of that
    order is called missed. For an unreadable message `seq` is the earliest it can have been."""

    __tablename__ = "dead_facts"
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    place: str = Field(sa_column=Column(Text, primary_key=True))
    seq: int = Field(sa_column=Column(Integer, nullable=False))
    at: datetime = Field(sa_column=moment())


class TermsRow(Base, table=True):
    """One state of the city's terms (policy with its versions, calendars, centres) that a worker set clocks by.
    `applied_at`: when every open order was last gone over by it; clocks are of it, or of one seen since."""

    __tablename__ = "terms"
    digest: str = Field(sa_column=Column(Text, primary_key=True))
    version: str = Field(sa_column=Column(Text, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    seen_at: datetime = Field(sa_column=moment())
    applied_at: datetime | None = Field(sa_column=moment(nullable=True))


metadata = with_delivery(number_tables.METADATA, pending=True)
