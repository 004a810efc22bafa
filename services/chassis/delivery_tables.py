"""The tables of delivery as every service's first migration makes them: inbox, outbox, refused messages, stops."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

__all__ = ["WHOLE", "create_delivery_tables", "drop_delivery_tables"]

# Rows up to a page stay whole in the table. By default PostgreSQL compresses, slowly, whatever is above two kilobytes,
# which a fact or an explanation often just is; that was a fifth of its processor time.
WHOLE = {"toast_tuple_target": "8160"}

_ID = postgresql.UUID(as_uuid=True)
_MOMENT = sa.DateTime(timezone=True)
_NOW = sa.text("clock_timestamp()")
_TABLES = ("stops", "outbox_refused", "outbox", "inbox")


def create_delivery_tables() -> None:
    """Create them in the schema that the migration runs in."""
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text(), primary_key=True),
        sa.Column("id", _ID, primary_key=True),
        sa.Column("at", _MOMENT, server_default=_NOW, nullable=False),
    )
    op.create_index("inbox_at", "inbox", ["at"], unique=False, postgresql_using="brin")
    op.create_table(
        "outbox",
        sa.Column("n", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )
    # A batch's messages live here for a tenth of a second: not worth compressing.
    op.execute("ALTER TABLE outbox ALTER COLUMN payload SET STORAGE EXTERNAL")
    op.create_index("outbox_order", "outbox", [sa.text("urgent DESC"), "n"])
    op.create_table(
        "outbox_refused",
        sa.Column("n", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    op.create_table(
        "stops",
        sa.Column("consumer", sa.Text(), primary_key=True),
        sa.Column("at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )


def drop_delivery_tables() -> None:
    """Drop them."""
    for table in _TABLES:
        op.drop_table(table)
