"""The first tables of router."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.chassis.delivery_tables import WHOLE, create_delivery_tables, drop_delivery_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "decisions",
        sa.Column("report_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("off", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("explanation", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.Column("ruling", sa.LargeBinary(), nullable=False),
        sa.Column("matter", sa.LargeBinary(), nullable=True),
        sa.Column("said", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("report_id"),
        postgresql_with=WHOLE,
    )
    op.create_index("decisions_decided_at", "decisions", ["decided_at"], unique=False)
    op.create_table(
        "devices",
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("device_id"),
    )
    op.create_index(
        "devices_heard", "devices", ["kind", "last_at"], unique=False, postgresql_where=sa.text("NOT silent")
    )
    op.create_table(
        "labels",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("class_key", sa.Text(), nullable=True),
        sa.Column("lead", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "seq"),
    )
    op.create_index("labels_occurred_at", "labels", ["occurred_at"], unique=False)
    op.create_table(
        "matter_keys",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("key", "last_at", "order_id"),
    )
    op.create_table(
        "matters",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("class_key", sa.Text(), nullable=False),
        sa.Column("scene", sa.Text(), nullable=False),
        sa.Column("division", sa.Text(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("grams", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("voices", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("marks", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
    )
    op.create_index("matters_open", "matters", ["opened_at"], postgresql_where=sa.text("NOT closed"))
    crowded = sa.text("reports >= 5 AND NOT closed")
    op.create_index("matters_crowded", "matters", ["last_at"], postgresql_where=crowded)
    op.create_table(
        "proposals",
        sa.Column("proposal_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("into_id", sa.UUID(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("proposal_id"),
    )
    op.create_table(
        "sweep_place",
        sa.Column("one", sa.Boolean(), sa.CheckConstraint("one", name="one_row"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("links", sa.Boolean(), nullable=False),
        sa.Column("report_id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )
    op.create_table(
        "rulebooks",
        sa.Column("n", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("n"),
    )
    op.create_index("rulebooks_version", "rulebooks", ["version", "n"], unique=False)
    op.create_table(
        "shadow_differences",
        sa.Column("report_id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shadow", sa.Text(), nullable=False),
        sa.Column("live", sa.Text(), nullable=False),
        sa.Column("class_key", sa.Text(), nullable=False),
        sa.Column("would_class", sa.Text(), nullable=False),
        sa.Column("division", sa.Text(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=False),
        sa.Column("would_lead", sa.Text(), nullable=False),
        sa.Column("outcomes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("report_id", "kind"),
    )
    op.create_index("shadow_differences_of", "shadow_differences", ["shadow", "at"], unique=False)
    _warnings()
    op.create_table(
        "parts",
        sa.Column("part_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("part_id"),
    )
    op.create_index("parts_open", "parts", ["unit"], unique=False, postgresql_where=sa.text("open"))
    op.create_index("parts_of_order", "parts", ["order_id"], unique=False, postgresql_where=sa.text("open"))
    op.create_table(
        "resources",
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("resource_id"),
    )
    op.create_index(
        "resources_called",
        "resources",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_table(
        "weather_warnings",
        sa.Column("warning_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("areas", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("starts", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("warning_id"),
    )
    op.create_index("weather_warnings_ends", "weather_warnings", ["ends"], unique=False)
    create_delivery_tables()


def _warnings() -> None:
    op.create_table(
        "topic_hours",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("class_key", sa.Text(), nullable=False),
        sa.Column("division", sa.Text(), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("voices", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "class_key", "division"),
    )
    op.create_table(
        "warnings",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("division", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("body", postgresql.JSON(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("kind IN ('crowd', 'hot', 'quiet')", name="kind_known"),
        sa.PrimaryKeyConstraint("kind", "key", "found_at"),
    )
    op.create_index(
        "warnings_open", "warnings", ["kind", "key"], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )


def downgrade() -> None:
    """Drop them."""
    drop_delivery_tables()
    op.drop_table("warnings")
    op.drop_table("topic_hours")
    op.drop_table("weather_warnings")
    op.drop_table("resources")
    op.drop_table("parts")
    op.drop_table("sweep_place")
    op.drop_table("proposals")
    op.drop_table("labels")
    op.drop_table("shadow_differences")
    op.drop_table("rulebooks")
    op.drop_table("matters")
    op.drop_table("matter_keys")
    op.drop_table("devices")
    op.drop_table("decisions")
