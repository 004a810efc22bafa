"""Devices: what screening remembers of each, one row a device."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from services.chassis.database import Connection
from services.router.rules.screen import DeviceState

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(DeviceState).decode


async def device_states(connection: Connection, devices: Sequence[str]) -> dict[str, DeviceState]:
    """The remembered states of these devices."""
    rows = await connection.fetch("SELECT device_id, state FROM devices WHERE device_id = ANY($1)", devices)
    return {row["device_id"]: _unpack(row["state"]) for row in rows}


async def overdue_devices(connection: Connection, limits: Sequence[tuple[str, datetime]]) -> dict[str, DeviceState]:
    """The states of devices of each kind that were last heard before the moment given and are not known to be silent;
    at most 2,000, the longest silent first."""
    rows = await connection.fetch(
        "SELECT device_id, state FROM devices d JOIN unnest($1::text[], $2::timestamptz[]) AS s(kind, before)"
        " ON d.kind = s.kind AND d.last_at < s.before WHERE NOT d.silent ORDER BY d.last_at LIMIT 2000",
        [kind for kind, _ in limits],
        [before for _, before in limits],
    )
    return {row["device_id"]: _unpack(row["state"]) for row in rows}


async def save_devices(connection: Connection, states: Sequence[DeviceState]) -> None:
    """Write what is remembered of devices."""
    if not states:
        return
    await connection.execute(
        "INSERT INTO devices (device_id, kind, last_at, silent, state) SELECT * FROM unnest($1::text[], $2::text[],"
        " $3::timestamptz[], $4::bool[], $5::bytea[]) ON CONFLICT (device_id) DO UPDATE SET kind = excluded.kind,"
        " last_at = excluded.last_at, silent = excluded.silent, state = excluded.state",
        [s.device_id for s in states],
        [s.kind for s in states],
        [s.last_at for s in states],
        [s.silent is not None for s in states],
        [_pack(s) for s in states],
    )


async def devices_page(connection: Connection, after: str, limit: int) -> list[DeviceState]:
    """Devices in the order of their ids, those after `after`."""
    rows = await connection.fetch(
        "SELECT state FROM devices WHERE device_id > $1 ORDER BY device_id LIMIT $2", after, limit
    )
    return [_unpack(row["state"]) for row in rows]
