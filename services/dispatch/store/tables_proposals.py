"""Questions whether two orders are one matter. For migrations and their check."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Double, Index, text
from sqlalchemy.dialects.postgresql import JSON
from sqlmodel import Field

from schemas.vocabulary import ProposalState
from services.chassis.tables import moment
from services.dispatch.store.tables_base import Base, one_of, text_column, uuid_column


class ProposalRow(Base, table=True):
    """The question whether two orders are one matter, and how it was decided; a labelled pair from then on."""

    __tablename__ = "merge_proposals"
    proposal_id: UUID = Field(sa_column=uuid_column(key=True))
    order_id: UUID = Field(sa_column=uuid_column())
    into_id: UUID = Field(sa_column=uuid_column())
    score: float = Field(sa_column=Column(Double, nullable=False))
    parts: str = Field(sa_column=Column(JSON, nullable=False))
    why: str = Field(sa_column=text_column())
    swept: bool
    proposed_at: datetime = Field(sa_column=moment())
    state: str = Field(sa_column=text_column())
    version: int
    decided_at: datetime | None = Field(sa_column=moment(nullable=True))
    decided_by: str = Field(sa_column=text_column())
    decided_unit: str = Field(sa_column=text_column())
    note: str = Field(sa_column=text_column())

    __table_args__ = (
        one_of("state", ProposalState),
        CheckConstraint("order_id <> into_id", name="two_orders"),
        Index("merge_proposals_inbox", "proposed_at", "proposal_id", postgresql_where=text("state = 'open'")),
        Index("merge_proposals_order", "order_id"),
        Index("merge_proposals_into", "into_id"),
    )
