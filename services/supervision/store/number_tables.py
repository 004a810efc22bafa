"""The tables of numbers: what each order counts, frozen days with their corrections, appeals, findings."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Identity, Index, Integer, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlmodel import Field

from services.chassis.tables import moment
from services.supervision.store.base import Base


class MeasureRow(Base, table=True):
    """What one subject of an order counts on one day for one unit (`rules.kpi.tally.Measure`): a view of facts."""

    __tablename__ = "measures"
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    subject: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    day: date = Field(sa_column=Column(Date, primary_key=True))
    unit: str = Field(sa_column=Column(Text, primary_key=True))
    n: int = Field(sa_column=Column(SmallInteger, primary_key=True))
    tier: str = Field(sa_column=Column(Text, nullable=False))
    district: str = Field(sa_column=Column(Text, nullable=False))
    major: str = Field(sa_column=Column(Text, nullable=False))
    source: str = Field(sa_column=Column(Text, nullable=False))
    den: int = Field(sa_column=Column(BigInteger, nullable=False))
    num: int = Field(sa_column=Column(BigInteger, nullable=False))
    tenths: int = Field(sa_column=Column(SmallInteger, nullable=False))
    accept_s: int | None = Field(sa_column=Column(Integer, nullable=True))
    contact_s: int | None = Field(sa_column=Column(Integer, nullable=True))
    handle_s: int | None = Field(sa_column=Column(Integer, nullable=True))

    __table_args__ = (Index("measures_day", "day", "order_id", "subject", "unit", "n"),)


class RecountRow(Base, table=True):
    """An order that must be counted again although no fact of it came: a deadline passed, an appeal was granted."""

    __tablename__ = "recounts"
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    cause: str = Field(sa_column=Column(Text, nullable=False))


class FrozenRow(Base, table=True):
    """A day whose numbers were frozen, and when."""

    __tablename__ = "frozen_days"
    day: date = Field(sa_column=Column(Date, primary_key=True))
    at: datetime = Field(sa_column=moment())


class DayRow(Base, table=True):
    """One number of one frozen day for one member of one group. `num` is in tenths; of a duration it is seconds times
    ten, and `buckets` count how many took how long."""

    __tablename__ = "kpi_days"
    day: date = Field(sa_column=Column(Date, primary_key=True))
    axis: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    kpi: str = Field(sa_column=Column(Text, primary_key=True))
    num: int = Field(sa_column=Column(BigInteger, nullable=False))
    den: int = Field(sa_column=Column(BigInteger, nullable=False))
    buckets: list[int] | None = Field(sa_column=Column(ARRAY(Integer), nullable=True))

    __table_args__ = (Index("kpi_days_of", "axis", "kpi", "day"),)


class CorrectionRow(Base, table=True):
    """What one item of one order changed in a number of a day that was frozen: when, and why. `num` is in tenths."""

    __tablename__ = "kpi_corrections"
    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = Field(sa_column=moment())
    day: date = Field(sa_column=Column(Date, nullable=False))
    kpi: str = Field(sa_column=Column(Text, nullable=False))
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=False))
    subject: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=False))
    unit: str = Field(sa_column=Column(Text, nullable=False))
    n: int = Field(sa_column=Column(SmallInteger, nullable=False))
    tier: str = Field(sa_column=Column(Text, nullable=False))
    district: str = Field(sa_column=Column(Text, nullable=False))
    major: str = Field(sa_column=Column(Text, nullable=False))
    source: str = Field(sa_column=Column(Text, nullable=False))
    num: int = Field(sa_column=Column(Integer, nullable=False))
    den: int = Field(sa_column=Column(SmallInteger, nullable=False))
    bucket: int | None = Field(sa_column=Column(SmallInteger, nullable=True))
    cause: str = Field(sa_column=Column(Text, nullable=False))

    __table_args__ = (
        Index("kpi_corrections_day", "day", "kpi"),
        Index("kpi_corrections_order", "order_id"),
    )


class StockRow(Base, table=True):
    """An order that was open past its promise when a day was frozen."""

    __tablename__ = "kpi_stock"
    day: date = Field(sa_column=Column(Date, primary_key=True))
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    unit: str = Field(sa_column=Column(Text, nullable=False))
    tier: str = Field(sa_column=Column(Text, nullable=False))
    district: str = Field(sa_column=Column(Text, nullable=False))
    major: str = Field(sa_column=Column(Text, nullable=False))
    source: str = Field(sa_column=Column(Text, nullable=False))


class OverdueRow(Base, table=True):
    """An order that is open past its promise: a view of facts."""

    __tablename__ = "overdue"
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    unit: str = Field(sa_column=Column(Text, nullable=False))
    tier: str = Field(sa_column=Column(Text, nullable=False))
    district: str = Field(sa_column=Column(Text, nullable=False))
    major: str = Field(sa_column=Column(Text, nullable=False))
    source: str = Field(sa_column=Column(Text, nullable=False))


class AppealRow(Base, table=True):
    """An appeal (申诉) of a unit against one item of a number, with who decided what at each step."""

    __tablename__ = "appeals"
    appeal_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    kpi: str = Field(sa_column=Column(Text, nullable=False))
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=False))
    subject: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=False))
    day: date = Field(sa_column=Column(Date, nullable=False))
    unit: str = Field(sa_column=Column(Text, nullable=False))
    district: str = Field(sa_column=Column(Text, nullable=False))
    effect: str = Field(sa_column=Column(Text, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    filed_by: str = Field(sa_column=Column(Text, nullable=False))
    filed_at: datetime = Field(sa_column=moment())
    state: str = Field(sa_column=Column(Text, nullable=False))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    steps: list[dict[str, str]] = Field(sa_column=Column(JSONB, nullable=False))

    __table_args__ = (
        CheckConstraint("state IN ('centre', 'city', 'granted', 'refused')", name="appeals_state"),
        CheckConstraint("effect IN ('exclude', 'correct')", name="appeals_effect"),
        Index(
            "appeals_once",
            "kpi",
            "subject",
            "day",
            unique=True,
            postgresql_where=text("state IN ('centre', 'city', 'granted')"),
        ),
        Index("appeals_order", "order_id"),
        Index("appeals_filed", "filed_at", "appeal_id"),
    )


class FindingRow(Base, table=True):
    """Something a detector found, of an order or (`order_id` null) of a unit, with the reason in figures. What was
    withdrawn and came true after all stands again, announced once more (`times`)."""

    __tablename__ = "findings"
    finding_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    order_id: UUID | None = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=True))
    unit: str = Field(sa_column=Column(Text, nullable=False))
    division: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=moment())
    found_at: datetime = Field(sa_column=moment())
    since: datetime | None = Field(sa_column=moment(nullable=True))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    withdrawn_at: datetime | None = Field(sa_column=moment(nullable=True))
    cause: str | None = Field(sa_column=Column(Text, nullable=True))
    times: int = Field(sa_column=Column(SmallInteger, nullable=False, server_default="1"))

    __table_args__ = (
        Index("findings_at", "at", "finding_id"),
        Index("findings_order", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index("findings_unit", "unit", "at", postgresql_where=text("order_id IS NULL AND withdrawn_at IS NULL")),
    )


class UnitWordRow(Base, table=True):
    """When a unit last said anything about any order."""

    __tablename__ = "unit_words"
    unit: str = Field(sa_column=Column(Text, primary_key=True))
    at: datetime = Field(sa_column=moment())


METADATA = Base.metadata
