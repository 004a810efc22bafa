"""A year of a city in the tables of dispatch, made in minutes: a few hundred orders go through the real handler, and
SQL multiplies their rows with other ids, times, words and states. One in sixteen is still open; one unit is busy."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec

from deploy.stack.lifecycle import Stack
from schemas.codec import encode
from schemas.envelope import Record, headers_of
from schemas.facts import ClassRef, ClockView, Hop, OrderClosed, OrderProposed, Place, Plan, ReportReceived
from schemas.ids import order_id_of, report_id_of
from schemas.topics import ROUTING_NORMAL
from schemas.vocabulary import ClockState, Lane, OrderStatus, Result, Source, Stage, Tier, Urgency, Verification
from services.chassis.city import load
from services.chassis.database import open_pool
from services.chassis.delivery import Seam
from services.dispatch.handlers import RoutingHandler
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.grams import grams
from services.dispatch.settings import DispatchSettings
from tests.bench.fresh import say
from tests.bench.material import CITY, _compose

TEMPLATES = 400
SAMPLES = 20_000
OPEN = 16  # one in so many is still open: six days of a year and those that take longer
BUSY = 40  # one in so many is the busy unit's
_TEXT, _ADDRESS = "TEXT-OF-THE-REPORT", "ADDRESS-OF-THE-REPORT"
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def seed(stack: Stack, count: int) -> list[str]:
    """That many orders; answers the units that hold them, the busy one first."""
    rand = random.Random(4)
    city = load(CITY)
    directory = Directory(city)
    units = _units(rand, directory, [u.unit_id for u in city.units])
    classes = [ClassRef(standard=c.standard, kind=c.kind, code=c.code, name=c.name) for c in city.classes]
    facts = [_proposal(n, unit, rand.choice(classes), directory, rand) for n, unit in enumerate(units)]
    settings = DispatchSettings(database_url=stack.database_url("paidan_dispatch"))
    pool = await open_pool(settings, "dispatch")
    try:
        await Seam(RoutingHandler(directory, Lane.NORMAL), pool, settings).handle([_record(f) for f in facts])
    finally:
        await pool.close()
    connection = await asyncpg.connect(stack.database_url("postgres"), server_settings={"search_path": "dispatch"})
    try:
        await _multiply(connection, count)
    finally:
        await connection.close()
    return units


def _units(rand: random.Random, directory: Directory, ids: list[str]) -> list[str]:
    centres = [u for u in ids if directory.is_centre(u) and directory.tier_of(u) is Tier.STREET]
    committees = [u for u in ids if directory.tier_of(u) is Tier.COMMITTEE]
    rand.shuffle(centres)
    rand.shuffle(committees)
    return (centres[:200] + committees)[:TEMPLATES]


def _proposal(n: int, unit: str, class_ref: ClassRef, directory: Directory, rand: random.Random) -> OrderProposed:
    at = _LONG_AGO
    report = ReportReceived(
        source=rand.choice((Source.HOTLINE, Source.HOTLINE, Source.POLICE, Source.PATROL)),
        received_at=at,
        report_id=report_id_of("bench", str(n)),
        text=_TEXT,
        address=_ADDRESS,
    )
    assert report.report_id is not None
    lon, lat = 121.2 + rand.random() * 0.6, 31.0 + rand.random() * 0.4
    place: Place = directory.place_of(unit, lon, lat)
    centre = directory.centre_above(unit) or unit
    plan = Plan(
        class_ref=class_ref,
        place=place,
        urgency=Urgency.NORMAL if n % 20 else Urgency.URGENT,
        lead=unit,
        path=(Hop(tier=place.tier, unit=centre, at=at, by="bench"),),
        verification=Verification.CALL,
        rule="bench",
    )
    return OrderProposed(order_id=order_id_of(report.report_id), report=report, plan=plan)


def _record(fact: OrderProposed) -> Record:
    assert fact.report.report_id is not None
    headers = headers_of(id=fact.report.report_id, kind="OrderProposed", source="router", subject="", time=_LONG_AGO)
    return Record(ROUTING_NORMAL.name, 0, 0, b"", encode(fact), headers, 0)


async def _multiply(c: asyncpg.Connection, count: int) -> None:
    await c.execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'; SET work_mem = '128MB'")
    await _samples(c)
    await c.execute(
        "CREATE TEMP TABLE t AS SELECT row_number() OVER (ORDER BY o.opened_at, o.order_id) - 1 AS k, o.order_id,"
        " r.report_id, a.assignment_id FROM orders o JOIN reports r USING (order_id) JOIN assignments a"
        " USING (order_id)"
    )
    await c.execute(
        "CREATE TEMP TABLE m AS SELECT i, t.order_id AS old, t.report_id AS old_r, t.assignment_id AS old_a,"
        " md5('o' || i)::uuid AS new, md5('r' || i)::uuid AS new_r, md5('a' || i)::uuid AS new_a, i % $2 AS s,"
        " now() - ($1 - i) * (interval '365 days' / $1) - interval '10 s' AS at, i % $4 <> 0 AND i < $1 * 0.99 AS ended"
        f" FROM generate_series(1, $1) i JOIN t ON t.k = CASE WHEN i % {BUSY} = 0 THEN 0 ELSE i % $3 END",
        count,
        SAMPLES,
        TEMPLATES,
        OPEN,
    )
    ids = (
        "replace(replace(replace({0}, m.old::text, m.new::text), m.old_r::text, m.new_r::text), m.old_a::text,"
        " m.new_a::text)"
    )
    closed = "m.at + interval '3 days'"
    said = f"replace(replace(x.body::text, $${_TEXT}$$, p.text), $${_ADDRESS}$$, p.address)"
    state = f"CASE WHEN m.ended THEN {closed} ELSE m.at END"
    then = "to_char(m.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    fact = f"(replace({ids.format('x.body::text')}, x.body->>'occurred_at', {then}))::json"
    plans: tuple[tuple[str, dict[str, str], str], ...] = (
        (
            "orders",
            {
                "order_id": "m.new",
                "opened_at": "m.at",
                "since": state,
                "recorded_at": state,
                "status": "CASE WHEN m.ended THEN 'closed' ELSE 'dispatched' END",
                "seq": "CASE WHEN m.ended THEN 2 ELSE 1 END",
                "closed_at": f"CASE WHEN m.ended THEN {closed} END",
                "voices": f"({ids.format('x.voices::text')})::json",
            },
            "",
        ),
        (
            "assignments",
            {
                "assignment_id": "m.new_a",
                "order_id": "m.new",
                "offered_at": "m.at",
                "told_at": "m.at",
                "status": "CASE WHEN m.ended THEN 'withdrawn' ELSE 'offered' END",
                "stood_since": state,
            },
            "",
        ),
        (
            "history",
            {"order_id": "m.new", "occurred_at": "m.at", "recorded_at": "m.at", "body": fact},
            " WHERE x.seq = 1",
        ),
        (
            "reports",
            {
                "report_id": "m.new_r",
                "order_id": "m.new",
                "received_at": "m.at",
                "recorded_at": "m.at",
                "body": f"({said})::json",
            },
            " JOIN sample p ON p.s = m.s",
        ),
    )
    for table, other, join in plans:
        await _copies(c, table, other, join)
        say(f"{table}: {count:,} rows")
    await _beside(c, closed)


async def _copies(c: asyncpg.Connection, table: str, other: dict[str, str], join: str) -> None:
    rows = await c.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'dispatch' AND table_name = $1", table
    )
    names = [row["column_name"] for row in rows]
    taken = ", ".join(other.get(name, f"x.{name}") for name in names)
    await c.execute(
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {taken} FROM m JOIN {table} x ON x.order_id = m.old{join}"
    )


async def _samples(c: asyncpg.Connection) -> None:
    found = await asyncio.to_thread(_compose, 0, SAMPLES)
    bodies = [msgspec.json.decode(body) for _, body, _ in found]
    rows = [
        (n, _plain(b.get("text", "")), _plain(b.get("address", "")),
         " ".join(grams(f"{b.get('text', '')} {b.get('address', '')}")))
        for n, b in enumerate(bodies)
    ]  # fmt: skip
    await c.execute("CREATE TEMP TABLE sample (s int PRIMARY KEY, text text, address text, words text)")
    await c.copy_records_to_table("sample", records=rows)


def _plain(text: str) -> str:
    """A text that can stand inside a JSON string as it is."""
    return text.replace("\\", "").replace('"', "").replace("\n", " ").replace("\t", " ")


async def _beside(c: asyncpg.Connection, closed: str) -> None:
    """The closings, what left the queues, clocks and words."""
    fact = OrderClosed(
        order_id=order_id_of(report_id_of("bench", "0")), seq=2, occurred_at=_LONG_AGO, recorded_at=_LONG_AGO,
        status=OrderStatus.CLOSED, result=Result.SOLVED,
    )  # fmt: skip
    moment = f"to_char(({closed}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    body = f"replace(replace($${encode(fact).decode()}$$, '{fact.order_id}', m.new::text)"
    ended = {
        "order_id": "m.new",
        "seq": "2",
        "type": "'OrderClosed'",
        "action": "'import_close'",
        "old_version": "1",
        "new_version": "2",
        "order_version": "2",
        "occurred_at": closed,
        "recorded_at": closed,
        "changed": "'status'",
        "status": "'closed'",
        "closed_at": closed,
        "body": f"({body}, '2020-01-01T00:00:00Z', {moment}))::json",
    }
    await _copies(c, "history", ended, " WHERE m.ended AND x.seq = 1")
    await c.execute(
        "INSERT INTO queue_past (unit, until, assignment_id, order_id, status, actors, stood_since)"
        f" SELECT x.lead, {closed}, m.new_a, m.new, 'offered', '', m.at FROM m JOIN orders x ON x.order_id = m.old"
        " WHERE m.ended"
    )
    view = ClockView(
        clock_id=fact.order_id, stage=Stage.TOTAL, owner="x", start=_LONG_AGO, due=_LONG_AGO + timedelta(days=5),
        state=ClockState.RUNNING, policy="bench",
    )  # fmt: skip
    body = msgspec.json.encode([view]).decode()
    await c.execute(
        "INSERT INTO clocks (order_id, seq, at, due, light, body) SELECT m.new, 1, m.at, m.at + (m.i % 400) * interval"
        " '1 hour', CASE m.i % 10 WHEN 0 THEN 'red' WHEN 1 THEN 'yellow' ELSE 'green' END, $1::json FROM m",
        body,
    )
    say("clocks, closings and what left the queues")
    await c.execute("DROP INDEX report_words_words")
    await c.execute(
        "INSERT INTO report_words SELECT m.new_r, array_to_tsvector(string_to_array(p.words, ' ')) FROM m"
        " JOIN sample p ON p.s = m.s ON CONFLICT DO NOTHING"  # dispatch is indexing, too
    )
    await c.execute("CREATE INDEX report_words_words ON report_words USING gin (words)")
    await c.execute("UPDATE words_place SET at = now()")
    await c.execute("ANALYZE")
    say("words and statistics")
