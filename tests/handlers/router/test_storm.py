"""A storm of many reports on few sites ends as about as many orders as there are sites, and nobody's report is lost."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from schemas.vocabulary import Lane
from services.chassis.settings import ServiceSettings
from services.router.rules.atlas import Atlas
from services.router.rules.quiet import DANGER
from tests.handlers.router.storm import storm
from tests.handlers.router.test_reports import record, seam

REPORTS, SITES = 1_500, 60


async def test_a_storm_on_sixty_sites_ends_as_about_sixty_orders(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    told = list(storm(atlas, REPORTS, SITES, datetime.now(UTC)))
    lanes = [seam(atlas, pool, settings), seam(atlas, pool, settings, Lane.URGENT)]
    batches = [told[first : first + 50] for first in range(0, REPORTS, 50)]

    async def bring(lane: int) -> None:
        for n, batch in enumerate(batches):
            if n % 2 == lane:
                await lanes[lane].handle([record(report, n * 50 + k) for k, (_, report) in enumerate(batch)])

    await asyncio.gather(bring(0), bring(1))
    site_of = {report.report_id: site for site, report in told}
    sites_of: dict[UUID, set[int]] = defaultdict(set)
    rows = await pool.fetch("SELECT report_id, order_id FROM decisions")
    for row in rows:
        sites_of[row["order_id"]].add(site_of[row["report_id"]])
    assert len(rows) == REPORTS, "each report keeps its own decision"
    assert await pool.fetchval("SELECT sum(reports) FROM matters") == REPORTS, "and counts, whichever lane it came by"
    assert all(len(sites) == 1 for sites in sites_of.values()), "no two sites are one order"
    counted = "SELECT count(*) FILTER (WHERE marks & $1 = 0), count(*) FILTER (WHERE marks & $1 <> 0) FROM matters"
    calm, dangers = await pool.fetchrow(counted, DANGER)
    assert calm + dangers == len(sites_of) and len(sites_of) >= SITES
    assert calm <= SITES * 1.4, calm
    assert 0 < dangers <= SITES / 3, "trees and wires of some wordings are dangers: these have one order more"
