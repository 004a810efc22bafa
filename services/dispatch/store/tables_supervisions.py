"""Tables of supervisions, and of what waits to be told about them; classes are for migrations and their check."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, Column, Index, SmallInteger, Text, text
from sqlmodel import Field

from schemas.vocabulary import SupervisionKind, SupervisionState
from services.chassis.tables import moment
from services.dispatch.store.tables_base import Base, one_of, text_column, uuid_column

_LIVE_SUPERVISION = "state IN ('open', 'answered')"


class SupervisionRow(Base, table=True):
    """A supervision of an order: who answers (`answerer`), who accepts (`by`). `words` is what dispatch alone keeps."""

    __tablename__ = "supervisions"
    supervision_id: UUID = Field(sa_column=uuid_column(key=True))
    order_id: UUID = Field(sa_column=uuid_column())
    ordinal: int = Field(sa_column=Column(SmallInteger, nullable=False))
    kind: str = Field(sa_column=text_column())
    level: int = Field(sa_column=Column(SmallInteger, nullable=False))
    answerer: str = Field(sa_column=text_column())
    by: str = Field(sa_column=text_column())
    round: int = Field(sa_column=Column(SmallInteger, nullable=False))
    made_at: datetime = Field(sa_column=moment())
    note: str = Field(sa_column=text_column())
    rung: str = Field(sa_column=text_column())
    stage: str | None = Field(sa_column=Column(Text, nullable=True))
    due: datetime | None = Field(sa_column=moment(nullable=True))
    clock_id: UUID | None = Field(sa_column=uuid_column(nullable=True))
    late: bool
    state: str = Field(sa_column=text_column())
    version: int
    since: datetime = Field(sa_column=moment())
    turn: int = Field(sa_column=Column(SmallInteger, nullable=False))
    answer_due: datetime | None = Field(sa_column=moment(nullable=True))
    answered_at: datetime | None = Field(sa_column=moment(nullable=True))
    ended_at: datetime | None = Field(sa_column=moment(nullable=True))
    cause: str = Field(sa_column=text_column())
    withdrawn: bool
    words: str = Field(sa_column=Column(JSON, nullable=False))

    __table_args__ = (
        one_of("state", SupervisionState),
        one_of("kind", SupervisionKind),
        Index("supervisions_order", "order_id", "ordinal", unique=True),
        Index("supervisions_made", "made_at", "supervision_id"),
        Index("supervisions_answerer", "answerer", "made_at", postgresql_where=text(_LIVE_SUPERVISION)),
        Index("supervisions_by", "by", "made_at", postgresql_where=text(_LIVE_SUPERVISION)),
    )


class ToldLaterRow(Base, table=True):
    """What a channel is told at `flush_at`, in one digest with whatever else is due by then: the last word on each
    `subject`."""

    __tablename__ = "told_later"
    channel: str = Field(sa_column=Column(Text, primary_key=True))
    subject: UUID = Field(sa_column=uuid_column(key=True))
    item: str = Field(sa_column=Column(JSON, nullable=False))
    at: datetime = Field(sa_column=moment())
    flush_at: datetime = Field(sa_column=moment())

    __table_args__ = (Index("told_later_flush", "flush_at"),)
