"""Freezing a day: its numbers are summed for every member of every group, and stay. What changes in them later is a
correction."""

from collections import defaultdict
from datetime import date, datetime

from services.chassis.database import Connection
from services.supervision.rules.kpi.definitions import BUCKETS
from services.supervision.store.measures import begin_freezing
from services.supervision.store.numbers import BOUNDS, PLAIN, SECONDS, sums

PATIENCE_S = 120  # a city's day is summed in seconds
_SETS = "GROUPING SETS ((), (unit), (tier), (district), (major), (source))"
_KEY = "coalesce(unit, tier, district, major, source, 'all')"
# GROUPING gives a bit for each dimension that was summed over, the first one the highest
_AXIS = (
    "CASE GROUPING(unit, tier, district, major, source) WHEN 31 THEN 'city' WHEN 15 THEN 'unit' WHEN 23 THEN 'tier'"
    " WHEN 27 THEN 'district' WHEN 29 THEN 'major' ELSE 'source' END"
)


async def next_day(connection: Connection, today: date) -> date | None:
    """The day that is to be frozen next; None when nothing was ever counted before `today`."""
    found: date | None = await connection.fetchval(
        "SELECT coalesce((SELECT max(day) + 1 FROM frozen_days),"
        " (SELECT day FROM measures WHERE day < $1 ORDER BY day LIMIT 1))",
        today,
    )
    return found


async def settled(connection: Connection, midnight: datetime) -> bool:
    """Whether everything that time alone decides before midnight was decided and counted. What waits for a fact that is
    missing does not hold a day back: it will be a correction."""
    found: bool = await connection.fetchval(
        "SELECT NOT EXISTS (SELECT FROM recounts) AND NOT EXISTS (SELECT FROM clocks c WHERE next_at < $1"
        " AND NOT EXISTS (SELECT FROM pending p WHERE p.order_id = c.order_id)"
        " AND NOT EXISTS (SELECT FROM dead_facts d WHERE d.order_id = c.order_id"
        "  AND d.seq > coalesce((SELECT seq FROM orders o WHERE o.order_id = d.order_id),"
        "  (SELECT seq FROM special_cases s WHERE s.case_id = d.order_id), 0)))",
        midnight,
    )
    return found


async def freeze(connection: Connection, day: date) -> bool:
    """Freeze a day, in the transaction of the connection; False when another worker did."""
    await connection.execute(f"SET LOCAL transaction_timeout = {PATIENCE_S * 1000}")
    await begin_freezing(connection)
    made = await connection.fetchval(
        "INSERT INTO frozen_days (day, at) VALUES ($1, clock_timestamp()) ON CONFLICT DO NOTHING RETURNING true", day
    )
    if not made:
        return False
    places = [f"n{place}, d{place}" for place in range(len(PLAIN))]
    named = [f"{name} AS {alias}" for name, alias in zip(sums(PLAIN), ", ".join(places).split(", "), strict=True)]
    values = ", ".join(f"('{kpi}', n{place}, d{place})" for place, kpi in enumerate(PLAIN))
    await connection.execute(
        "INSERT INTO kpi_days (day, axis, key, kpi, num, den) SELECT $1, g.axis, g.key, k.kpi, k.num, k.den FROM ("
        f"SELECT {_AXIS} AS axis, {_KEY} AS key, {', '.join(named)} FROM measures WHERE day = $1 GROUP BY {_SETS}"
        f") AS g CROSS JOIN LATERAL (VALUES {values}) AS k(kpi, num, den) WHERE k.den > 0",
        day,
        timeout=PATIENCE_S,
    )
    await _durations(connection, day)
    await connection.execute(
        "INSERT INTO kpi_stock (day, order_id, unit, tier, district, major, source)"
        " SELECT $1, order_id, unit, tier, district, major, source FROM overdue",
        day,
    )
    return True


async def _durations(connection: Connection, day: date) -> None:
    found: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
    seconds: dict[tuple[str, str, str], int] = defaultdict(int)
    for kpi, column in SECONDS.items():
        rows = await connection.fetch(
            f"SELECT {_AXIS} AS axis, {_KEY} AS key, bucket, count(*) AS count, sum({column})::bigint AS seconds FROM"
            f" (SELECT *, width_bucket({column} - 1, {BOUNDS}) AS bucket FROM measures"
            f"  WHERE day = $1 AND {column} IS NOT NULL) AS m GROUP BY bucket, {_SETS}",
            day,
            timeout=PATIENCE_S,
        )
        for row in rows:
            key = (row["axis"], row["key"], kpi)
            found[key][row["bucket"]] += row["count"]
            seconds[key] += row["seconds"]
    await connection.copy_records_to_table(
        "kpi_days",
        columns=("day", "axis", "key", "kpi", "num", "den", "buckets"),
        records=[(day, *key, seconds[key] * 10, sum(counts), counts) for key, counts in found.items()],
    )
