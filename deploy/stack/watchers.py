"""Prometheus and Alertmanager beside the stack, where this machine has them installed."""

import shutil
from collections.abc import Sequence
from typing import Any

import yaml

from deploy.stack.home import CHECKOUT, Home
from deploy.stack.launch import Spec
from deploy.stack.ports import HOST, Ports
from deploy.stack.processes import Process, inherited

__all__ = ["MONITORING", "WATCHERS", "installed", "spec_of_watcher"]

MONITORING = CHECKOUT / "deploy" / "monitoring"
# name → the program's names: Debian calls Alertmanager otherwise than its makers do
WATCHERS = {"prometheus": ("prometheus",), "alertmanager": ("prometheus-alertmanager", "alertmanager")}


def installed() -> tuple[str, ...]:
    """Those of them that this machine has."""
    return tuple(name for name in WATCHERS if _program(name))


def _program(name: str) -> str | None:
    return next((found for program in WATCHERS[name] if (found := shutil.which(program))), None)


def spec_of_watcher(name: str, home: Home, ports: Ports, processes: Sequence[Process]) -> Spec:
    """How a watcher is started; writes its configuration. Its data lie below the state folder."""
    folder = home.state_of(name)
    folder.mkdir(parents=True, exist_ok=True)
    text = _prometheus(ports, processes) if name == "prometheus" else _read("alertmanager.yml")
    place = folder / f"{name}.yml"
    place.write_text(text, encoding="utf-8")
    address = f"{HOST}:{ports.of(name)}"
    flags = [f"--config.file={place}", f"--web.listen-address={address}"]
    if name == "prometheus":
        flags += [f"--storage.tsdb.path={folder / 'data'}", "--storage.tsdb.retention.time=15d"]
    else:
        flags += [f"--storage.path={folder / 'data'}", "--cluster.listen-address="]
    return Spec(
        name=name,
        arguments=[_program(name) or name, *flags],
        environment=inherited(),
        folder=str(folder),
        log=str(home.logs / f"{name}.log"),
        record=str(home.records / name),
        settings=text,
    )


def _read(file: str) -> str:
    return (MONITORING / file).read_text(encoding="utf-8")


def _prometheus(ports: Ports, processes: Sequence[Process]) -> str:
    """The configuration that containers have, with this machine's addresses."""
    config: dict[str, Any] = yaml.safe_load(_read("prometheus.yml"))
    config["rule_files"] = [str(MONITORING / file) for file in config["rule_files"]]
    config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [f"{HOST}:{ports.of('alertmanager')}"]}]
    targets = [
        {"targets": [f"{HOST}:{ports.of(process.name)}"], "labels": {"process": process.name}} for process in processes
    ]
    config["scrape_configs"][0]["static_configs"] = targets
    return yaml.safe_dump(config, sort_keys=False)
