"""Rows of a task list become orders, a portion in one transaction. What is there already changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from schemas.facts import ClassRef
from schemas.refusals import Refused
from services.chassis.database import Connection
from services.chassis.delivery import Output
from services.dispatch.handlers.page import LOCK_SPACE, Page, bucket
from services.dispatch.rules.book import Book
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.tasks import Row, TaskList, hash_of, open_row, order_id_of
from services.dispatch.store import orders as store
from services.dispatch.store import tasks


class Portion(Struct, frozen=True):
    """Some rows of a list, with their places in what was sent."""

    list: TaskList
    class_ref: ClassRef
    rows: tuple[tuple[int, Row], ...]


class Pushed(Struct, frozen=True):
    """What became of a portion: how many orders were opened, how many were there, and what was refused."""

    opened: int
    repeated: int
    refused: tuple[tuple[int, str, Refused], ...]


@dataclass(slots=True)
class _State:
    page: Page
    there: dict[UUID, bytes]
    rows: list[tuple[UUID, UUID, str, bytes]] = field(default_factory=list)


class TaskHandler:
    """Takes portions through a desk of their own."""

    lock_space = LOCK_SPACE

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def locks(self, commands: Sequence[Portion]) -> Iterable[int]:
        """The orders to be."""
        return (bucket(order_id_of(c.list.list_id, row.key)) for c in commands for _, row in c.rows)

    async def gather(self, connection: Connection, commands: Sequence[Portion], now: datetime) -> _State:
        """Which of the orders there are already, and of which rows."""
        ids = [order_id_of(c.list.list_id, row.key) for c in commands for _, row in c.rows]
        lists = {c.list.list_id for c in commands}
        return _State(Page(Book(now, self._directory)), await tasks.opened(connection, lists, ids))

    def decide(self, state: _State, command: Portion, output: Output) -> Pushed:
        """Open what is new; each row that cannot be says why."""
        opened = repeated = 0
        refused: list[tuple[int, str, Refused]] = []
        for place, row in command.rows:
            order_id = order_id_of(command.list.list_id, row.key)
            row_hash = hash_of(row)
            before = state.there.get(order_id)
            if before == row_hash:
                repeated += 1
                continue
            try:
                if before is not None:
                    raise Refused("key_reused", f"{row.key} is the key of a row that says something else")
                open_row(state.page.book, command.list, row, command.class_ref, store.as_json)
            except Refused as refusal:
                refused.append((place, row.key, refusal))
                continue
            state.there[order_id] = row_hash
            state.rows.append((command.list.list_id, order_id, row.unit, row_hash))
            opened += 1
        state.page.announce(output)
        return Pushed(opened, repeated, tuple(refused))

    async def apply(self, connection: Connection, state: _State) -> None:
        """Write the orders, and which list they are of."""
        await state.page.save(connection)
        await tasks.save(connection, state.rows)
