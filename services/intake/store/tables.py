"""The table of intake's schema. Classes are for migrations and their check; no row travels through them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Index, LargeBinary, MetaData, Text
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlmodel import Field, SQLModel

from services.chassis.tables import moment, with_delivery


class Base(SQLModel):
    """Keeps intake's tables apart from other services'."""

    metadata = MetaData()


class KeyRow(Base, table=True):
    """What makes a repeat the same report: one row for (source, source id), one for (principal, idempotency key).

    `key_id` is derived from the key and is the `report_id` unless a report has both; `body_hash` is of what was sent;
    `acked` says that the report is on Kafka or in the spool. Kept 45 days."""

    __tablename__ = "keys"
    key_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    report_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=False))
    body_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    source: str = Field(sa_column=Column(Text, nullable=False))
    received_at: datetime = Field(sa_column=moment())
    acked: bool = False
    at: datetime = Field(sa_column=moment(default=True))

    __table_args__ = (Index("keys_at", "at", postgresql_using="brin"),)


metadata = with_delivery(Base.metadata)
