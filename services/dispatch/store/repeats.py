"""Earlier reports of the same persons, to tell repeats."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from schemas.facts import Reporter, ReportReceived
from services.chassis.database import Connection
from services.dispatch.rules.repeats import Earlier, digits

_report_of = msgspec.json.Decoder(ReportReceived).decode
_reporter_of = msgspec.json.Decoder(Reporter).decode


async def earlier(
    connection: Connection, order_ids: Iterable[UUID], persons: Iterable[Reporter]
) -> dict[UUID, list[Earlier]]:
    """The reports on these orders whose reporters may be one of these persons, the first first. Of an order with very
    many reports only some are looked through."""
    people = list(persons)
    rows = await connection.fetch(
        "SELECT r.order_id, r.report_id, r.body, p.body AS reporter FROM unnest($1::uuid[]) AS asked(order_id)"
        " CROSS JOIN LATERAL (SELECT * FROM reports WHERE order_id = asked.order_id LIMIT 500) AS r"
        " JOIN reporters p USING (report_id) WHERE p.body->>'person_id' = ANY($2)"
        " OR right(regexp_replace(p.body->>'phone', '\\D', '', 'g'), 11) = ANY($3) ORDER BY r.received_at",
        list(order_ids),
        [p.person_id for p in people if p.person_id],
        [digits(p.phone) for p in people if p.phone],
    )
    found: dict[UUID, list[Earlier]] = {}
    for row in rows:
        one = Earlier(row["report_id"], _report_of(row["body"]), _reporter_of(row["reporter"]))
        found.setdefault(row["order_id"], []).append(one)
    return found
