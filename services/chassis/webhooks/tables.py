"""The tables of webhooks, for a service that sends them; classes are for migrations and their check."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Integer, LargeBinary, MetaData, Text, text
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlmodel import Field, SQLModel

from services.chassis.tables import moment

WAITING = "state = 'waiting'"
STATES = "state IN ('waiting', 'delivered', 'dead')"


class WebhookDelivery(SQLModel, table=True):
    """One message to one destination. What has the same `stream` arrives in the order of `n`; `due` is when it is
    tried next, and while it is being tried, when it will be taken for lost. `body` is emptied once it has arrived."""

    __tablename__ = "webhook_deliveries"
    n: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=False))
    destination: str = Field(sa_column=Column(Text, nullable=False))
    stream: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=False))
    type: str = Field(sa_column=Column(Text, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at: datetime = Field(sa_column=moment(default=True))
    state: str = Field(sa_column=Column(Text, nullable=False, server_default="waiting"))
    attempts: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    due: datetime = Field(sa_column=moment(default=True))
    ended_at: datetime | None = Field(sa_column=moment(nullable=True))
    reason: str = Field(sa_column=Column(Text, nullable=False, server_default=""))

    __table_args__ = (
        CheckConstraint(STATES, name="state_known"),
        Index("webhook_deliveries_id", "id", unique=True),
        Index("webhook_deliveries_due", "destination", "due", "n", postgresql_where=text(WAITING)),
        Index("webhook_deliveries_stream", "destination", "stream", "n", postgresql_where=text(WAITING)),
        Index("webhook_deliveries_ended", "state", "ended_at", postgresql_where=text("state <> 'waiting'")),
    )


class WebhookPause(SQLModel, table=True):
    """A destination to which nothing is sent until a person says so, and why."""

    __tablename__ = "webhook_pauses"
    destination: str = Field(sa_column=Column(Text, primary_key=True))
    at: datetime = Field(sa_column=moment(default=True))
    reason: str = Field(sa_column=Column(Text, nullable=False))


def with_webhooks(metadata: MetaData) -> MetaData:
    """A service's tables, and beside them those of webhooks."""
    for kind in (WebhookDelivery, WebhookPause):
        SQLModel.metadata.tables[kind.__tablename__].to_metadata(metadata)
    return metadata
