"""Tables made anew beside the live ones, which take their place in one transaction.

They lie in the schema `<service>_shadow` under the very names of the live ones, and a connection whose search path
begins there works on them with the same statements as on the live. What is not made anew is found in the live schema.
"""

from collections.abc import Sequence

import asyncpg

from services.chassis.database import Connection, connect
from services.chassis.settings import ServiceSettings

LOCK_WAIT_S = 0.5  # less than PostgreSQL takes to look for a ring: we give way, the live never has to
STANDSTILL_S = 20.0  # then the database ends us, and the live goes on as if nothing had been


class Held(Exception):
    """Somebody would not let go of the live tables."""


class Shadow:
    """The shadow of some tables of a schema. Names are our own constants, never a caller's word."""

    def __init__(self, schema: str, tables: Sequence[str]) -> None:
        self.live = schema
        self.schema = f"{schema}_shadow"
        self.tables = tuple(tables)

    async def open_pool(self, settings: ServiceSettings) -> asyncpg.Pool:
        """A pool that sees the shadow first and may take its time."""
        return await connect(
            settings, f"{self.schema}, {self.live}", name=f"{self.live}-rebuild", transaction_timeout=0, timeout=None
        )

    async def begin(self, connection: Connection) -> None:
        """Empty tables with their settings, keys and checks, and without the indexes that are quicker made at the end;
        whatever an earlier try left behind is dropped."""
        for table in self.tables:
            await connection.execute(f"DROP TABLE IF EXISTS {self.schema}.{table}")
            await connection.execute(
                f"CREATE TABLE {self.schema}.{table} (LIKE {self.live}.{table} INCLUDING ALL EXCLUDING INDEXES)"
            )
        rows = await connection.fetch(
            "SELECT relname, array_to_string(reloptions, ', ') AS said FROM pg_class"
            " WHERE relnamespace = $1::regnamespace AND relname = ANY($2) AND reloptions IS NOT NULL",
            self.live,
            list(self.tables),
        )
        for row in rows:
            await connection.execute(f"ALTER TABLE {self.schema}.{row['relname']} SET ({row['said']})")
        rows = await connection.fetch(
            "SELECT relname, conname, pg_get_constraintdef(c.oid) AS said FROM pg_constraint c"
            " JOIN pg_class t ON t.oid = c.conrelid WHERE c.contype IN ('p', 'u')"
            " AND t.relnamespace = $1::regnamespace AND relname = ANY($2)",
            self.live,
            list(self.tables),
        )
        for row in rows:
            await connection.execute(
                f"ALTER TABLE {self.schema}.{row['relname']} ADD CONSTRAINT {row['conname']} {row['said']}"
            )

    async def complete(self, connection: Connection) -> None:
        """The other indexes, under their own names, and statistics for the planner."""
        rows = await connection.fetch(
            "SELECT t.relname, pg_get_indexdef(i.indexrelid) AS said FROM pg_index i"
            " JOIN pg_class t ON t.oid = i.indrelid WHERE t.relnamespace = $1::regnamespace AND t.relname = ANY($2)"
            " AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
            self.live,
            list(self.tables),
        )
        for row in rows:
            before = f" ON {self.live}.{row['relname']} "
            assert before in row["said"], row["said"]
            await connection.execute(row["said"].replace(before, f" ON {self.schema}.{row['relname']} ", 1))
        for table in self.tables:
            await connection.execute(f"ANALYZE {self.schema}.{table}")

    async def lock(self, connection: Connection) -> None:
        """Hold the live tables alone until the transaction's end, which must not be far. Raises Held when somebody kept
        them for too long: then the transaction must be begun again."""
        names = ", ".join(f"{self.live}.{table}" for table in self.tables)
        await connection.execute(f"SET LOCAL lock_timeout = {int(LOCK_WAIT_S * 1000)}")
        try:
            await connection.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            raise Held(names) from error
        await connection.execute(
            f"SET LOCAL lock_timeout = 0; SET LOCAL transaction_timeout = {int(STANDSTILL_S * 1000)}"
        )

    async def swap(self, connection: Connection) -> None:
        """The shadow takes the place of the live tables, which are gone; within the transaction that locked them."""
        for table in self.tables:
            await connection.execute(f"DROP TABLE {self.live}.{table}")
            await connection.execute(f"ALTER TABLE {self.schema}.{table} SET SCHEMA {self.live}")

    async def drop(self, connection: Connection) -> None:
        """Leave nothing behind."""
        for table in self.tables:
            await connection.execute(f"DROP TABLE IF EXISTS {self.schema}.{table}")
