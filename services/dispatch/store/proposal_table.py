"""The table of questions whether two orders are one matter, as the migration makes it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

_ID = postgresql.UUID(as_uuid=True)
_MOMENT = sa.DateTime(timezone=True)


def create_proposal_table() -> None:
    """Make it."""
    op.create_table(
        "merge_proposals",
        sa.Column("proposal_id", _ID, primary_key=True),
        sa.Column("order_id", _ID, nullable=False),
        sa.Column("into_id", _ID, nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("parts", postgresql.JSON(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("swept", sa.Boolean(), nullable=False),
        sa.Column("proposed_at", _MOMENT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("decided_at", _MOMENT),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("decided_by", "decided_unit", "note")),
        sa.CheckConstraint("state IN ('open', 'accepted', 'refused')", name="state_known"),
        sa.CheckConstraint("order_id <> into_id", name="two_orders"),
    )
    op.create_index(
        "merge_proposals_inbox",
        "merge_proposals",
        ["proposed_at", "proposal_id"],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("merge_proposals_order", "merge_proposals", ["order_id"])
    op.create_index("merge_proposals_into", "merge_proposals", ["into_id"])


def drop_proposal_table() -> None:
    """Drop it."""
    op.drop_table("merge_proposals")
