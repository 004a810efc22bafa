"""A storm of 10,000 reports on 60 sites, and the same with 300,000 orders open: `python -m tests.bench.storm`.

Prints how many orders came of it, how many reports a person must look at, processor time a report, and the plan and
time of the look for candidates. `--open N` fills the table of matters first.
"""

import argparse
import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time
from uuid import UUID

import asyncpg
import msgspec
import uvloop

from schemas.codec import message
from schemas.envelope import Record
from schemas.facts import ReportReceived
from schemas.topics import REPORTS
from schemas.vocabulary import Lane
from services.chassis.city import load
from services.chassis.database import open_pool
from services.chassis.delivery import Seam
from services.chassis.settings import ServiceSettings
from services.router.handlers import ReportsHandler, report_identity
from services.router.handlers.force import InForce
from services.router.rules.atlas import Atlas
from services.router.rules.keys import lookup_keys
from services.router.rules.plan import prepare
from tests.bench.fresh import fresh
from tests.bench.material import CITY, compose, direct
from tests.bench.seams import records_of
from tests.handlers.router.storm import storm

BATCH = 500
CANDIDATES = (
    "EXPLAIN (ANALYZE, COSTS OFF, BUFFERS OFF) SELECT found.key, m.* FROM unnest($1::int8[]) AS asked(key)"
    " CROSS JOIN LATERAL"
    " (SELECT k.key, k.order_id FROM matter_keys k WHERE k.key = asked.key AND k.last_at >= $2 ORDER BY k.last_at DESC"
    " LIMIT 20) AS found JOIN matters m USING (order_id)"
)


def records(reports: list[ReportReceived]) -> list[Record]:
    """Reports as they would be read."""
    sent = [
        message(REPORTS[Lane.NORMAL], r, id=r.report_id or UUID(int=0), key="k", source="b", time=r.received_at)
        for r in reports
    ]
    return records_of(sent)


async def feed(seam: Seam, all_: list[Record]) -> tuple[float, float]:
    """Bring them in batches; seconds of the wall and of this process."""
    wall, own = perf_counter(), process_time()
    for first in range(0, len(all_), BATCH):
        await seam.handle(all_[first : first + BATCH])
    return perf_counter() - wall, process_time() - own


async def fill(pool: asyncpg.Pool, atlas: Atlas, count: int) -> None:
    """So many open orders of a simulated city, all of the last day: the worst case, older ones are not looked at."""
    rand, now = random.Random(3), datetime.now(UTC)
    made = [msgspec.json.decode(direct(item, now).value, type=ReportReceived) for item in compose(4000)]
    prepared = [prepare(msgspec.structs.replace(r, report_id=UUID(int=n + 1)), atlas) for n, r in enumerate(made)]
    matters, keys = [], []
    for n in range(count):
        one = prepared[n % len(prepared)]
        order_id, at = UUID(int=rand.getrandbits(128)), now - timedelta(seconds=rand.uniform(0, 86_000))
        matters.append(_row(one.this, order_id, at))
        keys += [(key if n < len(prepared) else key ^ n * 0x9E3779B1, at, order_id) for key in one.matter_keys]
    names = type(prepared[0].this).__struct_fields__
    await pool.copy_records_to_table("matters", records=matters, columns=names)
    await pool.copy_records_to_table("matter_keys", records=keys, columns=("key", "last_at", "order_id"))
    await pool.execute("ANALYZE matters")
    await pool.execute("ANALYZE matter_keys")


def _row(matter: object, order_id: UUID, at: datetime) -> tuple[object, ...]:
    changed = msgspec.structs.replace(matter, order_id=order_id, opened_at=at, last_at=at)  # type: ignore[type-var]
    return msgspec.structs.astuple(changed)


async def explain(pool: asyncpg.Pool, atlas: Atlas, reports: list[ReportReceived]) -> None:
    """The plan of one batch's look for candidates."""
    asked = sorted({key for r in reports[:BATCH] for key in lookup_keys(prepare(r, atlas).this, atlas)})
    since = datetime.now(UTC) - timedelta(hours=24)
    await pool.fetch(CANDIDATES, asked, since)
    rows = await pool.fetch(CANDIDATES, asked, since)
    print(f"candidates of {min(BATCH, len(reports))} reports, {len(asked)} keys:")
    print("\n".join("  " + row[0] for row in rows))


async def run(count: int, sites: int, open_: int) -> None:
    """One storm on an empty database or beside a full one."""
    atlas = Atlas.of(load(CITY))
    async with fresh(processes=()) as stack:
        settings = ServiceSettings(database_url=stack.database_url("paidan_router"))
        pool = await open_pool(settings, "router")
        if open_:
            await fill(pool, atlas, open_)
        handler = ReportsHandler(InForce(atlas, CITY), lane=Lane.NORMAL, per_key=20)
        seam = Seam(handler, pool, settings, identity=report_identity)
        told = list(storm(atlas, count, sites, datetime.now(UTC)))
        wall, own = await feed(seam, records([report for _, report in told]))
        site_of = {report.report_id: site for site, report in told}
        rows = await pool.fetch("SELECT report_id, order_id, kind FROM decisions")
        orders: dict[int, set[UUID]] = defaultdict(set)
        for row in rows:
            orders[site_of[row["report_id"]]].add(row["order_id"])
        mixed = Counter(id_ for ids in orders.values() for id_ in ids)
        kinds = Counter(row["kind"] for row in rows)
        print(f"{count} reports on {sites} sites, {open_} orders open before:")
        print(f"  {len(mixed)} orders; sites with more than one: {sum(len(ids) > 1 for ids in orders.values())};")
        print(f"  orders of more than one site: {sum(n > 1 for n in mixed.values())}; {dict(kinds)};")
        print(f"  questions to people: {await pool.fetchval('SELECT count(*) FROM proposals')};")
        print(f"  {own / count * 1e6:.0f} µs of the router's processor a report, {count / wall:,.0f} reports/s")
        usual = [msgspec.json.decode(direct(i, datetime.now(UTC)).value, type=ReportReceived) for i in compose(4000)]
        usual = [msgspec.structs.replace(r, report_id=UUID(int=(1 << 100) + n)) for n, r in enumerate(usual)]
        wall, own = await feed(seam, records(usual))
        print(f"usual reports beside them: {own / len(usual) * 1e6:.0f} µs a report, {len(usual) / wall:,.0f}/s")
        await explain(pool, atlas, usual)
        await pool.close()


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.storm")
    parser.add_argument("--reports", type=int, default=10_000)
    parser.add_argument("--sites", type=int, default=60)
    parser.add_argument("--open", type=int, default=0)
    said = parser.parse_args()
    uvloop.run(run(said.reports, said.sites, said.open))


if __name__ == "__main__":
    main()
