"""Special cases, which orders belong to them, what units committed to, and every change of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, Integer, SmallInteger, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSON
from sqlmodel import Field

from schemas.vocabulary import CaseState, CommitmentState
from services.chassis.tables import moment
from services.dispatch.store.tables_base import Base, one_of, text_column, uuid_column


class SpecialCaseRow(Base, table=True):
    """A special case as it stands, with its meetings; `linked` is how many orders belong to it. Names of people stand
    in `meetings`, and in no other table but the history."""

    __tablename__ = "special_cases"
    case_id: UUID = Field(sa_column=uuid_column(key=True))
    centre: str = Field(sa_column=text_column())
    lead: str = Field(sa_column=text_column())
    division: str = Field(sa_column=text_column())
    title: str = Field(sa_column=text_column())
    reason: str = Field(sa_column=text_column())
    state: str = Field(sa_column=text_column())
    version: int
    seq: int
    linked: int
    opened_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())
    closed_at: datetime | None = Field(sa_column=moment(nullable=True))
    result: str | None = Field(sa_column=Column(Text))
    conclusion: str = Field(sa_column=text_column())
    meetings: str = Field(sa_column=Column(JSON, nullable=False))

    __table_args__ = (
        one_of("state", CaseState),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_has_time"),
        CheckConstraint("linked >= 0 AND seq > 0 AND version > 0", name="counts_right"),
        Index("special_cases_opened", "opened_at", "case_id"),
    )


class SpecialCaseOrderRow(Base, table=True):
    """That an order belonged to a special case, from one recorded moment until another."""

    __tablename__ = "special_case_orders"
    case_id: UUID = Field(sa_column=uuid_column(key=True))
    order_id: UUID = Field(sa_column=uuid_column(key=True))
    linked_at: datetime = Field(sa_column=moment(primary_key=True))
    unlinked_at: datetime | None = Field(sa_column=moment(nullable=True))

    __table_args__ = (Index("special_case_orders_order", "order_id", "case_id"),)


class CommitmentRow(Base, table=True):
    """What one unit committed to in a meeting."""

    __tablename__ = "commitments"
    commitment_id: UUID = Field(sa_column=uuid_column(key=True))
    case_id: UUID = Field(sa_column=uuid_column())
    meeting_id: UUID = Field(sa_column=uuid_column())
    ordinal: int = Field(sa_column=Column(SmallInteger, nullable=False))
    unit: str = Field(sa_column=text_column())
    text: str = Field(sa_column=text_column())
    state: str = Field(sa_column=text_column())
    version: int
    asked: int = Field(sa_column=Column(SmallInteger, nullable=False))
    due: datetime = Field(sa_column=moment())
    made_at: datetime = Field(sa_column=moment())
    since: datetime = Field(sa_column=moment())
    answered_at: datetime | None = Field(sa_column=moment(nullable=True))
    answer: str = Field(sa_column=text_column())
    decided_at: datetime | None = Field(sa_column=moment(nullable=True))
    note: str = Field(sa_column=text_column())
    missed_due: datetime | None = Field(sa_column=moment(nullable=True))

    __table_args__ = (
        one_of("state", CommitmentState),
        Index("commitments_case", "case_id", "ordinal", unique=True),
        Index("commitments_unit", "unit", "due", "commitment_id", postgresql_where=sql("state = 'open'")),
        Index("commitments_of", "unit", "case_id"),
    )


class SpecialCaseHistoryRow(Base, table=True):
    """One change of one special case: `body` is the fact as published, `private` what was said to dispatch alone;
    `version` is the case's after it."""

    __tablename__ = "special_case_history"
    case_id: UUID = Field(sa_column=uuid_column(key=True))
    seq: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    type: str = Field(sa_column=text_column())
    action: str = Field(sa_column=text_column())
    actor: str = Field(sa_column=text_column())
    unit: str = Field(sa_column=text_column())
    tier: str = Field(sa_column=text_column())
    reason: str = Field(sa_column=text_column())
    version: int
    occurred_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())
    body: str = Field(sa_column=Column(JSON, nullable=False))
    private: str | None = Field(sa_column=Column(JSON))
