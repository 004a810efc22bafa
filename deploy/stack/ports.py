"""The ports of the one-machine stack. They move together with PAIDAN_PORT_BASE (default 8100)."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.stack.trouble import Trouble

__all__ = ["DEFAULT_BASE", "HOST", "Ports", "base_of_environment", "holder_of", "refuse_lent", "refuse_taken"]

HOST = "127.0.0.1"
DEFAULT_BASE = 8100

_OFFSETS = {
    "intake-api": 1,
    "router-api": 2,
    "dispatch-api": 3,
    "supervision-api": 4,
    "router-urgent": 12,
    "dispatch-urgent": 13,
    "supervision-worker": 14,
    "router-normal": 22,
    "dispatch-normal": 23,
    "prometheus": 990,
    "alertmanager": 993,
    "kafka": 20_992,
    "kafka-controller": 20_993,
    "postgres": 21_332,
}


@dataclass(frozen=True)
class Ports:
    """Every port of one stack, counted from its base. Raises Trouble for a base that leaves no room."""

    base: int = DEFAULT_BASE

    def __post_init__(self) -> None:
        highest = 65_535 - max(_OFFSETS.values())
        if not 1024 <= self.base <= highest:
            raise Trouble(f"PAIDAN_PORT_BASE is {self.base}", f"choose a number from 1024 to {highest}")

    def of(self, process: str) -> int:
        """The port of a process: its HTTP port, a worker's metrics port, a server's own port."""
        return self.base + _OFFSETS[process]


def base_of_environment() -> int:
    """PAIDAN_PORT_BASE, or 8100. Raises Trouble when it is no number."""
    text = os.environ.get("PAIDAN_PORT_BASE", "").strip()
    if not text:
        return DEFAULT_BASE
    if not text.isdecimal():
        raise Trouble(f"PAIDAN_PORT_BASE is {text!r}", "give it a number, for example 8100")
    return int(text)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def holder_of(port: int) -> tuple[int | None, str]:
    """Process id and name of whoever listens on a port; (None, …) when the system does not tell us."""
    try:
        found = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        found = []
    for connection in found:
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            if connection.pid is None:
                break
            try:
                return connection.pid, psutil.Process(connection.pid).name()
            except psutil.NoSuchProcess:
                continue
    return None, "a process of another user"


def refuse_lent(wanted: dict[str, int]) -> None:
    """Raise Trouble for the first of `wanted` (what → port) that the system lends to outgoing connections: any program
    may have it just when ours starts again, Kafka's own clients first of all."""
    low, high = _lent()
    for what, port in wanted.items():
        if low <= port <= high:
            raise Trouble(
                f"port {port}, wanted for {what}, lies among those that outgoing connections are given ({low}-{high})",
                f"choose a PAIDAN_PORT_BASE from 1024 to {low - 1 - max(_OFFSETS.values())}",
            )


def _lent() -> tuple[int, int]:
    try:
        low, high = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return 32_768, 60_999  # Linux, unless told otherwise
    return int(low), int(high)


def refuse_taken(wanted: dict[str, int]) -> None:
    """Raise Trouble for the first of `wanted` (what → port) that is taken, naming who holds it."""
    for what, port in wanted.items():
        if _is_free(port):
            continue
        pid, program = holder_of(port)
        who = f"{program} (pid {pid})" if pid else program
        raise Trouble(
            f"port {port}, wanted for {what}, is held by {who}",
            "end that program, or move all ports: PAIDAN_PORT_BASE=9100 paidan up",
        )
