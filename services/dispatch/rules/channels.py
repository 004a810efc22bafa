"""Who is told of urges and supervisions outside the screens, of what, and when. Pure.

What is told names the matter and never a person: order number, class, division, due, units, and where to look.
Urgent matters go at once, by day and by night. What came late (the system stood still) is told once a minute, together.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from schemas.facts import (
    OrderFact,
    Supervised,
    SupervisionAccepted,
    SupervisionAnswered,
    SupervisionCleared,
    SupervisionRefused,
    Urged,
)
from schemas.ids import number_of, uuid5
from schemas.ladder import Channel
from schemas.vocabulary import RungKind, Urgency
from services.dispatch.rules import shapes
from services.dispatch.rules.book import Change
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.supervisions.model import Supervision

TYPE = "supervision.told"
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_EVENTS: dict[type[OrderFact], str] = {
    Urged: "urged",
    Supervised: "supervised",
    SupervisionAnswered: "answered",
    SupervisionRefused: "sent_back",
    SupervisionAccepted: "accepted",
    SupervisionCleared: "cleared",
}


class Word(Struct, frozen=True):
    """One thing to be told. `subject` is what it is about: the last word on one is what counts; `units` are those it
    concerns."""

    id: UUID
    subject: UUID
    order_id: UUID
    event: str
    kind: RungKind
    level: int
    urgency: Urgency
    late: bool
    units: tuple[str, ...]
    at: datetime
    item: dict[str, Any]


def words(directory: Directory, changes: Iterable[Change], link: str) -> list[Word]:
    """What these changes tell. Nothing of an imported past."""
    found = []
    for change in changes:
        event = _EVENTS.get(type(change.fact))
        if event is not None and not change.order.imported:
            found.append(_word(directory, change, event, link))
    return found


def alike(item: Mapping[str, Any]) -> tuple[Any, ...]:
    """What one line of a letter is enough for: the same deadline of many reporters on one order."""
    answerer = item.get("answerer") or {}
    return (str(item["order_id"]), item["event"], item.get("stage"), item.get("level"), answerer.get("unit_id"))


def hears(directory: Directory, channel: Channel, word: Word) -> bool:
    """Whether a channel wants a word."""
    return (
        (not channel.kinds or word.kind in channel.kinds)
        and (not channel.levels or word.kind is RungKind.URGE or word.level in channel.levels)
        and (not channel.urgencies or word.urgency in channel.urgencies)
        and (not channel.units or bool({directory.heir(unit) for unit in channel.units} & set(word.units)))
    )


def tell_at(channel: Channel, word: Word, now: datetime, zone: ZoneInfo) -> datetime:
    """When a channel is told: `now`, or later. Quiet hours and digests hold for what is not urgent; what came late
    waits for the end of the next minute, with everything else that did."""
    at = now
    if word.late:
        at = (now + _MINUTE).replace(second=0, microsecond=0) + _MINUTE
    if word.urgency is not Urgency.NORMAL:
        return at
    if channel.digest_minutes:
        at = max(at, _next_digest(at, channel.digest_minutes, zone))
    return _after_quiet(channel, at, zone)


def _next_digest(at: datetime, every: int, zone: ZoneInfo) -> datetime:
    """Digests go out every so many minutes, counted from the city's midnight."""
    local = at.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    step = timedelta(minutes=every)
    elapsed = at - midnight.astimezone(at.tzinfo)
    return midnight.astimezone(at.tzinfo) + step * -(-elapsed // step)


def _after_quiet(channel: Channel, at: datetime, zone: ZoneInfo) -> datetime:
    if channel.quiet is None:
        return at
    starts, ends = channel.quiet
    local = at.astimezone(zone)
    clock = local.time().replace(tzinfo=None)
    inside = starts <= clock < ends if starts < ends else clock >= starts or clock < ends
    if not inside:
        return at
    day = local.date() if clock < ends else local.date() + _DAY
    return max(at, datetime.combine(day, ends, zone).astimezone(at.tzinfo))


def _word(directory: Directory, change: Change, event: str, link: str) -> Word:
    fact: Any = change.fact
    if isinstance(fact, Urged):
        subject = uuid5(fact.clock_id, f"{fact.rung}\x1f{fact.due}") if fact.clock_id is not None else change.id
        units = (*fact.told, *fact.ring) or (change.order.lead,)
        return _told(directory, change, event, link, subject, RungKind.URGE, 0, units, fact.late, _of_rung(fact))
    if fact.supervision_id is None:  # a word of a version before supervisions were objects
        return _told(
            directory, change, event, link, change.id, RungKind.SUPERVISE, fact.level, (change.order.lead,), False, {}
        )
    one = change.order.supervision(fact.supervision_id)
    concerned = {
        "supervised": (*getattr(fact, "told", ()), *getattr(fact, "ring", ()), one.answerer, one.by),
        "answered": (one.by,),
        "sent_back": (one.answerer,),
    }.get(event, (one.answerer, one.by))
    late = event == "supervised" and one.late
    said = _of_supervision(directory, one) | ({"cause": fact.cause} if event == "cleared" else {})
    return _told(
        directory, change, event, link, one.supervision_id, RungKind.SUPERVISE, one.level, concerned, late, said
    )


def _of_rung(fact: Urged) -> dict[str, Any]:
    return {"stage": fact.stage, "due": fact.due}


def _of_supervision(directory: Directory, one: Supervision) -> dict[str, Any]:
    return {
        "supervision_id": one.supervision_id,
        "why": one.kind,
        "level": one.level,
        "stage": one.stage,
        "due": one.due,
        "answerer": shapes.unit(directory, one.answerer),
        "by": shapes.unit(directory, one.by),
        "answer_due": one.answer_due,
    }


def _told(
    directory: Directory,
    change: Change,
    event: str,
    link: str,
    subject: UUID,
    kind: RungKind,
    level: int,
    units: Iterable[str],
    late: bool,
    said: dict[str, Any],
) -> Word:
    order, fact = change.order, change.fact
    number = number_of(order.order_id)
    ref = order.detail.class_ref
    item: dict[str, Any] = {
        "event": event,
        "order_id": order.order_id,
        "order_number": number,
        "class": {"standard": ref.standard, "kind": ref.kind, "code": ref.code, "name": ref.name},
        "division": order.detail.place.division,
        "place": directory.division_name(order.detail.place.division),
        "urgency": order.urgency,
        "lead": shapes.unit(directory, order.lead),
        "late": late or None,
        "at": fact.occurred_at,
        "link": link.format(number=number),
        **said,
    }
    return Word(
        change.id,
        subject,
        order.order_id,
        event,
        kind,
        level,
        order.urgency,
        late,
        tuple(dict.fromkeys(directory.heir(unit) for unit in units if unit)),
        fact.recorded_at,
        {key: value for key, value in item.items() if value is not None},
    )


def portions(items: list[Any], most: int) -> Iterator[list[Any]]:
    """A digest in messages of at most so many items."""
    return (items[first : first + most] for first in range(0, len(items), most))
