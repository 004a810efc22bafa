"""The front door as a process: started, killed, asked."""

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Front:
    """One intake process and a client of it."""

    def __init__(self, environment: dict[str, str], port: int, log: Path) -> None:
        self._environment = environment | {"PAIDAN_HTTP_PORT": str(port)}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20)

    def set(self, name: str, value: str) -> None:
        """Set an environment variable for the next start."""
        self._environment[name] = value

    async def start(self) -> None:
        """Start it, and wait until it answers; whatever it depends on may be away."""
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "services.intake.main", "api"]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        async with asyncio.timeout(30):
            while not await self._answers():
                assert self._process.poll() is None, self._log.read_text()
                await asyncio.sleep(0.05)

    async def _answers(self) -> bool:
        try:
            return (await self.client.get("/healthz")).status_code == 200
        except httpx.TransportError:
            return False

    @staticmethod
    async def until_ready(client: httpx.AsyncClient, **parts: bool) -> dict[str, bool]:
        """Wait until `/readyz` says that all is there, or just these parts."""
        async with asyncio.timeout(60):
            while True:
                reply = await client.get("/readyz")
                said: dict[str, bool] = reply.json()
                if parts.items() <= said.items() if parts else reply.status_code == 200:
                    return said
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def end(self) -> None:
        """SIGTERM if it still runs, SIGKILL if that does not help."""
        await self.client.aclose()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(self._process.wait, 15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise

    async def ticket(self, headers: dict[str, str], **said: Any) -> dict[str, Any]:
        """Post one ticket; the answer, which must be 202."""
        reply = await self.client.post("/v1/hotline/tickets", headers=headers, json=said)
        assert reply.status_code == 202, reply.text
        answer: dict[str, Any] = reply.json()
        return answer
