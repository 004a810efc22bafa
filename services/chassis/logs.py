"""Structured logs, one JSON line an event, without personal data: only ids, codes, counts and names of our own.

A traceback is told as type and places, never with its message: a message may quote what a citizen said.
"""

import logging
import sys
import traceback
from pathlib import Path
from typing import TextIO

import structlog

_PERSONAL = frozenset({"name", "phone", "address", "text", "reporter", "body", "value", "title", "token"})


def _drop_personal(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for key in _PERSONAL & event.keys():
        event[key] = "…"
    return event


def failure_of(error: BaseException) -> str:
    """What failed and where, without the message: `ZeroDivisionError at handlers/reports.py:120`."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {_short(frames[-1])}" if frames else type(error).__name__


def _short(frame: traceback.FrameSummary) -> str:
    return f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}"


def _trace(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["failure"] = failure_of(error)
        event["trace"] = [_short(frame) for frame in traceback.extract_tb(error.__traceback__)][-12:]
    return event


def set_up(service: str, process: str, out: TextIO = sys.stdout) -> None:
    """Send our own and the libraries' logs to `out` as JSON lines that name service and process."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _drop_personal,
    ]
    structlog.configure(
        processors=[
            *shared,
            _trace,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(out),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service, process=process)
    logging.basicConfig(
        level=logging.WARNING,
        stream=out,
        format='{"level":"%(levelname)s","logger":"%(name)s","event":"%(message)s"}',
    )


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger; give it an event in plain words and ids as fields."""
    return structlog.get_logger(name)  # type: ignore[no-any-return]
