"""The tables of supervisions, as a migration makes them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

_ID = postgresql.UUID(as_uuid=True)
_MOMENT = sa.DateTime(timezone=True)
_SMALL = sa.SmallInteger()
_STATES = "'open', 'answered', 'accepted', 'cleared'"
_KINDS = "'timeout', 'leader', 'important'"
_LIVE = sa.text("state IN ('open', 'answered')")


def create_supervision_tables() -> None:
    """Make them."""
    op.create_table(
        "supervisions",
        sa.Column("supervision_id", _ID, primary_key=True),
        sa.Column("order_id", _ID, nullable=False),
        sa.Column("ordinal", _SMALL, nullable=False),
        _text("kind"),
        sa.Column("level", _SMALL, nullable=False),
        *(_text(name) for name in ("answerer", "by")),
        sa.Column("round", _SMALL, nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        *(_text(name) for name in ("note", "rung")),
        sa.Column("stage", sa.Text()),
        sa.Column("due", _MOMENT),
        sa.Column("clock_id", _ID),
        sa.Column("late", sa.Boolean(), nullable=False),
        _text("state"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("turn", _SMALL, nullable=False),
        *(sa.Column(name, _MOMENT) for name in ("answer_due", "answered_at", "ended_at")),
        _text("cause"),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("words", postgresql.JSON(), nullable=False),
        sa.CheckConstraint(f"state IN ({_STATES})", name="state_known"),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name="kind_known"),
    )
    op.create_index("supervisions_order", "supervisions", ["order_id", "ordinal"], unique=True)
    op.create_index("supervisions_made", "supervisions", ["made_at", "supervision_id"])
    op.create_index("supervisions_answerer", "supervisions", ["answerer", "made_at"], postgresql_where=_LIVE)
    op.create_index("supervisions_by", "supervisions", ["by", "made_at"], postgresql_where=_LIVE)
    op.create_table(
        "told_later",
        sa.Column("channel", sa.Text(), primary_key=True),
        sa.Column("subject", _ID, primary_key=True),
        sa.Column("item", postgresql.JSON(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("flush_at", _MOMENT, nullable=False),
    )
    op.create_index("told_later_flush", "told_later", ["flush_at"])


def drop_supervision_tables() -> None:
    """Drop them."""
    for table in ("told_later", "supervisions"):
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)
