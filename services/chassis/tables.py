"""The tables every service has beside its own: inbox, outbox, refused messages, stops. Classes are SQLModel's, for
migrations and their check; no row travels through them at run time."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Integer, LargeBinary, MetaData, Text, text
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlmodel import Field, SQLModel

NOW = text("clock_timestamp()")


def moment(*, default: bool = False, nullable: bool = False, **extra: object) -> Column[datetime]:
    """A timestamp column with time zone; `default` lets the database's clock fill it."""
    return Column(DateTime(timezone=True), nullable=nullable, server_default=NOW if default else None, **extra)  # type: ignore[arg-type]


class Inbox(SQLModel, table=True):
    """Ids of messages that were brought to their end, per consumer; kept 45 days."""

    consumer: str = Field(sa_column=Column(Text, primary_key=True))
    id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    at: datetime = Field(sa_column=moment(default=True))

    __table_args__ = (Index("inbox_at", "at", postgresql_using="brin"),)


class Outbox(SQLModel, table=True):
    """Messages of committed transactions that are not yet on Kafka; one row holds a batch's."""

    n: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    urgent: bool
    recorded_at: datetime = Field(sa_column=moment())
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))

    __table_args__ = (Index("outbox_order", text("urgent DESC"), "n"),)


class OutboxRefused(SQLModel, table=True):
    """Messages that Kafka refused for good, for a person to look at."""

    __tablename__ = "outbox_refused"
    n: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = Field(sa_column=moment(default=True))
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))


class Stop(SQLModel, table=True):
    """A consumer that stands still until a person has looked, and why."""

    __tablename__ = "stops"
    consumer: str = Field(sa_column=Column(Text, primary_key=True))
    at: datetime = Field(sa_column=moment(default=True))
    reason: str = Field(sa_column=Column(Text, nullable=False))


class Pending(SQLModel, table=True):
    """Facts of an order that wait for an earlier one."""

    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    seq: int = Field(sa_column=Column(Integer, primary_key=True))
    topic: str = Field(sa_column=Column(Text, nullable=False))
    type: str = Field(sa_column=Column(Text, nullable=False))
    value: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at: datetime = Field(sa_column=moment())


def with_delivery(metadata: MetaData, *, pending: bool = False) -> MetaData:
    """A service's own tables, and beside them those of delivery (and `pending`, for readers of numbered facts)."""
    for kind in (Inbox, Outbox, OutboxRefused, Stop, *((Pending,) if pending else ())):
        kind.__table__.to_metadata(metadata)
    return metadata
