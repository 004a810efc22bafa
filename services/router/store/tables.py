"""The router's schema: decisions, matters, the keys they are found by, devices. For migrations and their check only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.dialects.postgresql import UUID as PgUuid
from sqlmodel import Field, SQLModel

from services.chassis.tables import moment, with_delivery


class Base(SQLModel):
    """All tables of the router's schema hang on this metadata."""

    metadata = MetaData()


class Decision(Base, table=True):
    """What was decided about a report, with every step's reason. One row a report, for ever the first answer. `ruling`
    is what the rulebook was asked: another one can be asked the same later. `matter` is what it told the matters: they
    are made anew out of it."""

    __tablename__ = "decisions"
    report_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    order_id: UUID | None = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    source: str = Field(sa_column=Column(Text, nullable=False))
    body_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    topic: str = Field(sa_column=Column(Text, nullable=False))
    part: int = Field(sa_column=Column(SmallInteger, nullable=False))
    off: int = Field(sa_column=Column(BigInteger, nullable=False))
    received_at: datetime = Field(sa_column=moment())
    decided_at: datetime = Field(sa_column=moment())
    explanation: str = Field(sa_column=Column(JSON, nullable=False))
    ruling: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    matter: bytes | None = Field(sa_column=Column(LargeBinary, nullable=True))
    said: str | None = Field(sa_column=Column(Text, nullable=True))

    __table_args__ = (Index("decisions_decided_at", "decided_at"),)


class LabelRow(Base, table=True):
    """What somebody decided about an order otherwise than the router: the class or the lead, by whom, when. Answers of
    several people about one order all stay."""

    __tablename__ = "labels"
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    seq: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    class_key: str | None = Field(sa_column=Column(Text, nullable=True))
    lead: str | None = Field(sa_column=Column(Text, nullable=True))
    unit: str = Field(sa_column=Column(Text, nullable=False))
    actor: str = Field(sa_column=Column(Text, nullable=False))
    occurred_at: datetime = Field(sa_column=moment())

    __table_args__ = (Index("labels_occurred_at", "occurred_at"),)


class RulebookRow(Base, table=True):
    """One rulebook that was taken into force or let run beside the live one (`role`), in the order in which that
    happened; of each role the newest counts. `origin` says how it came: the pack's file, posted, or back to an earlier
    one. A shadow ends with a row without text."""

    __tablename__ = "rulebooks"
    n: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    role: str = Field(sa_column=Column(Text, nullable=False))
    origin: str = Field(sa_column=Column(Text, nullable=False))
    version: str = Field(sa_column=Column(Text, nullable=False))
    text: str = Field(sa_column=Column(Text, nullable=False))
    rows: int = Field(sa_column=Column(Integer, nullable=False))
    taken_at: datetime = Field(sa_column=moment())
    taken_by: str = Field(sa_column=Column(Text, nullable=False))
    note: str = Field(sa_column=Column(Text, nullable=False))

    __table_args__ = (Index("rulebooks_version", "version", "n"),)


class ShadowRow(Base, table=True):
    """One report that would have gone elsewhere by what runs beside the live rulebook (`kind` rulebook or model). `at`
    is when it was decided; rows are forgotten after a while."""

    __tablename__ = "shadow_differences"
    report_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    at: datetime = Field(sa_column=moment())
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    shadow: str = Field(sa_column=Column(Text, nullable=False))
    live: str = Field(sa_column=Column(Text, nullable=False))
    class_key: str = Field(sa_column=Column(Text, nullable=False))
    would_class: str = Field(sa_column=Column(Text, nullable=False))
    division: str = Field(sa_column=Column(Text, nullable=False))
    lead: str = Field(sa_column=Column(Text, nullable=False))
    would_lead: str = Field(sa_column=Column(Text, nullable=False))
    outcomes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))

    __table_args__ = (Index("shadow_differences_of", "shadow", "at"),)


class MatterRow(Base, table=True):
    """One matter as the router sees it: what later reports are compared with. `seq` is the newest fact of its order
    that was landed."""

    __tablename__ = "matters"
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    class_key: str = Field(sa_column=Column(Text, nullable=False))
    scene: str = Field(sa_column=Column(Text, nullable=False))
    division: str = Field(sa_column=Column(Text, nullable=False))
    lon: float | None = Field(sa_column=Column(Double, nullable=True))
    lat: float | None = Field(sa_column=Column(Double, nullable=True))
    address_key: str = Field(sa_column=Column(Text, nullable=False))
    asset: str = Field(sa_column=Column(Text, nullable=False))
    subject: str = Field(sa_column=Column(Text, nullable=False))
    grams: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    opened_at: datetime = Field(sa_column=moment())
    last_at: datetime = Field(sa_column=moment())
    closed: bool = Field(sa_column_kwargs={"server_default": text("false")})
    reports: int = Field(sa_column=Column(Integer, nullable=False))
    voices: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))
    marks: int = Field(sa_column=Column(Integer, nullable=False))
    seq: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))

    __table_args__ = (
        Index("matters_open", "opened_at", postgresql_where=text("NOT closed")),
        Index("matters_crowded", "last_at", postgresql_where=text("reports >= 5 AND NOT closed")),
    )


