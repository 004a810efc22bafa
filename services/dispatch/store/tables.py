"""The tables of dispatch. Classes are for migrations and their check; no row travels through them at run time.

A history row is one change of one order and is never changed again: `body` is the fact as published, `private` what
was said to dispatch alone. Reporters stand apart from reports, and no other table holds who reported.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, TSVECTOR
from sqlmodel import Field

from schemas.vocabulary import AssignmentRole, AssignmentStatus, OrderStatus, RequestKind, RequestState
from services.chassis.tables import moment, with_delivery
from services.chassis.webhooks.tables import with_webhooks
from services.dispatch.store import tables_cases, tables_people, tables_proposals, tables_supervisions
from services.dispatch.store.tables_base import Base
from services.dispatch.store.tables_base import one_of as _one_of
from services.dispatch.store.tables_base import text_column as _text
from services.dispatch.store.tables_base import uuid_column as _uuid

ENDED = "('closed', 'rejected', 'transferred', 'merged', 'void')"


class OrderRow(Base, table=True):
    """A work order as it stands. `subjects` are the units it complains about, each between line ends."""

    __tablename__ = "orders"
    order_id: UUID = Field(sa_column=_uuid(key=True))
    status: str = Field(sa_column=_text())
    version: int
    seq: int
    round: int = Field(sa_column=Column(SmallInteger, nullable=False))
    urgency: str = Field(sa_column=_text())
    source: str = Field(sa_column=_text())
    verification: str = Field(sa_column=_text())
    lead: str = Field(sa_column=_text())
    class_key: str = Field(sa_column=_text())
    division: str = Field(sa_column=_text())
    opened_at: datetime = Field(sa_column=moment())
    since: datetime = Field(sa_column=moment())
    closed_at: datetime | None = Field(sa_column=moment(nullable=True))
    recorded_at: datetime = Field(sa_column=moment())
    result: str | None = Field(sa_column=Column(Text))
    imported: bool
    citizens: bool
    proposed: str = Field(sa_column=_text())
    warned: bool
    recurrence_of: UUID | None = Field(sa_column=_uuid(nullable=True))
    merged_into: UUID | None = Field(sa_column=_uuid(nullable=True))
    subjects: str = Field(sa_column=_text())
    class_intake: str = Field(sa_column=_text())
    coordinated: bool
    parked_by: UUID | None = Field(sa_column=_uuid(nullable=True))
    review_at: datetime | None = Field(sa_column=moment(nullable=True))
    requests: int = Field(sa_column=Column(SmallInteger, nullable=False))
    supervisions: int = Field(sa_column=Column(SmallInteger, nullable=False))
    detail: str = Field(sa_column=Column(JSON, nullable=False))
    voices: str = Field(sa_column=Column(JSON, nullable=False))

    __table_args__ = (
        _one_of("status", OrderStatus),
        CheckConstraint("lead <> ''", name="lead_given"),
        CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed_has_time"),
        CheckConstraint("(status = 'parked') = (review_at IS NOT NULL)", name="parked_has_review"),
        CheckConstraint("seq > 0 AND version > 0 AND round > 0", name="counts_positive"),
        Index("orders_opened", "opened_at", "order_id"),
        Index("orders_proposed", "opened_at", "order_id", postgresql_where=text("proposed <> ''")),
        Index("orders_danger", "order_id", postgresql_where=text(f"urgency <> 'normal' AND status NOT IN {ENDED}")),
        Index("orders_parked", "review_at", postgresql_where=text("status = 'parked'")),
        Index("orders_triage", "opened_at", postgresql_where=text("status = 'triage'")),
        Index("orders_lead", "lead", "opened_at"),
        Index("orders_division", "division", "opened_at"),
        Index("orders_open", "status", "opened_at", "order_id", postgresql_where=text(f"status NOT IN {ENDED}")),
    )


class AssignmentRow(Base, table=True):
    """One unit's part of an order. `parent` is the assignment it was passed on from, `told_at` when its offer was
    recorded, `stood_since` when it was recorded as it now stands in its unit's queue; `actors` are the principals who
    worked on it, one a line."""

    __tablename__ = "assignments"
    assignment_id: UUID = Field(sa_column=_uuid(key=True))
    order_id: UUID = Field(sa_column=_uuid())
    parent: UUID | None = Field(sa_column=_uuid(nullable=True))
    unit: str = Field(sa_column=_text())
    role: str = Field(sa_column=_text())
    tier: str = Field(sa_column=_text())
    status: str = Field(sa_column=_text())
    version: int
    ordinal: int = Field(sa_column=Column(SmallInteger, nullable=False))
    offered_at: datetime = Field(sa_column=moment())
    accepted_at: datetime | None = Field(sa_column=moment(nullable=True))
    contacted_at: datetime | None = Field(sa_column=moment(nullable=True))
    arrived_at: datetime | None = Field(sa_column=moment(nullable=True))
    done_at: datetime | None = Field(sa_column=moment(nullable=True))
    result: str | None = Field(sa_column=Column(Text))
    answer: str = Field(sa_column=_text())
    hard_case_owner: str = Field(sa_column=_text())
    actors: str = Field(sa_column=_text())
    told_at: datetime = Field(sa_column=moment())
    stood_since: datetime = Field(sa_column=moment())
    pinned: bool

    __table_args__ = (
        _one_of("status", AssignmentStatus),
        _one_of("role", AssignmentRole),
        Index("assignments_order", "order_id", "ordinal", unique=True),
        Index(
            "assignments_queue",
            "unit",
            "offered_at",
            postgresql_where=text("status IN ('offered', 'accepted', 'return_requested')"),
        ),
        Index("assignments_unit", "unit", "order_id"),
    )


class QueuePastRow(Base, table=True):
    """How an assignment stood in its unit's queue in a span of recorded time; written when it changes or leaves."""

    __tablename__ = "queue_past"
    unit: str = Field(sa_column=Column(Text, primary_key=True))
    until: datetime = Field(sa_column=moment(primary_key=True))
    assignment_id: UUID = Field(sa_column=_uuid(key=True))
    order_id: UUID = Field(sa_column=_uuid())
    status: str = Field(sa_column=_text())
    actors: str = Field(sa_column=_text())
    stood_since: datetime = Field(sa_column=moment())


