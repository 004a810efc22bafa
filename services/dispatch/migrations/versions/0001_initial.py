"""Orders, assignments, reports with their reporters apart, history, clocks, keys, and the tables of delivery."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.chassis.delivery_tables import WHOLE, create_delivery_tables, drop_delivery_tables
from services.chassis.webhooks.migration import create_webhook_tables, drop_webhook_tables
from services.dispatch.store.case_tables import create_case_tables, drop_case_tables
from services.dispatch.store.proposal_table import create_proposal_table, drop_proposal_table
from services.dispatch.store.supervision_tables import create_supervision_tables, drop_supervision_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = postgresql.UUID(as_uuid=True)
_JSON = postgresql.JSON()
_MOMENT = sa.DateTime(timezone=True)
_NOW = sa.text("clock_timestamp()")
_ORDER_STATUSES = (
    "'triage', 'dispatched', 'handling', 'verifying', 'callback', 'closed', 'parked', 'rejected', 'transferred',"
    " 'merged', 'void'"
)
_ASSIGNMENT_STATUSES = "'offered', 'accepted', 'return_requested', 'done', 'confirmed', 'returned', 'withdrawn'"

_REQUEST_STATES = "'open', 'granted', 'refused', 'undecided', 'lapsed'"
_REQUEST_KINDS = "'return', 'extension', 'deferral', 'parking', 'class_correction', 'explanation'"


def upgrade() -> None:
    """Make the schema's first tables."""
    _orders()
    _assignments()
    _requests()
    _reports()
    _history()
    _beside()
    _attachments()
    _duty()
    _tasks()
    _handovers()
    create_proposal_table()
    create_case_tables()
    create_supervision_tables()
    create_delivery_tables()
    create_webhook_tables()


def _text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=False)


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", _ID, primary_key=True),
        _text("status"),
        _number("version"),
        _number("seq"),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        *(_text(name) for name in ("urgency", "source", "verification", "lead", "class_key", "division")),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("closed_at", _MOMENT),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("result", sa.Text()),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("citizens", sa.Boolean(), nullable=False),
        _text("proposed"),
        sa.Column("warned", sa.Boolean(), nullable=False),
        sa.Column("recurrence_of", _ID),
        sa.Column("merged_into", _ID),
        _text("subjects"),
        _text("class_intake"),
        sa.Column("coordinated", sa.Boolean(), nullable=False),
        sa.Column("parked_by", _ID),
        sa.Column("review_at", _MOMENT),
        sa.Column("requests", sa.SmallInteger(), nullable=False),
        sa.Column("supervisions", sa.SmallInteger(), nullable=False),
        sa.Column("detail", _JSON, nullable=False),
        sa.Column("voices", _JSON, nullable=False),
        sa.CheckConstraint(f"status IN ({_ORDER_STATUSES})", name="status_known"),
        sa.CheckConstraint("lead <> ''", name="lead_given"),
        sa.CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed_has_time"),
        sa.CheckConstraint("(status = 'parked') = (review_at IS NOT NULL)", name="parked_has_review"),
        sa.CheckConstraint("seq > 0 AND version > 0 AND round > 0", name="counts_positive"),
        postgresql_with=WHOLE,
    )
    op.create_index("orders_opened", "orders", ["opened_at", "order_id"])
    proposed = sa.text("proposed <> ''")
    op.create_index("orders_proposed", "orders", ["opened_at", "order_id"], postgresql_where=proposed)
    danger = sa.text("urgency <> 'normal' AND status NOT IN ('closed', 'rejected', 'transferred', 'merged', 'void')")
    op.create_index("orders_danger", "orders", ["order_id"], postgresql_where=danger)
    op.create_index("orders_parked", "orders", ["review_at"], postgresql_where=sa.text("status = 'parked'"))
    op.create_index("orders_triage", "orders", ["opened_at"], postgresql_where=sa.text("status = 'triage'"))
    op.create_index("orders_lead", "orders", ["lead", "opened_at"])
    op.create_index("orders_division", "orders", ["division", "opened_at"])
    op.create_index(
        "orders_open",
        "orders",
        ["status", "opened_at", "order_id"],
        postgresql_where=sa.text("status NOT IN ('closed', 'rejected', 'transferred', 'merged', 'void')"),
    )


