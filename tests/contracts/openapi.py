"""The OpenAPI documents of the four APIs, out of the apps themselves: `python -m tests.contracts.openapi` writes them.

They lie in `schemas/generated/openapi-<service>.json`. The apps are built, not started: nothing is connected to.
"""

import json
import tempfile
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import asyncpg
from fastapi import FastAPI

from deploy.stack.processes import city_folder
from schemas.generate import FOLDER, write
from services.chassis.city import load
from services.dispatch.api import dispatch_app
from services.dispatch.rules.directory import Directory
from services.dispatch.settings import DispatchSettings
from services.intake.main import build as build_intake
from services.intake.settings import IntakeSettings
from services.router.api import router_app
from services.router.handlers.force import InForce
from services.router.rules.atlas import Atlas
from services.router.settings import RouterSettings
from services.supervision.api import supervision_app
from services.supervision.settings import SupervisionSettings

COMMAND = "python -m tests.contracts.openapi"


def no_pool() -> AbstractAsyncContextManager[asyncpg.Pool]:
    raise AssertionError("an app that is only described opens no pool")


def apps() -> dict[str, FastAPI]:
    """The four apps, with keys and folders of their own that are gone afterwards."""
    city = city_folder("shanghai")
    pack = load(city)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "jwks.json").write_text('{"keys": []}', encoding="ascii")
        (home / "secret").write_text("00" * 32, encoding="ascii")
        common: dict[str, Any] = {
            "home": home,
            "state_dir": home,
            "city_dir": city,
            "database_url": "postgresql://nobody@127.0.0.1:1/none",
            "jwks_file": home / "jwks.json",
            "city_secret_file": home / "secret",
        }
        return {
            "intake": build_intake(IntakeSettings(**common), pack),
            "router": router_app(RouterSettings(**common), InForce(Atlas.of(pack), city), no_pool),
            "dispatch": dispatch_app(DispatchSettings(**common), Directory(pack), no_pool, share=1, stream_every=1.0),
            "supervision": supervision_app(SupervisionSettings(**common), pack, no_pool),
        }


def generate_openapi() -> dict[str, str]:
    """File name below `schemas/generated` → its text."""
    return {
        f"openapi-{service}.json": json.dumps(app.openapi(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        for service, app in apps().items()
    }


def main() -> None:
    """Bring the files up to date and say what changed."""
    changed = write(FOLDER, generate_openapi())
    print("\n".join(f"wrote {path}" for path in changed) or "everything was up to date")


if __name__ == "__main__":
    main()
