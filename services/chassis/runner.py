"""Runs a process of a service: an API under uvicorn, or a worker that drains cleanly on SIGTERM."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI
from prometheus_client import start_http_server

from services.chassis import logs
from services.chassis.progress import Progress, watch
from services.chassis.settings import ServiceSettings

STARTUP_FAILURE = 3  # as uvicorn's own command says it
Entry = Callable[[], None]
Work = Callable[[], Coroutine[Any, Any, None]]


def run_process(service: str, entries: Mapping[str, Entry]) -> None:
    """`python -m services.<service>.main PROCESS [ARGS]`: run the process named on the command line."""
    if len(sys.argv) < 2 or sys.argv[1] not in entries:
        print(f"usage: python -m services.{service}.main {'|'.join(entries)}", file=sys.stderr)
        raise SystemExit(2)
    logs.set_up(service, sys.argv[1])
    entries[sys.argv[1]]()


def settle() -> None:
    """Take what was loaded at start (a city pack is a hundred thousand objects) out of the collector's rounds, and let
    it look less often: a batch makes many objects that die by themselves."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def run_api(app: FastAPI, settings: ServiceSettings, until: Work) -> None:
    """Serve the app on its port until SIGTERM, or until `until` returns; requests under way are finished first."""
    settle()
    config = uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        http="httptools",
        access_log=False,
        proxy_headers=False,
        log_level="warning",
        timeout_graceful_shutdown=10,
        backlog=4096,
    )
    server = uvicorn.Server(config)

    async def serve() -> None:
        ending = asyncio.ensure_future(until())
        ending.add_done_callback(lambda _: setattr(server, "should_exit", True))
        await server.serve()
        ending.cancel()

    with suppress(KeyboardInterrupt):  # uvicorn says again what ended it
        run_async(serve)
    if not server.started:
        raise SystemExit(STARTUP_FAILURE)


class Engine:
    """What a worker runs; `stop` lets the batch under way finish."""

    def __init__(self, run: Work, stop: Callable[[], None]) -> None:
        self.run = run
        self.stop = stop


async def run_worker(
    engines: Sequence[Engine],
    settings: ServiceSettings,
    *,
    pulses: Sequence[Progress],
    background: Sequence[Work] = (),
    close: Work,
) -> None:
    """Run engines until SIGTERM or SIGINT, then let each finish its batch; background work (relay, timers) runs
    beside them and ends last. The process ends when an engine or one of these does."""
    settle()
    if settings.metrics_port:
        start_http_server(settings.metrics_port, addr=settings.http_host)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sig, stopping.set)
    beside = [asyncio.ensure_future(work()) for work in background]
    beside.append(asyncio.ensure_future(watch(pulses, settings.watchdog)))
    running = [asyncio.ensure_future(engine.run()) for engine in engines]

    async def told_to_stop() -> None:
        await stopping.wait()

    stop = asyncio.ensure_future(told_to_stop())
    done, _ = await asyncio.wait([*running, *beside, stop], return_when=asyncio.FIRST_COMPLETED)
    for engine in engines:
        engine.stop()
    await asyncio.gather(*running, return_exceptions=True)
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await close()
    for task in done - {stop}:
        task.result()


def run_async(main: Work) -> None:
    """Run a coroutine on uvloop. Threads that make a loop of their own get uvloop's too: faust reads Kafka in one."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    uvloop.run(main())
