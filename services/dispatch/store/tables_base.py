"""What the tables of dispatch are made of."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, MetaData, Text
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlmodel import SQLModel


class Base(SQLModel):
    """What the tables of dispatch share."""

    metadata = MetaData()


def uuid_column(*, key: bool = False, nullable: bool = False) -> Column[UUID]:
    """An id."""
    return Column(PgUuid(as_uuid=True), primary_key=key, nullable=nullable)


def text_column() -> Column[str]:
    """A text that is always there, if only empty."""
    return Column(Text, nullable=False)


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """Nothing else stands in the column."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
