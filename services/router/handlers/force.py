"""Which rulebook is in force in this process, and how another one takes its place without a restart.

Rulebooks come from the file of the pack, or are posted by an operator; both are checked whole by whoever sees them
first and then appended to one list, and of that list every process follows the newest. One with a fault is not taken:
the old one stays, the faults are shown and a metric raises its voice. Decisions name the version they were taken by.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import asyncpg
from msgspec import structs

from schemas.city import City
from services.chassis import metrics
from services.chassis.city import CityFaults, Fault, load, rules_of, version_of
from services.chassis.database import Connection
from services.chassis.errors import is_wait
from services.chassis.logs import logger
from services.router import store
from services.router.rules.atlas import Atlas
from services.router.rules.model import Model
from services.router.store import Standing, Stored, Taking

EVERY_S = 2.0
KEPT_COMPILED = 4  # rulebooks that explanations and dry runs look back at
FILE = "rulebook.toml"
NEXT_MODEL = "model-next.bin"
log = logger(__name__)


class InForce:
    """The rulebook in force. `atlas` is the city under it, `shadow` the city under the one that runs beside it,
    `reader` the city as a second model reads it; `live` and `beside` are the rulebooks' entries in the list."""

    def __init__(self, atlas: Atlas, directory: Path, faults: Sequence[Fault] = ()) -> None:
        self.atlas = atlas
        self.shadow: Atlas | None = None
        self.reader: Atlas | None = None
        self._next: Model | None = None
        self._next_seen: tuple[int, int] | None = None
        self.live: Stored | None = None
        self.beside: Stored | None = None
        self._faults: dict[str, tuple[Fault, ...]] = (
            {FILE: tuple(faults)} if faults else {}
        )  # by where the rulebook came from
        self._refused: dict[Standing, int] = {}
        self._directory = directory
        self._seen: tuple[int, int] | None = None
        self._compiled: OrderedDict[tuple[str, bool], Atlas] = OrderedDict()
        self._looking = asyncio.Lock()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the newest rulebooks that were not taken."""
        return tuple(fault for found in self._faults.values() for fault in found)

    async def follow(self, pool: asyncpg.Pool) -> None:
        """Look every two seconds, for ever."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.look(pool)
            except Exception as error:  # a rulebook that cannot be looked at changes nothing that is in force
                if not is_wait(error):
                    log.error("the rulebook could not be looked at", error=type(error).__name__, exc_info=True)

    async def look(self, pool: asyncpg.Pool) -> None:
        """Take the file if it says something new, then follow the list."""
        async with self._looking, pool.acquire() as connection:
            await self._look_at_file(connection)
            await self._follow(connection, Standing.LIVE)
            await self._follow(connection, Standing.SHADOW)
            await self._look_at_model()
        metrics.RULEBOOK_FAULTS.set(len(self.faults))
        metrics.RULEBOOK_ROWS.labels(Standing.LIVE).set(len(self.atlas.city.rules))
        metrics.RULEBOOK_ROWS.labels(Standing.SHADOW).set(len(self.shadow.city.rules) if self.shadow else 0)

    async def check(self, text: str) -> City:
        """The city under a rulebook, checked whole, beside the work of this process. Raises CityFaults."""
        return await asyncio.to_thread(self._check, text)

    async def compiled(self, text: str, *, checked: bool) -> Atlas:
        """The city of today under a rulebook. One of the past is not checked again: what it named may be no more."""
        version = version_of(text)
        key = (version, checked)
        if key not in self._compiled:
            rules = (await self.check(text)).rules if checked else await asyncio.to_thread(rules_of, text)
            self._compiled[key] = await asyncio.to_thread(self.atlas.under, rules, version)
            while len(self._compiled) > KEPT_COMPILED:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(key)
        return self._compiled[key]

    def _check(self, text: str) -> City:
        city = load(self._directory, rulebook=text)
        now = self.atlas.city
        bare = structs.replace(city, rules=now.rules, rulebook_version=now.rulebook_version)
        if bare != now:
            cause = "other files of the pack have changed since this process started: restart it to take them"
            raise CityFaults([Fault(FILE, 0, cause)])
        return city

    async def _look_at_file(self, connection: Connection) -> None:
        path = self._directory / FILE
        try:
            state = path.stat()
            seen = (state.st_mtime_ns, state.st_size)
            if seen == self._seen:
                return
            text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            self._refuse([Fault(FILE, 0, f"cannot be read: {type(error).__name__}")], FILE)
            return
        try:
            city = self.atlas.city if version_of(text) == self.atlas.city.rulebook_version else await self.check(text)
        except CityFaults as trouble:
            self._seen = seen
            self._refuse(trouble.faults, FILE)
            return
        await store.take(
            connection, Taking(Standing.LIVE, "file", city.rulebook_version, text, len(city.rules), by=FILE)
        )
        self._seen = seen
        self._faults.pop(FILE, None)

    async def _look_at_model(self) -> None:
        """A second model in the pack's folder reads what the live one reads; it decides nothing."""
        path = self._directory / NEXT_MODEL
        try:
            state = path.stat()
            seen = (state.st_mtime_ns, state.st_size)
        except OSError:
            self._next = self._next_seen = self.reader = None
            self._faults.pop(NEXT_MODEL, None)
            return
        if seen != self._next_seen:
            self._next, self._next_seen = None, seen
            try:
                self._next = await asyncio.to_thread(lambda: Model.of(path.read_bytes()))
                self._faults.pop(NEXT_MODEL, None)
            except (OSError, ValueError) as error:
                self._refuse([Fault(NEXT_MODEL, 0, f"the model file {error}")], NEXT_MODEL)
        now = (self._next, self.atlas.rulebook)
        if self._next is None:
            self.reader = None
        elif self.reader is None or (self.reader.model, self.reader.rulebook) != now:
            self.reader = self.atlas.reading(self._next)

    async def _follow(self, connection: Connection, role: Standing) -> None:
        newest = await store.newest(connection, role)
        mine = self.live if role is Standing.LIVE else self.beside
        known = (mine.n if mine else 0, self._refused.get(role, 0))
        if newest is None or newest.n in known:
            return
        atlas = None
        if newest.rows and newest.version != self.atlas.city.rulebook_version:
            found = await store.text_of(connection, newest.n)
            assert found is not None
            try:
                city = await self.check(found[1])
            except CityFaults as trouble:
                self._refused[role] = newest.n
                self._refuse(trouble.faults, role)
                return
            atlas = await asyncio.to_thread(self.atlas.under, city.rules, newest.version)
        if role is Standing.SHADOW:
            self.beside, self.shadow = newest, atlas
        else:
            self.live, self.atlas = newest, atlas or self.atlas
        self._faults.pop(role, None)
        log.info("a rulebook was taken", role=role.value, n=newest.n, version=newest.version, origin=newest.origin)

    def _refuse(self, faults: list[Fault], of: str) -> None:
        if tuple(faults) != self._faults.get(of):
            log.error("a rulebook was not taken: the old one stays in force", of=of, faults=len(faults))
        self._faults[of] = tuple(faults)


async def start(directory: Path, database_url: str) -> InForce:
    """The rulebook in force at start: the pack's file; where only that file has faults, the newest rulebook that was
    ever taken. Raises CityFaults where there is none, or something else is wrong with the pack."""
    try:
        return InForce(Atlas.of(load(directory)), directory)
    except CityFaults as trouble:
        if any(fault.file != FILE for fault in trouble.faults):
            raise
        faults = trouble
    connection = await asyncpg.connect(database_url, timeout=5, server_settings={"search_path": "router"})
    try:
        newest = await store.newest(connection, Standing.LIVE)
        found = await store.text_of(connection, newest.n) if newest else None
    finally:
        await connection.close()
    if found is None:
        raise faults
    log.error("the rulebook of the pack has faults: the one taken last stays in force", faults=len(faults.faults))
    return InForce(Atlas.of(load(directory, rulebook=found[1])), directory, faults.faults)
