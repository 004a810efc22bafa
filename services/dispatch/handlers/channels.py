"""Tells the channels of the policy about urges and supervisions: at once, or later in a digest.

A word becomes a delivery (or waits for its digest) in the transaction of the change it speaks of; the courier brings
deliveries at least once, under ids that never change.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from schemas.ids import NAMESPACE, fact_id, uuid5
from services.chassis.database import Connection
from services.chassis.errors import is_wait
from services.chassis.logs import logger
from services.chassis.webhooks import deliveries
from services.chassis.webhooks.deliveries import Notice
from services.dispatch.rules.book import Book
from services.dispatch.rules.channels import TYPE, Word, alike, hears, portions, tell_at, words
from services.dispatch.store import telling

log = logger(__name__)
MOST = 500  # items of one message
EVERY_S = 1.0
_encode = msgspec.json.Encoder().encode


async def tell(connection: Connection, book: Book) -> None:
    """Put what this book's changes tell the channels among the deliveries, or let it wait for its moment."""
    directory = book.directory
    if not directory.channels:
        return
    found = words(directory, book.changes, directory.link)
    if not found:
        return
    over = [word.subject for word in found if word.event == "cleared"]
    untold = await telling.take_back(connection, over) if over else set()
    said: set[tuple[Any, ...]] = set()
    now: list[Notice] = []
    later: list[tuple[str, UUID, dict[str, Any], datetime, datetime]] = []
    for channel in directory.channels:
        for word in found:
            if not hears(directory, channel, word) or (channel.name, word.subject) in untold:
                continue
            at = tell_at(channel, word, book.now, directory.zone)
            if at > book.now:
                later.append((channel.name, word.subject, word.item, word.at, at))
            elif (key := (channel.name, *alike(word.item))) not in said:
                said.add(key)
                now.append(_at_once(channel.name, word))
    await telling.put(connection, later)
    await deliveries.put(connection, now)


def _at_once(channel: str, word: Word) -> Notice:
    id_ = fact_id(word.id, f"channel\x1f{channel}")
    return _notice(channel, id_, word.order_id, word.at, [word.item], digest=False)


def _notice(channel: str, id_: UUID, stream: UUID, at: datetime, items: list[Any], *, digest: bool) -> Notice:
    body = _encode({"type": TYPE, "timestamp": at, "data": {"digest": digest, "items": items}})
    return Notice(id_, channel, stream, TYPE, body)


class Digests:
    """Sends what waits when its moment has come; any number of processes may."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def run(self) -> None:
        """Look for ever; nothing that goes wrong in one look stops the next."""
        while True:
            try:
                while await self.flush():
                    pass
            except Exception as error:  # outlives every failure; waits are expected, others are told
                if not is_wait(error):
                    log.error("sending digests failed", error=type(error).__name__, exc_info=True)
            await asyncio.sleep(EVERY_S)

    async def flush(self) -> int:
        """One transaction: how many words became part of a digest."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await telling.due(connection)
            await deliveries.put(connection, list(_digests(rows)))
        return len(rows)


def _digests(rows: Iterable[telling.Later]) -> Iterable[Notice]:
    of: dict[str, list[telling.Later]] = defaultdict(list)
    for row in rows:
        of[row.channel].append(row)
    for channel, waited in of.items():
        stream = uuid5(NAMESPACE, f"channel\x1f{channel}")
        for part in portions(waited, MOST):
            id_ = uuid5(stream, "\x1f".join(f"{row.subject.hex}{row.at.isoformat()}" for row in part))
            items = {alike(msgspec.json.decode(row.item)): row.item for row in part}
            yield _notice(channel, id_, stream, part[-1].at, list(items.values()), digest=True)
