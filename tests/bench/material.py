"""What is sent: the simulator's reports, composed beforehand so that composing them costs the runs nothing.

Reports that are answered on the spot are left out: they open no order, and a rate counts orders.
"""

import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from uuid import uuid4

import msgspec
from msgspec import Struct

from deploy.simulator import Mix, stream
from deploy.simulator.front_door import SOURCES
from schemas.envelope import Outgoing
from schemas.topics import REPORTS_NORMAL, REPORTS_URGENT
from services.chassis.city import load

CITY = Path(__file__).resolve().parents[2] / "deploy" / "cities" / "shanghai"
_RATE = 500.0  # reports a simulated second: all of them lie within minutes, as they are sent
_ID = b'{"source_id":"'
_encode = msgspec.json.Encoder().encode


class Item(Struct, frozen=True, gc=False):
    """One report as a sender writes it: its path over REST, its JSON body, whether it tells of danger."""

    path: str
    body: bytes
    urgent: bool


def _compose(part: int, wanted: int) -> list[tuple[str, bytes, bool]]:
    found: list[tuple[str, bytes, bool]] = []
    for sent in stream(load(CITY), 7_000 + part, rate=_RATE, mix=Mix(sensors=0), start=datetime.now(UTC)):
        if "answered" not in sent.body and sent.meant is not None:
            body = {key: value for key, value in sent.body.items() if key != "occurred_at"}
            found.append((sent.path, _encode(body), bool(sent.meant.danger)))
        if len(found) == wanted:
            break
    return found


def compose(wanted: int) -> list[Item]:
    """That many reports of a seeded city, on all cores."""
    cores = multiprocessing.cpu_count()
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        parts = pool.starmap(_compose, [(part, -(-wanted // cores)) for part in range(cores)])
    return [Item(*each) for group in zip(*parts, strict=True) for each in group]


def without_end(items: list[Item]) -> Iterator[Item]:
    """The items; when they are used up, again under other ids, which makes them repeats of a matter."""
    for again in count():
        for item in items:
            body = item.body
            if again:
                body = body.replace(_ID, _ID + b"r%d-" % again, 1)
            yield Item(item.path, body, item.urgent)


def direct(item: Item, received_at: datetime) -> Outgoing:
    """A report as a gateway writes it to Kafka, with nothing but what the published schema asks for."""
    head = b'{"source":"%s","received_at":"%s",' % (SOURCES[item.path].encode(), received_at.isoformat().encode())
    topic = REPORTS_URGENT if item.urgent else REPORTS_NORMAL
    start = len(_ID)
    source_id = item.body[start : item.body.index(b'"', start)]
    return Outgoing(topic.name, source_id, head + item.body[1:], ())


def named(item: Item, received_at: datetime) -> Outgoing:
    """The same on the normal lane with its id in it, for the bare pipeline, which makes up no ids."""
    id_ = str(uuid4()).encode()
    source, at = SOURCES[item.path].encode(), received_at.isoformat().encode()
    head = b'{"report_id":"%s","source":"%s","received_at":"%s",' % (id_, source, at)
    return Outgoing(REPORTS_NORMAL.name, id_, head + item.body[1:], ())
