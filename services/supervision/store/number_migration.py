"""What a migration does for the tables of numbers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

_ID = postgresql.UUID(as_uuid=True)
_MOMENT = sa.DateTime(timezone=True)
TABLES = (
    "unit_words",
    "findings",
    "appeals",
    "overdue",
    "kpi_stock",
    "kpi_corrections",
    "kpi_days",
    "frozen_days",
    "recounts",
    "measures",
)


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def create_number_tables() -> None:
    """Make them."""
    _measures()
    _frozen()
    _overdue()
    _appeals()
    _findings()


def _measures() -> None:
    op.create_table(
        "measures",
        sa.Column("order_id", _ID, primary_key=True),
        sa.Column("subject", _ID, primary_key=True),
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("unit", sa.Text(), primary_key=True),
        sa.Column("n", sa.SmallInteger(), primary_key=True),
        *_text("tier", "district", "major", "source"),
        sa.Column("den", sa.BigInteger(), nullable=False),
        sa.Column("num", sa.BigInteger(), nullable=False),
        sa.Column("tenths", sa.SmallInteger(), nullable=False),
        sa.Column("accept_s", sa.Integer()),
        sa.Column("contact_s", sa.Integer()),
        sa.Column("handle_s", sa.Integer()),
    )
    op.create_index("measures_day", "measures", ["day", "order_id", "subject", "unit", "n"])
    op.create_table("recounts", sa.Column("order_id", _ID, primary_key=True), *_text("cause"))


def _frozen() -> None:
    op.create_table(
        "frozen_days",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_table(
        "kpi_days",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("axis", sa.Text(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("kpi", sa.Text(), primary_key=True),
        sa.Column("num", sa.BigInteger(), nullable=False),
        sa.Column("den", sa.BigInteger(), nullable=False),
        sa.Column("buckets", postgresql.ARRAY(sa.Integer())),
    )
    op.create_index("kpi_days_of", "kpi_days", ["axis", "kpi", "day"])
    op.create_table(
        "kpi_corrections",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *_text("kpi"),
        sa.Column("order_id", _ID, nullable=False),
        sa.Column("subject", _ID, nullable=False),
        *_text("unit"),
        sa.Column("n", sa.SmallInteger(), nullable=False),
        *_text("tier", "district", "major", "source"),
        sa.Column("num", sa.Integer(), nullable=False),
        sa.Column("den", sa.SmallInteger(), nullable=False),
        sa.Column("bucket", sa.SmallInteger()),
        *_text("cause"),
    )
    op.create_index("kpi_corrections_day", "kpi_corrections", ["day", "kpi"])
    op.create_index("kpi_corrections_order", "kpi_corrections", ["order_id"])
    op.create_table(
        "kpi_stock",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("order_id", _ID, primary_key=True),
        *_text("unit", "tier", "district", "major", "source"),
    )


def _overdue() -> None:
    op.create_table(
        "overdue",
        sa.Column("order_id", _ID, primary_key=True),
        *_text("unit", "tier", "district", "major", "source"),
    )


def _appeals() -> None:
    op.create_table(
        "appeals",
        sa.Column("appeal_id", _ID, primary_key=True),
        *_text("kpi"),
        sa.Column("order_id", _ID, nullable=False),
        sa.Column("subject", _ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *_text("unit", "district", "effect", "reason", "filed_by"),
        sa.Column("filed_at", _MOMENT, nullable=False),
        *_text("state"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("steps", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("state IN ('centre', 'city', 'granted', 'refused')", name="appeals_state"),
        sa.CheckConstraint("effect IN ('exclude', 'correct')", name="appeals_effect"),
    )
    standing = sa.text("state IN ('centre', 'city', 'granted')")
    op.create_index("appeals_once", "appeals", ["kpi", "subject", "day"], unique=True, postgresql_where=standing)
    op.create_index("appeals_order", "appeals", ["order_id"])
    op.create_index("appeals_filed", "appeals", ["filed_at", "appeal_id"])


def _findings() -> None:
    op.create_table(
        "findings",
        sa.Column("finding_id", _ID, primary_key=True),
        *_text("kind"),
        sa.Column("order_id", _ID),
        *_text("unit", "division"),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("found_at", _MOMENT, nullable=False),
        sa.Column("since", _MOMENT),
        *_text("reason"),
        sa.Column("withdrawn_at", _MOMENT),
        sa.Column("cause", sa.Text()),
        sa.Column("times", sa.SmallInteger(), server_default="1", nullable=False),
    )
    op.create_index("findings_at", "findings", ["at", "finding_id"])
    op.create_index("findings_order", "findings", ["order_id"], postgresql_where=sa.text("order_id IS NOT NULL"))
    silent = sa.text("order_id IS NULL AND withdrawn_at IS NULL")
    op.create_index("findings_unit", "findings", ["unit", "at"], postgresql_where=silent)
    op.create_table(
        "unit_words",
        sa.Column("unit", sa.Text(), primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
    )


def drop_number_tables() -> None:
    """Drop them."""
    for table in TABLES:
        op.drop_table(table)
