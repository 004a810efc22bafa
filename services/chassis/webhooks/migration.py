"""The tables of webhooks as a service's first migration makes them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.chassis.tables import NOW
from services.chassis.webhooks.tables import STATES, WAITING

__all__ = ["create_webhook_tables", "drop_webhook_tables"]


def create_webhook_tables() -> None:
    """Create them in the schema that a migration runs in."""
    id_, at = postgresql.UUID(as_uuid=True), sa.DateTime(timezone=True)
    op.create_table(
        "webhook_deliveries",
        sa.Column("n", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("id", id_, nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("stream", id_, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", at, server_default=NOW, nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due", at, server_default=NOW, nullable=False),
        sa.Column("ended_at", at),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(STATES, name="state_known"),
    )
    waits = sa.text(WAITING)
    op.create_index("webhook_deliveries_id", "webhook_deliveries", ["id"], unique=True)
    op.create_index("webhook_deliveries_due", "webhook_deliveries", ["destination", "due", "n"], postgresql_where=waits)
    streams = ["destination", "stream", "n"]
    op.create_index("webhook_deliveries_stream", "webhook_deliveries", streams, postgresql_where=waits)
    ended = sa.text("state <> 'waiting'")
    op.create_index("webhook_deliveries_ended", "webhook_deliveries", ["state", "ended_at"], postgresql_where=ended)
    op.create_table(
        "webhook_pauses",
        sa.Column("destination", sa.Text(), primary_key=True),
        sa.Column("at", at, server_default=NOW, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )


def drop_webhook_tables() -> None:
    """Drop them."""
    for table in ("webhook_pauses", "webhook_deliveries"):
        op.drop_table(table)
