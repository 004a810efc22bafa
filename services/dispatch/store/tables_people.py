"""Tables beside the orders: photos, duty rosters as people changed them, and who saw a reporter's identity."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, LargeBinary, text
from sqlmodel import Field

from services.chassis.tables import moment
from services.dispatch.store.tables_base import Base, text_column, uuid_column


class AttachmentRow(Base, table=True):
    """A photo of an order, with its bytes."""

    __tablename__ = "attachments"
    attachment_id: UUID = Field(sa_column=uuid_column(key=True))
    order_id: UUID = Field(sa_column=uuid_column())
    kind: str = Field(sa_column=text_column())
    media_type: str = Field(sa_column=text_column())
    width: int
    height: int
    size: int
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    principal: str = Field(sa_column=text_column())
    unit: str = Field(sa_column=text_column())
    at: datetime = Field(sa_column=moment(default=True))

    __table_args__ = (Index("attachments_order", "order_id", "at"),)


class DutyRow(Base, table=True):
    """A change of the duty roster: somebody else is on for a while (with `starts` and `ends`), or a hand-over note."""

    __tablename__ = "duty_changes"
    n: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    unit: str = Field(sa_column=text_column())
    starts: datetime | None = Field(sa_column=moment(nullable=True))
    ends: datetime | None = Field(sa_column=moment(nullable=True))
    person: str = Field(sa_column=text_column())
    deputy: str = Field(sa_column=text_column())
    phone: str = Field(sa_column=text_column())
    note: str = Field(sa_column=text_column())
    principal: str = Field(sa_column=text_column())
    key: str = Field(sa_column=text_column())
    body_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at: datetime = Field(sa_column=moment(default=True))

    __table_args__ = (
        CheckConstraint("(starts IS NULL) = (ends IS NULL)", name="span_whole"),
        CheckConstraint("starts < ends", name="span_forward"),
        Index("duty_changes_key", "principal", "key", unique=True),
        Index("duty_changes_swaps", "unit", "ends", postgresql_where=text("ends IS NOT NULL")),
        Index("duty_changes_notes", "unit", "at", postgresql_where=text("ends IS NULL")),
    )


class Reveal(Base, table=True):
    """Who saw a reporter's identity, when, and for what."""

    __tablename__ = "reveals"
    n: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = Field(sa_column=moment(default=True))
    order_id: UUID = Field(sa_column=uuid_column())
    principal: str = Field(sa_column=text_column())
    role: str = Field(sa_column=text_column())
    unit: str = Field(sa_column=text_column())
    purpose: str = Field(sa_column=text_column())

    __table_args__ = (Index("reveals_order", "order_id"),)
