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


async def overdue_devices(
    connection: Connection, streams: Sequence[tuple[str, str, datetime]]
) -> dict[str, DeviceState]:
    """The states of all devices of these (gateway, kind) streams that were last heard before the moment given."""
    rows = await connection.fetch(
        "SELECT device_id, state FROM devices d JOIN unnest($1::text[], $2::text[], $3::timestamptz[])"
        " AS s(gateway, kind, before) ON d.gateway = s.gateway AND d.kind = s.kind AND d.last_at < s.before",
        [s[0] for s in streams],
        [s[1] for s in streams],
        [s[2] for s in streams],
    )
    return {row["device_id"]: _unpack(row["state"]) for row in rows}


async def save_devices(connection: Connection, states: Sequence[tuple[DeviceState, str]]) -> None:
    """Write what is remembered of devices; the second of each pair is the device's gateway."""
    await connection.execute(
        "INSERT INTO devices (device_id, kind, gateway, last_at, state) SELECT * FROM unnest($1::text[], $2::text[],"
        " $3::text[], $4::timestamptz[], $5::bytea[]) ON CONFLICT (device_id) DO UPDATE SET kind = excluded.kind,"
        " gateway = excluded.gateway, last_at = excluded.last_at, state = excluded.state",
        [state.device_id for state, _ in states],
        [state.kind for state, _ in states],
        [gateway for _, gateway in states],
        [state.last_at for state, _ in states],
        [_pack(state) for state, _ in states],
    )


async def devices_page(connection: Connection, after: str, limit: int) -> list[DeviceState]:
    """Devices in the order of their ids, those after `after`."""
    rows = await connection.fetch(
        "SELECT state FROM devices WHERE device_id > $1 ORDER BY device_id LIMIT $2", after, limit
    )
    return [_unpack(row["state"]) for row in rows]
