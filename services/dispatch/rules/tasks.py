"""Lists of tasks that a centre pushes down (任务清单): each row becomes an order of the unit it names.

Ids follow from the list and the row's key, so a row that is pushed again is the row that is there.
"""

import hashlib
from collections.abc import Callable
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, field

from schemas.facts import ClassRef, Hop, Plan, ReportReceived
from schemas.facts.intake import Moment, Short
from schemas.ids import NAMESPACE, uuid5
from schemas.refusals import Refused
from schemas.vocabulary import Source, TicketType, Urgency, Verification
from services.dispatch.rules.acts.asked import Title
from services.dispatch.rules.book import Book, KeptReport
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.opening import open_order

RULE = "task"


class TaskList(Struct, frozen=True, kw_only=True):
    """A list as its centre announced it."""

    list_id: UUID
    unit: str
    title: str
    class_key: str
    urgency: Urgency
    verification: Verification
    by: str
    due: Moment | None = None


class NewList(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What announcing a list must say."""

    title: Title
    class_key: Short = field(name="class")
    due: Moment | None = None
    urgency: Urgency = Urgency.NORMAL
    verification: Verification = Verification.NONE


class Row(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row: whose, what, where. `key` tells it from the others of its list."""

    key: Title
    unit: Annotated[str, Meta(min_length=1, max_length=200)]
    text: Annotated[str, Meta(max_length=2_000)] = ""
    address: Annotated[str, Meta(max_length=500)] = ""
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None


def list_id_of(unit: str, title: str) -> UUID:
    """The id of a list: one of that title for each centre."""
    return uuid5(NAMESPACE, f"tasks\x1f{unit}\x1f{title}")


def order_id_of(list_id: UUID, key: str) -> UUID:
    """The id of the order that a row becomes."""
    return uuid5(list_id, key)


def report_id_of(list_id: UUID, key: str) -> UUID:
    """The id of the report that stands for a row."""
    return uuid5(list_id, f"report\x1f{key}")


def hash_of(row: Row) -> bytes:
    """What a row says, however it was written: the same row again has the same 16 bytes."""
    return hashlib.blake2b(msgspec.json.encode(row), digest_size=16).digest()


def check_row(directory: Directory, tasks: TaskList, row: Row) -> None:
    """Raises Refused: `unit_unknown`; `other_unit` for one outside the centre's boundary; `coordinates_incomplete`."""
    unit = directory.unit(row.unit)
    if unit is None:
        raise Refused("unit_unknown", row.unit)
    if not directory.inside(unit.division, tasks.unit):
        raise Refused("other_unit", f"{row.unit} is not below {tasks.unit}")
    if (row.lon is None) != (row.lat is None):
        raise Refused("coordinates_incomplete")


def open_row(
    book: Book, tasks: TaskList, row: Row, class_ref: ClassRef, encode: Callable[[ReportReceived], str]
) -> None:
    """The order of a row, offered to its unit by the centre that pushed the list. Raises what `check_row` does."""
    check_row(book.directory, tasks, row)
    place = book.directory.place_of(row.unit, row.lon, row.lat)
    report = ReportReceived(
        source=Source.TASK,
        received_at=book.now,
        report_id=report_id_of(tasks.list_id, row.key),
        source_id=row.key,
        ticket_type=TicketType.FINDING,
        title=tasks.title,
        text=row.text,
        address=row.address,
        source_due=tasks.due,
    )
    assert report.report_id is not None
    tier = book.directory.tier_of(tasks.unit) or place.tier
    plan = Plan(
        class_ref=class_ref,
        place=place,
        urgency=tasks.urgency,
        lead=row.unit,
        path=(Hop(tier=tier, unit=tasks.unit, at=book.now, by=tasks.by),),
        verification=tasks.verification,
        rule=RULE,
    )
    kept = KeptReport(report.report_id, report, encode(report), None)
    order_id = order_id_of(tasks.list_id, row.key)
    open_order(book, order_id, plan, kept, uuid5(order_id, RULE))