class MatterKey(Base, table=True):
    """Where a matter can be found: class and cell, class and address, asset, subject."""

    __tablename__ = "matter_keys"
    key: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    last_at: datetime = Field(sa_column=moment(primary_key=True))
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))


class ProposalRow(Base, table=True):
    """Two orders of which it was asked whether they are one; never asked again."""

    __tablename__ = "proposals"
    proposal_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=False))
    into_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=False))
    score: float = Field(sa_column=Column(Double, nullable=False))
    at: datetime = Field(sa_column=moment())


class SweepPlace(Base, table=True):
    """Up to which decision matters were compared with what is around them: one row."""

    __tablename__ = "sweep_place"
    one: bool = Field(sa_column=Column(Boolean, CheckConstraint("one", name="one_row"), primary_key=True))
    at: datetime = Field(sa_column=moment())
    links: bool
    report_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=False))


class TopicHour(Base, table=True):
    """How many reports, and how many people, an hour brought of a class in a street-town (or a wider place)."""

    __tablename__ = "topic_hours"
    hour: datetime = Field(sa_column=moment(primary_key=True))
    class_key: str = Field(sa_column=Column(Text, primary_key=True))
    division: str = Field(sa_column=Column(Text, primary_key=True))
    reports: int = Field(sa_column=Column(Integer, nullable=False))
    voices: int = Field(sa_column=Column(Integer, nullable=False))


class WarningRow(Base, table=True):
    """What the router spoke up about: a crowd, a hot topic, one of the quiet few. Open until `ended_at`; `subject` is
    whom the matter is about, who does not see it; `body` is the fact."""

    __tablename__ = "warnings"
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    found_at: datetime = Field(sa_column=moment(primary_key=True))
    ended_at: datetime | None = Field(sa_column=moment(nullable=True))
    division: str = Field(sa_column=Column(Text, nullable=False))
    subject: str = Field(sa_column=Column(Text, nullable=False))
    level: int = Field(sa_column=Column(Integer, nullable=False))
    score: float = Field(sa_column=Column(Double, nullable=False))
    body: str = Field(sa_column=Column(JSON, nullable=False))

    __table_args__ = (
        CheckConstraint("kind IN ('crowd', 'hot', 'quiet')", name="kind_known"),
        Index("warnings_open", "kind", "key", unique=True, postgresql_where=text("ended_at IS NULL")),
    )


class DeviceRow(Base, table=True):
    """What screening remembers of one device."""

    __tablename__ = "devices"
    device_id: str = Field(sa_column=Column(Text, primary_key=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    last_at: datetime = Field(sa_column=moment())
    silent: bool
    state: bytes = Field(sa_column=Column(LargeBinary, nullable=False))

    __table_args__ = (Index("devices_heard", "kind", "last_at", postgresql_where=text("NOT silent")),)


class PartRow(Base, table=True):
    """One unit's part of an order, of units that have a limit of open parts. `seq` is the newest fact of its order that
    said something about it."""

    __tablename__ = "parts"
    part_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), primary_key=True))
    order_id: UUID = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=False))
    unit: str = Field(sa_column=Column(Text, nullable=False))
    open: bool
    seq: int = Field(sa_column=Column(Integer, nullable=False))

    __table_args__ = (
        Index("parts_open", "unit", postgresql_where=text("open")),
        Index("parts_of_order", "order_id", postgresql_where=text("open")),
    )


class ResourceRow(Base, table=True):
    """Where a resource was last said to be and whether it may be called; `order_id` is the order it was called to."""

    __tablename__ = "resources"
    resource_id: str = Field(sa_column=Column(Text, primary_key=True))
    lon: float = Field(sa_column=Column(Double, nullable=False))
    lat: float = Field(sa_column=Column(Double, nullable=False))
    state: str = Field(sa_column=Column(Text, nullable=False))
    order_id: UUID | None = Field(sa_column=Column(PgUuid(as_uuid=True), nullable=True))
    at: datetime = Field(sa_column=moment())

    __table_args__ = (Index("resources_called", "order_id", postgresql_where=text("order_id IS NOT NULL")),)


class WeatherWarningRow(Base, table=True):
    """One weather warning, with who said it."""

    __tablename__ = "weather_warnings"
    warning_id: str = Field(sa_column=Column(Text, primary_key=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    level: str = Field(sa_column=Column(Text, nullable=False))
    areas: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    starts: datetime = Field(sa_column=moment())
    ends: datetime = Field(sa_column=moment())
    text: str = Field(sa_column=Column(Text, nullable=False))
    said_by: str = Field(sa_column=Column(Text, nullable=False))

    __table_args__ = (Index("weather_warnings_ends", "ends"),)


metadata = with_delivery(Base.metadata)