def _assignments() -> None:
    op.create_table(
        "assignments",
        sa.Column("assignment_id", _ID, primary_key=True),
        sa.Column("order_id", _ID, nullable=False),
        sa.Column("parent", _ID),
        *(_text(name) for name in ("unit", "role", "tier", "status")),
        _number("version"),
        sa.Column("ordinal", sa.SmallInteger(), nullable=False),
        sa.Column("offered_at", _MOMENT, nullable=False),
        *(sa.Column(name, _MOMENT) for name in ("accepted_at", "contacted_at", "arrived_at", "done_at")),
        sa.Column("result", sa.Text()),
        _text("answer"),
        _text("hard_case_owner"),
        _text("actors"),
        sa.Column("told_at", _MOMENT, nullable=False),
        sa.Column("stood_since", _MOMENT, nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.CheckConstraint(f"status IN ({_ASSIGNMENT_STATUSES})", name="status_known"),
        sa.CheckConstraint("role IN ('lead', 'assist')", name="role_known"),
    )
    op.create_index("assignments_order", "assignments", ["order_id", "ordinal"], unique=True)
    op.create_index(
        "assignments_queue",
        "assignments",
        ["unit", "offered_at"],
        postgresql_where=sa.text("status IN ('offered', 'accepted', 'return_requested')"),
    )
    op.create_index("assignments_unit", "assignments", ["unit", "order_id"])
    op.create_table(
        "queue_past",
        sa.Column("unit", sa.Text(), primary_key=True),
        sa.Column("until", _MOMENT, primary_key=True),
        sa.Column("assignment_id", _ID, primary_key=True),
        sa.Column("order_id", _ID, nullable=False),
        _text("status"),
        _text("actors"),
        sa.Column("stood_since", _MOMENT, nullable=False),
    )


def _requests() -> None:
    small, moment = sa.SmallInteger(), _MOMENT
    op.create_table(
        "requests",
        sa.Column("request_id", _ID, primary_key=True),
        sa.Column("order_id", _ID, nullable=False),
        sa.Column("assignment_id", _ID, nullable=False),
        sa.Column("ordinal", small, nullable=False),
        *(_text(name) for name in ("kind", "reason", "unit")),
        sa.Column("round", small, nullable=False),
        sa.Column("arbitration", sa.Boolean(), nullable=False),
        sa.Column("made_at", moment, nullable=False),
        _text("suggested_unit"),
        sa.Column("until", moment),
        *(_text(name) for name in ("class_key", "state")),
        _number("version"),
        _text("decider"),
        sa.Column("since", moment, nullable=False),
        sa.Column("level", small, nullable=False),
        sa.Column("decided_at", moment),
        _text("decided_by"),
        sa.Column("granted_until", moment),
        sa.Column("words", _JSON, nullable=False),
        sa.CheckConstraint(f"state IN ({_REQUEST_STATES})", name="state_known"),
        sa.CheckConstraint(f"kind IN ({_REQUEST_KINDS})", name="kind_known"),
        sa.CheckConstraint("decider <> unit OR state <> 'open'", name="never_own_decider"),
    )
    op.create_index("requests_order", "requests", ["order_id", "ordinal"], unique=True)
    op.create_index(
        "requests_inbox",
        "requests",
        ["decider", "since", "request_id"],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("requests_unit", "requests", ["unit", "since"])


def _reports() -> None:
    op.create_table(
        "reports",
        sa.Column("report_id", _ID, primary_key=True),
        sa.Column("order_id", _ID),
        _text("state"),
        _text("source"),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("body", _JSON, nullable=False),
        sa.Column("repeat_of", _ID),
        postgresql_with=WHOLE,
    )
    op.create_index("reports_order", "reports", ["order_id"])
    number = sa.text("(body->>'source_number')")
    numbered = sa.text("body->>'source_number' <> ''")
    op.create_index("reports_numbered", "reports", [number], postgresql_where=numbered)
    op.create_table(
        "reporters", sa.Column("report_id", _ID, primary_key=True), sa.Column("body", _JSON, nullable=False)
    )
    op.create_table(
        "report_words",
        sa.Column("report_id", _ID, primary_key=True),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
    )
    op.create_index("report_words_words", "report_words", ["words"], postgresql_using="gin")
    op.create_table(
        "words_place",
        sa.Column("one", sa.Boolean(), sa.CheckConstraint("one", name="one_row"), primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("order_id", _ID, nullable=False),
        _number("seq"),
    )
    op.execute(f"INSERT INTO words_place VALUES (true, '2000-01-01T00:00:00Z', '{UUID(int=0)}', 0)")


def _history() -> None:
    op.create_table(
        "history",
        sa.Column("order_id", _ID, primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        *(_text(name) for name in ("type", "action", "actor", "unit", "tier", "reason")),
        *(_number(name) for name in ("old_version", "new_version", "order_version")),
        sa.Column("assignment_id", _ID),
        sa.Column("occurred_at", _MOMENT, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        *(_text(name) for name in ("changed", "status", "urgency", "lead", "class_key", "division")),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("closed_at", _MOMENT),
        sa.Column("body", _JSON, nullable=False),
        sa.Column("private", _JSON),
        postgresql_with=WHOLE,
    )
    op.create_index("history_recorded", "history", ["recorded_at"])


def _beside() -> None:
    op.create_table(
        "clocks",
        sa.Column("order_id", _ID, primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", _MOMENT, server_default=_NOW, primary_key=True),
        sa.Column("due", _MOMENT),
        _text("light"),
        sa.Column("body", _JSON, nullable=False),
        postgresql_with=WHOLE,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("principal", sa.Text(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        _number("version"),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("at", _MOMENT, server_default=_NOW, nullable=False),
    )
    op.create_table(
        "pending_links",
        sa.Column("cause", _ID, primary_key=True),
        sa.Column("waits_for", _ID, nullable=False),
        _text("kind"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", _MOMENT, server_default=_NOW, nullable=False),
    )
    op.create_index("pending_links_waits_for", "pending_links", ["waits_for"])
    op.create_table(
        "reveals",
        sa.Column("n", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("order_id", _ID, nullable=False),
        *(_text(name) for name in ("principal", "role", "unit", "purpose")),
    )
    op.create_index("reveals_order", "reveals", ["order_id"])


def _attachments() -> None:
    op.create_table(
        "attachments",
        sa.Column("attachment_id", _ID, primary_key=True),
        sa.Column("order_id", _ID, nullable=False),
        _text("kind"),
        _text("media_type"),
        *(_number(name) for name in ("width", "height", "size")),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        _text("principal"),
        _text("unit"),
        sa.Column("at", _MOMENT, nullable=False, server_default=_NOW),
    )
    op.create_index("attachments_order", "attachments", ["order_id", "at"])
    # a picture is compressed already: trying again is lost work
    op.execute("ALTER TABLE attachments ALTER COLUMN data SET STORAGE EXTERNAL")


def _tasks() -> None:
    op.create_table(
        "task_lists",
        sa.Column("list_id", _ID, primary_key=True),
        sa.Column("at", _MOMENT, server_default=_NOW, nullable=False),
        *(_text(name) for name in ("unit", "title", "class_key", "urgency", "verification", "principal")),
        sa.Column("due", _MOMENT),
    )
    op.create_table(
        "task_rows",
        sa.Column("list_id", _ID, primary_key=True),
        sa.Column("order_id", _ID, primary_key=True),
        _text("unit"),
        sa.Column("row_hash", sa.LargeBinary(), nullable=False),
    )


def _duty() -> None:
    op.create_table(
        "duty_changes",
        sa.Column("n", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        _text("unit"),
        sa.Column("starts", _MOMENT),
        sa.Column("ends", _MOMENT),
        *(_text(name) for name in ("person", "deputy", "phone", "note", "principal", "key")),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False, server_default=_NOW),
        sa.CheckConstraint("(starts IS NULL) = (ends IS NULL)", name="span_whole"),
        sa.CheckConstraint("starts < ends", name="span_forward"),
    )
    swaps, notes = sa.text("ends IS NOT NULL"), sa.text("ends IS NULL")
    op.create_index("duty_changes_key", "duty_changes", ["principal", "key"], unique=True)
    op.create_index("duty_changes_swaps", "duty_changes", ["unit", "ends"], postgresql_where=swaps)
    op.create_index("duty_changes_notes", "duty_changes", ["unit", "at"], postgresql_where=notes)


def _handovers() -> None:
    op.create_table(
        "handovers",
        sa.Column("handover_id", _ID, primary_key=True),
        sa.Column("order_id", _ID, nullable=False),
        *(_text(name) for name in ("platform", "mode", "state")),
        _number("version"),
        _text("reason"),
        sa.Column("offered_at", _MOMENT, nullable=False),
        _text("offered_by"),
        sa.Column("ended_at", _MOMENT),
        *(_text(name) for name in ("person", "number")),
        *(sa.Column(name, _MOMENT) for name in ("arrived_at", "result_at")),
        _text("answer"),
    )
    op.create_index("handovers_order", "handovers", ["order_id"])
    op.create_index("handovers_inbox", "handovers", ["platform", "state", "offered_at", "handover_id"])
    waits = sa.text("state = 'offered'")
    op.create_index("handovers_waiting", "handovers", ["order_id", "platform"], unique=True, postgresql_where=waits)


def downgrade() -> None:
    """Drop everything."""
    drop_proposal_table()
    drop_webhook_tables()
    drop_delivery_tables()
    drop_supervision_tables()
    drop_case_tables()
    beside = ("duty_changes", "attachments", "reveals", "pending_links", "idempotency_keys", "clocks", "history")
    reports = ("words_place", "report_words", "reporters", "reports")
    people = ("handovers", "task_rows", "task_lists", *beside)
    for table in (*people, *reports, "queue_past", "requests", "assignments", "orders"):
        op.drop_table(table)
