"""Servers of their own for the tests that stop them, and the front door: in this process, and as a process."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from deploy.stack.keys import city_secret_file, issue_token, jwks_file
from deploy.stack.lifecycle import Stack
from services.chassis.city import load
from services.intake.main import build
from services.intake.settings import IntakeSettings
from tests.edges.intake.front import Front, free_port
from tests.harness.servers import running

PLATFORM_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
Tokens = Callable[[str], dict[str, str]]


def _headers(stack: Stack) -> Tokens:
    made: dict[str, dict[str, str]] = {}

    def headers(role: str) -> dict[str, str]:
        if role not in made:
            token = issue_token(role, subject=f"{role}-of-tests", home=stack.home)
            made[role] = {"authorization": f"Bearer {token}"}
        return made[role]

    return headers


@pytest.fixture(scope="session")
def signed(servers: Stack) -> Tokens:
    """Headers that sign a caller of a role in."""
    return _headers(servers)


@pytest.fixture(scope="session")
async def client(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """The app in this process on the shared servers, with nobody at dispatch's address and two other platforms."""
    platforms = tmp_path_factory.mktemp("platforms") / "platforms.toml"
    platforms.write_text(f'[[platform]]\nname = "city:hangzhou"\naccept = ["{PLATFORM_KEY}"]\n')
    with platforms.open("a") as file:
        file.write(f'[[platform]]\nname = "110"\naccept = ["{PLATFORM_KEY}"]\n[[platform]]\nname = "told-only"\n')
    settings = IntakeSettings(
        database_url=servers.database_url("paidan_intake"),
        kafka_bootstrap=servers.kafka_bootstrap,
        state_dir=tmp_path_factory.mktemp("intake"),
        jwks_file=jwks_file(servers.home),
        city_secret_file=city_secret_file(servers.home),
        platforms_file=platforms,
        dispatch_url=f"http://127.0.0.1:{free_port()}",
        key_timeout=5.0,
        send_timeout=10.0,
    )
    async with opened(settings) as client:
        yield client


@asynccontextmanager
async def opened(settings: IntakeSettings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app that is ready."""
    app = build(settings, load(settings.city_dir))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
            await Front.until_ready(client)
            yield client


@pytest.fixture(scope="session")
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Kafka and PostgreSQL that a test may stop and kill."""
    with running(tmp_path_factory.mktemp("own"), only=["kafka", "postgres"]) as stack:
        yield stack


@pytest.fixture
def signed_own(own_servers: Stack) -> Tokens:
    """Headers that sign a caller in at a front door on those servers."""
    return _headers(own_servers)


@pytest.fixture
async def front(own_servers: Stack, tmp_path: Path) -> AsyncIterator[Front]:
    """The front door as a process of its own, not yet started."""
    environment = {**os.environ, **own_servers.env_for("intake", "api"), "PAIDAN_STATE_DIR": str(tmp_path)}
    front = Front(environment, free_port(), tmp_path / "intake.log")
    yield front
    await front.end()
