"""The tables of special cases as dispatch's first migration makes them."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

__all__ = ["create_case_tables", "drop_case_tables"]

_ID = postgresql.UUID(as_uuid=True)
_JSON = postgresql.JSON()
_MOMENT = sa.DateTime(timezone=True)
_TABLES = ("commitments", "special_case_history", "special_case_orders", "special_cases")


def _text(name: str) -> "sa.Column[Any]":
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str) -> "sa.Column[Any]":
    return sa.Column(name, sa.Integer(), nullable=False)


def _moments(*names: str, nullable: bool = False) -> "list[sa.Column[Any]]":
    return [sa.Column(name, _MOMENT, nullable=nullable) for name in names]


def create_case_tables() -> None:
    """Create them in the schema that the migration runs in."""
    op.create_table(
        "special_cases",
        sa.Column("case_id", _ID, primary_key=True),
        *map(_text, ("centre", "lead", "division", "title", "reason", "state", "conclusion")),
        *map(_number, ("version", "seq", "linked")),
        *_moments("opened_at", "recorded_at"),
        *_moments("closed_at", nullable=True),
        sa.Column("result", sa.Text()),
        sa.Column("meetings", _JSON, nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed')", name="state_known"),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_has_time"),
        sa.CheckConstraint("linked >= 0 AND seq > 0 AND version > 0", name="counts_right"),
    )
    op.create_index("special_cases_opened", "special_cases", ["opened_at", "case_id"])
    keys = [sa.Column(name, _ID, primary_key=True) for name in ("case_id", "order_id")]
    linked_at = sa.Column("linked_at", _MOMENT, primary_key=True)
    op.create_table("special_case_orders", *keys, linked_at, *_moments("unlinked_at", nullable=True))
    op.create_index("special_case_orders_order", "special_case_orders", ["order_id", "case_id"])
    op.create_table(
        "special_case_history",
        sa.Column("case_id", _ID, primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        *map(_text, ("type", "action", "actor", "unit", "tier", "reason")),
        _number("version"),
        *_moments("occurred_at", "recorded_at"),
        sa.Column("body", _JSON, nullable=False),
        sa.Column("private", _JSON),
    )
    _commitments()


def _commitments() -> None:
    op.create_table(
        "commitments",
        sa.Column("commitment_id", _ID, primary_key=True),
        *(sa.Column(name, _ID, nullable=False) for name in ("case_id", "meeting_id")),
        *(sa.Column(name, sa.SmallInteger(), nullable=False) for name in ("ordinal", "asked")),
        *map(_text, ("unit", "text", "state", "answer", "note")),
        _number("version"),
        *_moments("due", "made_at", "since"),
        *_moments("answered_at", "decided_at", "missed_due", nullable=True),
        sa.CheckConstraint("state IN ('open', 'answered', 'kept', 'withdrawn')", name="state_known"),
    )
    op.create_index("commitments_case", "commitments", ["case_id", "ordinal"], unique=True)
    to_do = sa.text("state = 'open'")
    op.create_index("commitments_unit", "commitments", ["unit", "due", "commitment_id"], postgresql_where=to_do)
    op.create_index("commitments_of", "commitments", ["unit", "case_id"])


def drop_case_tables() -> None:
    """Drop them."""
    for table in _TABLES:
        op.drop_table(table)
