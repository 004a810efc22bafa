"""Timelines of orders, clocks that are their own timers, notices, Ticks, and the tables of delivery."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.chassis.delivery_tables import create_delivery_tables, drop_delivery_tables
from services.supervision.store.number_migration import create_number_tables, drop_number_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = postgresql.UUID(as_uuid=True)
_MOMENT = sa.DateTime(timezone=True)
_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    """Make the schema's first tables."""
    op.create_table(
        "orders",
        sa.Column("order_id", _ID, primary_key=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("division", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("timeline", sa.LargeBinary(), nullable=False),
        sa.Column("ledger", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("spot", sa.Text()),
        sa.CheckConstraint("seq > 0", name="orders_seq"),
    )
    op.create_index("orders_open", "orders", ["order_id"], postgresql_where=sa.text("open"))
    open_ = "NOT imported AND status IN ('triage', 'dispatched', 'handling', 'verifying', 'callback', 'parked')"
    op.create_index("orders_aging", "orders", ["opened_at"], postgresql_where=sa.text(open_))
    op.create_index("orders_spot", "orders", ["spot", "opened_at"], postgresql_where=sa.text("spot IS NOT NULL"))
    op.create_table(
        "special_cases",
        sa.Column("case_id", _ID, primary_key=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("division", sa.Text(), nullable=False),
        sa.Column("timeline", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("seq > 0", name="special_cases_seq"),
    )
    _clocks()
    op.create_table(
        "notices",
        sa.Column("order_id", _ID, primary_key=True),
        sa.Column("clock_id", _ID, primary_key=True),
        sa.Column("notice", sa.Text(), primary_key=True),
        sa.Column("due", _MOMENT, primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("times", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("late", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("withdrawn_at", _MOMENT),
        sa.Column("cause", sa.Text()),
        sa.CheckConstraint("notice IN ('warn', 'miss')", name="notices_notice"),
    )
    op.create_index("notices_late", "notices", ["at"], postgresql_where=sa.text("late"))
    _rungs()
    op.create_table(
        "ticks",
        sa.Column("part", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("t", _MOMENT, nullable=False),
    )
    op.create_table(
        "dead_facts",
        sa.Column("order_id", _ID, primary_key=True),
        sa.Column("place", sa.Text(), primary_key=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_table(
        "terms",
        sa.Column("digest", sa.Text(), primary_key=True),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.Column("applied_at", _MOMENT),
    )
    create_delivery_tables()
    _pending()
    create_number_tables()


def _clocks() -> None:
    op.create_table(
        "clocks",
        sa.Column("order_id", _ID, primary_key=True),
        sa.Column("clock_id", _ID, primary_key=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("assignment_id", _ID),
        sa.Column("report_id", _ID),
        sa.Column("start", _MOMENT, nullable=False),
        sa.Column("due", _MOMENT, nullable=False),
        sa.Column("warn_at", _MOMENT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("warned_due", _MOMENT),
        sa.Column("missed_due", _MOMENT),
        sa.Column("next_notice", sa.Text()),
        sa.Column("next_at", _MOMENT),
        sa.CheckConstraint("state IN ('running', 'paused', 'met', 'missed', 'cancelled')", name="clocks_state"),
        sa.CheckConstraint("next_notice IN ('warn', 'miss')", name="clocks_next_notice"),
        sa.CheckConstraint("(next_notice IS NULL) = (next_at IS NULL)", name="clocks_next"),
    )
    op.create_index("clocks_timers", "clocks", ["next_at"], postgresql_where=sa.text("next_at IS NOT NULL"))
    missed = sa.text("state = 'missed'")
    op.create_index("clocks_breaches", "clocks", ["due", "clock_id"], postgresql_where=missed)
    op.create_index("clocks_breaches_of", "clocks", ["owner", "due", "clock_id"], postgresql_where=missed)


def _rungs() -> None:
    op.create_table(
        "rungs",
        sa.Column("order_id", _ID, primary_key=True),
        sa.Column("clock_id", _ID, primary_key=True),
        sa.Column("rung", sa.Text(), primary_key=True),
        sa.Column("due", _MOMENT, primary_key=True),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("times", sa.SmallInteger(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("raised_at", _MOMENT),
        sa.Column("ended_at", _MOMENT),
        sa.Column("cause", sa.Text()),
        sa.CheckConstraint("after IN ('start', 'warn', 'miss')", name="rungs_after"),
        sa.CheckConstraint("state IN ('waiting', 'raised', 'cancelled', 'cleared', 'withdrawn')", name="rungs_state"),
    )
    op.create_index("rungs_timers", "rungs", ["at"], postgresql_where=sa.text("state = 'waiting'"))
    raised = sa.text("state = 'raised'")
    op.create_index("rungs_raised", "rungs", ["raised_at", "clock_id"], postgresql_where=raised)


def _pending() -> None:
    op.create_table(
        "pending",
        sa.Column("order_id", _ID, primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )


def downgrade() -> None:
    """Drop everything."""
    drop_number_tables()
    drop_delivery_tables()
    tables = ("terms", "pending", "dead_facts", "ticks", "rungs", "notices", "clocks")
    for table in (*tables, "special_cases", "orders"):
        op.drop_table(table)
