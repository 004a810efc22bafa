"""The processes of the one-machine stack and the environment each is given."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.stack.home import CHECKOUT, Home
from deploy.stack.keys import city_secret_file, jwks_file, platforms_file
from deploy.stack.launch import INHERITED, Spec
from deploy.stack.ports import HOST, Ports
from deploy.stack.trouble import Trouble

__all__ = ["API", "PROCESSES", "SERVERS", "Process", "city_folder", "environment_of", "spec_of"]

API = "api"
SERVERS = ("kafka", "postgres")


@dataclass(frozen=True)
class Process:
    """One process of a service: `python -m services.<service>.main <part>`, or of another `module`."""

    service: str
    part: str
    module: str = ""

    @property
    def name(self) -> str:
        return f"{self.service}-{self.part}"

    @property
    def has_api(self) -> bool:
        return self.part == API


PROCESSES = (
    Process("intake", API),
    Process("router", API),
    Process("router", "urgent"),
    Process("router", "normal"),
    Process("dispatch", API),
    Process("dispatch", "urgent"),
    Process("dispatch", "normal"),
    Process("supervision", API),
    Process("supervision", "worker"),
)

# Settings of the stack itself, which reach the services under other names or not at all.
_NOT_FOR_SERVICES = ("PAIDAN_PORT_BASE", "PAIDAN_DOWNLOADS", "PAIDAN_CI", "PAIDAN_DATA")
_LEAN = {
    "PYTHONUNBUFFERED": "1",
    "PYTHONFAULTHANDLER": "1",
    # one thread a process does the work; numeric libraries need no pools of their own, malloc no arena per thread
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}


def city_folder(city: str) -> Path:
    """The folder of a city pack: a name below deploy/cities, or a path. Raises Trouble when there is none."""
    for folder in (CHECKOUT / "deploy" / "cities" / city, Path(city).expanduser().absolute()):
        if folder.is_dir():
            return folder
    known = ", ".join(sorted(path.name for path in (CHECKOUT / "deploy" / "cities").glob("*/")))
    raise Trouble(f"there is no city pack {city!r}", f"choose one of {known or 'none'}, or give the path of a pack")


def inherited() -> dict[str, str]:
    """The part of this program's environment that a started process keeps."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


def environment_of(
    process: Process, home: Home, ports: Ports, *, bootstrap: str, database_url: str, city: Path
) -> dict[str, str]:
    """The whole environment of a service process. PAIDAN_* settings of the caller go through, the stack's own win."""
    tuned = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("PAIDAN_") and name not in _NOT_FOR_SERVICES and not name.endswith("_PASSWORD")
    }
    given = {
        "PAIDAN_HOME": str(home.root),
        "PAIDAN_KAFKA_BOOTSTRAP": bootstrap,
        "PAIDAN_DATABASE_URL": database_url,
        "PAIDAN_CITY_DIR": str(city),
        "PAIDAN_STATE_DIR": str(home.state_of(process.service)),
        "PAIDAN_JWKS_FILE": str(jwks_file(home)),
        "PAIDAN_CITY_SECRET_FILE": str(city_secret_file(home)),
        "PAIDAN_PLATFORMS_FILE": str(platforms_file(home)),
    }
    for service in ("intake", "router", "dispatch", "supervision"):
        given[f"PAIDAN_{service.upper()}_URL"] = f"http://{HOST}:{ports.of(f'{service}-{API}')}"
    given["PAIDAN_DISPATCH_PAGE"] = f"http://{HOST}:{ports.of(f'dispatch-{API}')}/app/"
    given["PAIDAN_HTTP_PORT" if process.has_api else "PAIDAN_METRICS_PORT"] = str(ports.of(process.name))
    return inherited() | _LEAN | tuned | given


def spec_of(process: Process, home: Home, environment: dict[str, str]) -> Spec:
    """How a service process is started."""
    return Spec(
        name=process.name,
        arguments=[sys.executable, "-P", "-m", process.module or f"services.{process.service}.main", process.part],
        environment=environment,
        folder=str(home.state_of(process.service)),
        log=str(home.logs / f"{process.name}.log"),
        record=str(home.records / process.name),
    )
