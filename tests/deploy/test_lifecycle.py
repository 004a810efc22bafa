"""What runs keeps running: killed processes come back, also without their supervisor, and `down` leaves nothing."""

import http.client
import json
import os
import signal
import time
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from deploy.stack import records
from deploy.stack.lifecycle import Stack
from deploy.stack.ports import refuse_taken
from tests.deploy.conftest import DUMMIES, STARTED, eventually, some_base

pytestmark = pytest.mark.stack


def pids(stack: Stack) -> dict[str, int | None]:
    return {name: stack.pid(name) for name in STARTED}


def answers(stack: Stack, process: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", stack.ports.of(process), timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def comes_back(stack: Stack, process: str, before: int) -> bool:
    return eventually(lambda: stack.pid(process) not in (None, before))


def test_a_second_start_leaves_alone_what_runs(own_stack: Stack) -> None:
    before = pids(own_stack)
    assert None not in before.values()
    began = time.monotonic()
    own_stack.up(only=STARTED)
    assert time.monotonic() - began < 10
    assert pids(own_stack) == before


def test_a_service_is_told_where_everything_is(own_stack: Stack, city: Path) -> None:
    given = json.loads((own_stack.home.state_of("intake") / "api.json").read_text())
    assert given["PAIDAN_HTTP_PORT"] == str(own_stack.ports.base + 1)
    assert "PAIDAN_METRICS_PORT" not in given
    assert given["PAIDAN_CITY_DIR"] == str(city)
    assert given["PAIDAN_KAFKA_BOOTSTRAP"] == own_stack.kafka_bootstrap
    assert given["PAIDAN_DATABASE_URL"] == own_stack.database_url("paidan_intake")
    assert given["PAIDAN_DISPATCH_URL"] == f"http://127.0.0.1:{own_stack.ports.base + 3}"
    assert len(bytes.fromhex(Path(given["PAIDAN_CITY_SECRET_FILE"]).read_text())) == 32
    assert json.loads(Path(given["PAIDAN_JWKS_FILE"]).read_text())["keys"][0].keys() >= {"kid", "x", "crv"}
    assert "d" not in json.loads(Path(given["PAIDAN_JWKS_FILE"]).read_text())["keys"][0]


def test_secrets_are_for_their_owner_alone(own_stack: Stack) -> None:
    home = own_stack.home
    private = [home.keys, home.run, home.specs, *home.specs.iterdir(), *home.keys.iterdir()]
    for path in private:
        if path.name != "jwks.json":
            assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("process", [process.name for process in DUMMIES])
def test_a_killed_service_comes_back_every_time(own_stack: Stack, process: str) -> None:
    for _ in range(2):
        before = own_stack.kill(process, signal.SIGKILL)
        assert comes_back(own_stack, process, before)
        assert eventually(lambda: answers(own_stack, process))


def test_a_killed_postgres_comes_back_with_what_was_committed(own_stack: Stack) -> None:
    with psycopg.connect(own_stack.database_url("paidan_intake"), autocommit=True) as connection:
        connection.execute("create table kept as select 7 as n")
        before = own_stack.kill("postgres", signal.SIGKILL)
    assert comes_back(own_stack, "postgres", before)

    def seven_is_there() -> bool:
        try:
            with psycopg.connect(own_stack.database_url("paidan_intake")) as connection:
                return connection.execute("select n from kept").fetchone() == (7,)
        except psycopg.OperationalError:
            return False

    assert eventually(seven_is_there)


def test_a_killed_kafka_comes_back_with_what_was_acknowledged(own_stack: Stack) -> None:
    producer = KafkaProducer(bootstrap_servers=own_stack.kafka_bootstrap, acks="all")
    sent = producer.send("reports.urgent.dlq", b"kept").get(10)
    producer.close()
    before = own_stack.kill("kafka", signal.SIGKILL)
    assert comes_back(own_stack, "kafka", before)
    own_stack.up(only={"kafka"})
    consumer = KafkaConsumer(bootstrap_servers=own_stack.kafka_bootstrap, consumer_timeout_ms=10_000)
    consumer.assign([TopicPartition("reports.urgent.dlq", sent.partition)])
    consumer.seek(TopicPartition("reports.urgent.dlq", sent.partition), sent.offset)
    assert next(consumer).value == b"kept"
    consumer.close()


def test_after_a_killed_supervisor_what_runs_is_adopted_not_interrupted(
    own_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when somebody else brings it back, from another terminal in another language."""
    before = pids(own_stack)
    own_stack.kill("supervisord", signal.SIGKILL)
    assert eventually(lambda: own_stack.pid("supervisord") is None)
    assert pids(own_stack) == before
    for name, value in (("PATH", f"/opt/other:{os.environ['PATH']}"), ("LANG", "zh_CN.UTF-8"), ("TZ", "Asia/Tokyo")):
        monkeypatch.setenv(name, value)
    own_stack.up(only=STARTED)
    assert own_stack.pid("supervisord") is not None
    assert pids(own_stack) == before
    killed = own_stack.kill("intake-api", signal.SIGKILL)
    assert comes_back(own_stack, "intake-api", killed)


def test_an_orphan_started_with_other_settings_is_replaced(
    own_stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pids(own_stack)
    own_stack.kill("supervisord", signal.SIGKILL)
    monkeypatch.setenv("PAIDAN_POOL_SIZE", "9")
    own_stack.up(only=STARTED)
    after = pids(own_stack)
    assert {name for name in STARTED if after[name] != before[name]} == {process.name for process in DUMMIES}
    assert json.loads((own_stack.home.state_of("intake") / "api.json").read_text())["PAIDAN_POOL_SIZE"] == "9"
    monkeypatch.delenv("PAIDAN_POOL_SIZE")
    own_stack.up(only=STARTED)
    assert "PAIDAN_POOL_SIZE" not in json.loads((own_stack.home.state_of("intake") / "api.json").read_text())


def test_other_ports_move_everything(own_stack: Stack) -> None:
    before = pids(own_stack)
    moved = Stack(own_stack.home.root, some_base(), str(own_stack.city), processes=DUMMIES)
    moved.up(only=STARTED)
    assert all(pids(moved)[name] != before[name] for name in STARTED)
    assert answers(moved, "intake-api")
    own_stack.up(only=STARTED)
    assert answers(own_stack, "intake-api")


def test_a_recorded_pid_that_now_belongs_to_somebody_else_is_left_alone(tmp_path: Path) -> None:
    record = records.write(tmp_path / "me", os.getpid(), "")
    stranger = records.Record(record.pid, record.started - 1, record.boot, "")
    assert records.alive(record)
    assert not records.alive(stranger)
    records.end(stranger, signal.SIGKILL)  # would end this very test


def test_down_ends_everything_also_without_a_supervisor(own_stack: Stack) -> None:
    recorded = [records.read(own_stack.home.records / name) for name in STARTED]
    own_stack.kill("supervisord", signal.SIGKILL)
    assert eventually(lambda: own_stack.pid("supervisord") is None)
    own_stack.down()
    assert not any(records.alive(record) for record in recorded)
    refuse_taken({name: own_stack.ports.of(name) for name in STARTED})
    own_stack.up(only=STARTED)
    assert None not in pids(own_stack).values()
