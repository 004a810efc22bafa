"""A process of a service that is started beside the running ones, and what it says on the way."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from tempfile import TemporaryFile
from typing import Any

from deploy.stack.lifecycle import Stack
from deploy.stack.processes import Process, spec_of
from deploy.stack.trouble import Trouble


def said_by(
    stack: Stack, process: Process, events: tuple[str, ...], environment: Mapping[str, str], advice: str
) -> Iterator[dict[str, Any]]:
    """Run it, and tell each line of its log that is one of these events. Raises Trouble with its own last words when it
    fails, and this advice; ends it when we are ended."""
    spec = spec_of(process, stack.home, stack.env_for(process.service, "api") | dict(environment))
    with (
        TemporaryFile("w+", encoding="utf-8") as last_words,
        subprocess.Popen(
            spec.arguments, env=spec.environment, cwd=spec.folder, stdout=subprocess.PIPE, stderr=last_words, text=True
        ) as running,
    ):
        assert running.stdout is not None
        try:
            for line in running.stdout:
                said = _read(line)
                if said.get("event") in events:
                    yield said
        finally:
            if running.poll() is None:
                running.terminate()
        running.wait()
        last_words.seek(0)
        words = last_words.read().strip()
    if running.returncode != 0:
        cause = words.splitlines()[-1] if words else f"{process.name} ended with {running.returncode}"
        raise Trouble(cause, advice)


def _read(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