class RequestRow(Base, table=True):
    """What a unit asked of a centre. `words` is what dispatch alone keeps: basis, evidence, answer, the decider's
    note."""

    __tablename__ = "requests"
    request_id: UUID = Field(sa_column=_uuid(key=True))
    order_id: UUID = Field(sa_column=_uuid())
    assignment_id: UUID = Field(sa_column=_uuid())
    ordinal: int = Field(sa_column=Column(SmallInteger, nullable=False))
    kind: str = Field(sa_column=_text())
    reason: str = Field(sa_column=_text())
    unit: str = Field(sa_column=_text())
    round: int = Field(sa_column=Column(SmallInteger, nullable=False))
    arbitration: bool
    made_at: datetime = Field(sa_column=moment())
    suggested_unit: str = Field(sa_column=_text())
    until: datetime | None = Field(sa_column=moment(nullable=True))
    class_key: str = Field(sa_column=_text())
    state: str = Field(sa_column=_text())
    version: int
    decider: str = Field(sa_column=_text())
    since: datetime = Field(sa_column=moment())
    level: int = Field(sa_column=Column(SmallInteger, nullable=False))
    decided_at: datetime | None = Field(sa_column=moment(nullable=True))
    decided_by: str = Field(sa_column=_text())
    granted_until: datetime | None = Field(sa_column=moment(nullable=True))
    words: str = Field(sa_column=Column(JSON, nullable=False))

    __table_args__ = (
        _one_of("state", RequestState),
        _one_of("kind", RequestKind),
        CheckConstraint("decider <> unit OR state <> 'open'", name="never_own_decider"),
        Index("requests_order", "order_id", "ordinal", unique=True),
        Index("requests_inbox", "decider", "since", "request_id", postgresql_where=text("state = 'open'")),
        Index("requests_unit", "unit", "since"),
    )


_NUMBER = "body->>'source_number'"  # what the sender calls it


class ReportRow(Base, table=True):
    """A report as it came, without its reporter."""

    __tablename__ = "reports"
    report_id: UUID = Field(sa_column=_uuid(key=True))
    order_id: UUID | None = Field(sa_column=_uuid(nullable=True))
    state: str = Field(sa_column=_text())
    source: str = Field(sa_column=_text())
    received_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())
    body: str = Field(sa_column=Column(JSON, nullable=False))
    repeat_of: UUID | None = Field(sa_column=_uuid(nullable=True))

    __table_args__ = (
        Index("reports_order", "order_id"),
        Index("reports_numbered", text(f"({_NUMBER})"), postgresql_where=text(f"{_NUMBER} <> ''")),
    )


class WordsRow(Base, table=True):
    """What a report is found by (`rules/grams`); written some seconds after the report."""

    __tablename__ = "report_words"
    report_id: UUID = Field(sa_column=_uuid(key=True))
    words: str = Field(sa_column=Column(TSVECTOR, nullable=False))

    __table_args__ = (Index("report_words_words", "words", postgresql_using="gin"),)


class WordsPlace(Base, table=True):
    """How far the history was followed for `report_words`: one row."""

    __tablename__ = "words_place"
    one: bool = Field(sa_column=Column(Boolean, CheckConstraint("one", name="one_row"), primary_key=True))
    at: datetime = Field(sa_column=moment())
    order_id: UUID = Field(sa_column=_uuid())
    seq: int


class ReporterRow(Base, table=True):
    """Who reported; read only to call back or with a logged reason."""

    __tablename__ = "reporters"
    report_id: UUID = Field(sa_column=_uuid(key=True))
    body: str = Field(sa_column=Column(JSON, nullable=False))


