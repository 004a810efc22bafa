"""What our services wrote for some hundred real reports, as rows and bytes in which only the ids are exchanged."""

import pickle
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from schemas.city import City
from schemas.codec import encode
from schemas.envelope import Outgoing
from schemas.facts import ClocksSet, OrderProposed, ReportReceived, TriageRequested
from schemas.vocabulary import AssignmentRole
from services.dispatch.handlers.routing import kept_of
from services.dispatch.rules.book import Book
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.opening import on_proposed
from services.dispatch.store import orders as dispatch_store
from services.router import store as router_store
from services.router.rules.atlas import Atlas
from services.router.rules.merge import Matter
from services.router.rules.outcome import ruling_of
from services.router.rules.plan import conclude, prepare
from services.supervision.rules.stages import Promises, clocks
from services.supervision.rules.timeline import fold
from services.supervision.rules.timers import arm
from tests.bench.material import Item, direct

REPORT, ORDER = UUID(int=0xA1 << 120), UUID(int=0xB2 << 120)
_decode = msgspec.json.Decoder(ReportReceived).decode
_pack = msgspec.msgpack.Encoder(uuid_format="bytes").encode


class Template(Struct):
    """The rows and bytes of one report, under the ids `REPORT` and `ORDER`. `parts` are the assignments' rows."""

    kind: str
    routed_kind: str
    explanation: str
    ruling: bytes
    matter: Matter | None
    keys: int
    locks: int
    routed: bytes
    order: tuple[Any, ...]
    parts: list[tuple[Any, ...]]
    history: tuple[Any, ...]
    opened: bytes
    report: tuple[Any, ...]
    reporter: str | None
    timeline: bytes
    division: str
    clocks: list[tuple[Any, ...]]
    clocks_set: bytes
    clock_views: str
    due: datetime | None


def made(city: City, items: Sequence[Item]) -> list[Template]:
    """A template for each of these reports that opens an order."""
    atlas, directory, promises = Atlas.of(city), Directory(city), Promises.of(city)
    now = datetime.now(UTC)
    found = []
    for item in items:
        report = msgspec.structs.replace(_decode(direct(item, now).value), report_id=REPORT)
        prepared = prepare(report, atlas)
        decision = conclude(prepared, [], now, atlas)
        if isinstance(decision.fact, OrderProposed | TriageRequested):
            fact = msgspec.structs.replace(decision.fact, order_id=ORDER)
            explanation = encode(decision.explanation()).decode()
            matter = decision.matter
            ruling = router_store.pack(ruling_of(prepared.question, prepared.matched))
            routed = (decision.kind, explanation, ruling, matter, len(prepared.matter_keys), len(prepared.lock_keys))
            found.append(_dispatched(fact, routed, directory, promises, now))
    return found


def _dispatched(
    fact: OrderProposed | TriageRequested,
    routed: tuple[Any, ...],
    directory: Directory,
    promises: Promises,
    now: datetime,
) -> Template:
    kind, explanation, ruling, matter, keys, locks = routed
    book = Book(now, directory)
    kept = kept_of(fact)
    order = on_proposed(book, fact, kept, REPORT)
    assert order is not None
    change = book.changes[0]  # the opening; what a danger adds to it is left out
    timeline = fold(None, change.fact)
    armed = [arm(clock, None, imported=False) for clock in clocks(timeline, promises, None)]
    views = tuple(clock.view for clock, _ in armed)
    opened = encode(change.fact)
    return Template(
        kind=kind,
        routed_kind=type(fact).__name__,
        explanation=explanation,
        ruling=ruling,
        matter=matter,
        keys=keys,
        locks=locks,
        routed=encode(fact),
        order=(*dispatch_store._order(order), *dispatch_store._order_fixed(order)),
        parts=[(*dispatch_store._assignment(a), *dispatch_store._assignment_fixed(a)) for a in order.assignments],
        history=dispatch_store._history(change, Outgoing("", None, opened, ())),
        opened=opened,
        report=dispatch_store._report(kept, now),
        reporter=None if kept.reporter is None else dispatch_store.as_json(kept.reporter),
        timeline=_pack(timeline),
        division=timeline.division,
        clocks=[_clock_row(clock, one) for clock, one in armed],
        clocks_set=encode(ClocksSet(order_id=ORDER, seq=1, clocks=views)),
        clock_views=msgspec.json.encode(views).decode(),
        due=min((view.due for view in views), default=None),
    )


def _clock_row(clock: Any, armed: Any) -> tuple[Any, ...]:
    view = clock.view
    return (
        *(ORDER, view.clock_id, view.stage, view.round, view.owner, view.assignment_id, view.report_id),
        *(view.start, view.due, clock.warn_at, view.state, view.policy, armed.notice, armed.at),
    )


def save(place: Path, templates: Sequence[Template]) -> None:
    """Keep them for the bare processes."""
    place.write_bytes(pickle.dumps([msgspec.structs.asdict(each) for each in templates]))


def load(place: Path) -> list[Template]:
    """Those that were kept."""
    return [Template(**each) for each in pickle.loads(place.read_bytes())]


def mean_of(templates: Sequence[Template]) -> dict[str, float]:
    """How many clocks, assignments, keys and locks an average report brings."""
    count = max(1, len(templates))
    return {
        "clocks": round(sum(len(t.clocks) for t in templates) / count, 2),
        "assignments": round(sum(len(t.parts) for t in templates) / count, 2),
        "keys": round(sum(t.keys for t in templates) / count, 2),
        "locks": round(sum(t.locks for t in templates) / count, 2),
        "leads": round(sum(p[1] == AssignmentRole.LEAD for t in templates for p in t.parts) / count, 2),
    }
