"""What `make setup` fetches beside Python packages, and one rehearsal: `python -m deploy.stack.fetch`.

The rehearsal starts Kafka once in a folder of its own and lets the Java runtime keep what it learned (classes loaded,
methods used) in an ahead-of-time cache. Every later start takes half the time and half the processor for it. Without
the cache everything works, only slower.
"""

import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.stack import kafka
from deploy.stack.home import Home
from deploy.stack.jars import ensure_jars
from deploy.stack.ports import Ports, refuse_taken
from deploy.stack.topics import ensure_topics
from deploy.stack.trouble import EXIT_CODE, Trouble, in_plain_words

__all__ = ["main", "rehearse"]

_BASES = range(2_000, 11_000, 50)
_START_SECONDS = 60.0
_WRITE_SECONDS = 120.0


def _free_ports() -> Ports:
    for base in random.sample(_BASES, 20):
        ports = Ports(base)
        try:
            refuse_taken({"kafka": ports.of("kafka"), "its controller": ports.of("kafka-controller")})
        except Trouble:
            continue
        return ports
    raise Trouble("no free ports were found", "end some programs")


def rehearse(home: Home) -> bool:
    """Make the ahead-of-time cache unless it is there; False when the Java runtime did not write one."""
    cache = kafka.quick_start_file(home)
    if cache.exists():
        return True
    work = Path(tempfile.mkdtemp(prefix="rehearsal-", dir=home.downloads))
    broker = None
    try:
        stage, ports = Home(work), _free_ports()
        stage.kafka.mkdir()
        kafka.ensure_formatted(stage, ports, jars_of=home)
        written = work / "kafka.aot"
        command = kafka.command(stage, jars_of=home, quick_start=f"-XX:AOTCacheOutput={written}")
        with open(work / "log", "wb") as log:
            broker = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        if kafka.is_ready(ports, _START_SECONDS):
            ensure_topics(kafka.bootstrap(ports))
            broker.terminate()
            broker.wait(_WRITE_SECONDS)
        if written.exists():
            written.replace(cache)
        return cache.exists()
    except subprocess.TimeoutExpired:
        return False
    finally:
        if broker is not None and broker.poll() is None:
            broker.kill()
            broker.wait()
        shutil.rmtree(work, ignore_errors=True)


def main() -> None:
    """Fetch and rehearse for the home of the environment."""
    home = Home.of_environment()

    def say(line: str) -> None:
        print(f"paidan setup: {line}", file=sys.stderr, flush=True)

    try:
        ensure_jars(home, say)
        if not kafka.quick_start_file(home).exists():
            say("rehearsing Kafka's start, so that later ones are quick (15 s, once)")
            rehearse(home)
    except Trouble as trouble:
        say(str(trouble))
        sys.exit(EXIT_CODE)
    except OSError as error:
        say(str(in_plain_words(error, home.downloads)))
        sys.exit(EXIT_CODE)


if __name__ == "__main__":
    main()