class HistoryRow(Base, table=True):
    """One change of one order. The versions are the assignment's where one is named, else the order's;
    `order_version` is the order's after the change, `changed` names the fields it moved, and `status` to `closed_at`
    are how the order stood from then until its next row: what a list of a past moment is made of."""

    __tablename__ = "history"
    order_id: UUID = Field(sa_column=_uuid(key=True))
    seq: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    type: str = Field(sa_column=_text())
    action: str = Field(sa_column=_text())
    actor: str = Field(sa_column=_text())
    unit: str = Field(sa_column=_text())
    tier: str = Field(sa_column=_text())
    reason: str = Field(sa_column=_text())
    old_version: int
    new_version: int
    order_version: int
    assignment_id: UUID | None = Field(sa_column=_uuid(nullable=True))
    occurred_at: datetime = Field(sa_column=moment())
    recorded_at: datetime = Field(sa_column=moment())
    changed: str = Field(sa_column=_text())
    status: str = Field(sa_column=_text())
    urgency: str = Field(sa_column=_text())
    lead: str = Field(sa_column=_text())
    class_key: str = Field(sa_column=_text())
    division: str = Field(sa_column=_text())
    round: int = Field(sa_column=Column(SmallInteger, nullable=False))
    closed_at: datetime | None = Field(sa_column=moment(nullable=True))
    body: str = Field(sa_column=Column(JSON, nullable=False))
    private: str | None = Field(sa_column=Column(JSON))

    __table_args__ = (Index("history_recorded", "recorded_at"),)


class HandoverRow(Base, table=True):
    """A hand-over to another platform. `person` signed it there; no other table holds the name."""

    __tablename__ = "handovers"
    handover_id: UUID = Field(sa_column=_uuid(key=True))
    order_id: UUID = Field(sa_column=_uuid())
    platform: str = Field(sa_column=_text())
    mode: str = Field(sa_column=_text())
    state: str = Field(sa_column=_text())
    version: int
    reason: str = Field(sa_column=_text())
    offered_at: datetime = Field(sa_column=moment())
    offered_by: str = Field(sa_column=_text())
    ended_at: datetime | None = Field(sa_column=moment(nullable=True))
    person: str = Field(sa_column=_text())
    number: str = Field(sa_column=_text())
    arrived_at: datetime | None = Field(sa_column=moment(nullable=True))
    result_at: datetime | None = Field(sa_column=moment(nullable=True))
    answer: str = Field(sa_column=_text())

    __table_args__ = (
        Index("handovers_order", "order_id"),
        Index("handovers_inbox", "platform", "state", "offered_at", "handover_id"),
        Index("handovers_waiting", "order_id", "platform", unique=True, postgresql_where=text("state = 'offered'")),
    )


class ClocksRow(Base, table=True):
    """The clocks of an order as supervision set them after its fact `seq`; a projection, no fact of its own. `due` is
    the earliest that runs, `light` the worst of those that run or were missed."""

    __tablename__ = "clocks"
    order_id: UUID = Field(sa_column=_uuid(key=True))
    seq: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_column=moment(default=True, primary_key=True))
    due: datetime | None = Field(sa_column=moment(nullable=True))
    light: str = Field(sa_column=_text())
    body: str = Field(sa_column=Column(JSON, nullable=False))


class TaskListRow(Base, table=True):
    """A list of tasks that a centre pushes down."""

    __tablename__ = "task_lists"
    list_id: UUID = Field(sa_column=_uuid(key=True))
    at: datetime = Field(sa_column=moment(default=True))
    unit: str = Field(sa_column=_text())
    title: str = Field(sa_column=_text())
    class_key: str = Field(sa_column=_text())
    urgency: str = Field(sa_column=_text())
    verification: str = Field(sa_column=_text())
    principal: str = Field(sa_column=_text())
    due: datetime | None = Field(sa_column=moment(nullable=True))


class TaskRow(Base, table=True):
    """Which order a row of a list became, and whom it was pushed down to."""

    __tablename__ = "task_rows"
    list_id: UUID = Field(sa_column=_uuid(key=True))
    order_id: UUID = Field(sa_column=_uuid(key=True))
    unit: str = Field(sa_column=_text())
    row_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class KeyRow(Base, table=True):
    """The first answer to a write, by principal and idempotency key; kept 45 days."""

    __tablename__ = "idempotency_keys"
    principal: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    body_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    version: int
    answer: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at: datetime = Field(sa_column=moment(default=True))


class PendingLink(Base, table=True):
    """A fact that waits for an order or a report that is not known yet."""

    __tablename__ = "pending_links"
    cause: UUID = Field(sa_column=_uuid(key=True))
    waits_for: UUID = Field(sa_column=_uuid())
    kind: str = Field(sa_column=_text())
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at: datetime = Field(sa_column=moment(default=True))

    __table_args__ = (Index("pending_links_waits_for", "waits_for"),)


__all__ = ["metadata", "tables_cases", "tables_people", "tables_proposals", "tables_supervisions"]
metadata = with_webhooks(with_delivery(Base.metadata))
