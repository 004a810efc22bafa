"""docker-compose.yml runs the same as the one-machine stack: nothing may be in one and not in the other."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.monitoring.boards.__main__ import BOARDS
from deploy.stack.home import CHECKOUT, Home
from deploy.stack.jars import KAFKA_VERSION
from deploy.stack.kafka import PROPERTIES
from deploy.stack.ports import Ports
from deploy.stack.postgres import SETTINGS, role_of
from deploy.stack.processes import PROCESSES, Process, environment_of
from deploy.stack.watchers import MONITORING, WATCHERS

_FILE = CHECKOUT / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# What the image sets, what a container cannot differ in, and what only a machine shared by processes needs.
_OF_THE_MACHINE = {
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "PYTHONUNBUFFERED",
    "PYTHONFAULTHANDLER",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MALLOC_ARENA_MAX",
}


def test_every_process_has_its_container_and_command() -> None:
    for process in PROCESSES:
        assert SERVICES[process.name]["command"] == ["python", "-m", f"services.{process.service}.main", process.part]
    others = {"kafka", "postgres", "provision", "prometheus", "alertmanager", "grafana"}
    assert SERVICES.keys() == {process.name for process in PROCESSES} | others


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_a_container_is_given_what_a_process_is_given(
    process: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PAIDAN_HOME", "PAIDAN_PORT_BASE", "PAIDAN_CANARY_EVERY"):
        monkeypatch.delenv(name, raising=False)
    here = environment_of(process, Home(tmp_path), Ports(), bootstrap="", database_url="", city=tmp_path)
    there = SERVICES[process.name]["environment"]
    assert there.keys() - {"PAIDAN_HTTP_HOST"} == {name for name in here if name.startswith("PAIDAN_")}
    assert here.keys() - there.keys() <= _OF_THE_MACHINE
    assert f"{role_of(process.service)}:" in there["PAIDAN_DATABASE_URL"]
    port = there["PAIDAN_HTTP_PORT" if process.has_api else "PAIDAN_METRICS_PORT"]
    assert port == Ports().of(process.name)
    if process.has_api:
        assert SERVICES[process.name]["ports"] == [f"127.0.0.1:{port}:{port}"]
        assert there[f"PAIDAN_{process.service.upper()}_URL"] == f"http://{process.name}:{port}"


def test_prometheus_looks_at_every_process() -> None:
    text = (CHECKOUT / COMPOSE["configs"]["prometheus"]["file"]).read_text(encoding="utf-8")
    targets = yaml.safe_load(text)["scrape_configs"][0]["static_configs"][0]["targets"]
    assert set(targets) == {f"{process.name}:{Ports().of(process.name)}" for process in PROCESSES}


@pytest.mark.parametrize("watcher", WATCHERS)
def test_what_watches_is_given_every_file_that_it_reads(watcher: str) -> None:
    mounted = {each["source"]: Path(each["target"]).name for each in SERVICES[watcher]["configs"]}
    for source, name in mounted.items():
        assert COMPOSE["configs"][source]["file"] == f"deploy/monitoring/{name}"
    read = {f"{watcher}.yml"}
    config = yaml.safe_load((MONITORING / f"{watcher}.yml").read_text(encoding="utf-8"))
    assert set(mounted.values()) == read | set(config.get("rule_files", ()))


def test_grafana_is_given_the_boards() -> None:
    grafana = SERVICES["grafana"]
    mounted = {each["source"]: each["target"] for each in grafana["configs"]}
    for source, target in mounted.items():
        place = CHECKOUT / COMPOSE["configs"][source]["file"]
        assert place.name == Path(target).name and yaml.safe_load(place.read_text(encoding="utf-8"))["apiVersion"] == 1
    folder, inside, _ = grafana["volumes"][0].split(":")
    boards = CHECKOUT / folder
    assert {place.stem for place in boards.glob("*.json")} == set(BOARDS)
    provider = yaml.safe_load((MONITORING / "grafana" / "dashboards.yml").read_text(encoding="utf-8"))["providers"][0]
    assert provider["options"]["path"] == inside
    first = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (boards / Path(first).name).is_file() and first.startswith(f"{inside}/")


def test_kafka_is_the_same_version_with_the_same_settings() -> None:
    kafka = SERVICES["kafka"]
    assert kafka["image"] == f"apache/kafka:{KAFKA_VERSION}"
    there = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in kafka["environment"].items()
    }
    addresses = {name for name in there if "listener" in name or name in ("controller.quorum.voters", "log.dirs")}
    here = dict(line.split("=", 1) for line in PROPERTIES.splitlines())
    same = {name: value for name, value in here.items() if name not in addresses}
    assert {name: there.get(name) for name in same} == same


def test_postgres_is_the_same_version_with_the_same_settings() -> None:
    postgres = SERVICES["postgres"]
    assert postgres["image"] == "postgres:18"
    given = dict(word.split("=") for word in postgres["command"][2::2])
    assert given.items() <= SETTINGS.items()
    of_the_machine = {"listen_addresses", "unix_socket_directories", "timezone", "log_timezone", "log_line_prefix"}
    assert SETTINGS.keys() - given.keys() <= of_the_machine | {"log_min_messages", "log_parameter_max_length_on_error"}


def test_compose_itself_accepts_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("`docker compose` is not installed here")
    done = subprocess.run(
        [docker, "compose", "-f", _FILE, "--profile", "watch", "config", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["services"].keys() == SERVICES.keys()
