"""The system's own reports leave by the door that citizens' reports leave by."""

from pathlib import Path

from deploy.stack.keys import city_secret_file, jwks_file
from deploy.stack.lifecycle import Stack
from schemas.codec import decode
from schemas.facts import ReportReceived
from schemas.topics import REPORTS_NORMAL
from schemas.vocabulary import Source
from services.intake.settings import IntakeSettings
from tests.edges.intake.conftest import opened
from tests.harness.kafka import Tail


async def test_a_canary_leaves_again_and_again(servers: Stack, tmp_path: Path) -> None:
    settings = IntakeSettings(
        database_url=servers.database_url("paidan_intake"),
        kafka_bootstrap=servers.kafka_bootstrap,
        state_dir=tmp_path,
        jwks_file=jwks_file(servers.home),
        city_secret_file=city_secret_file(servers.home),
        platforms_file=tmp_path / "platforms.toml",
        canary_every=0.1,
    )
    tail = await Tail.at_end(servers.kafka_bootstrap, REPORTS_NORMAL.name)
    async with opened(settings):
        heard = [decode(record) for record in await tail.read(3)]
    facts = [fact for fact in heard if isinstance(fact, ReportReceived) and fact.source is Source.CANARY]
    assert len(facts) >= 3 and len({fact.report_id for fact in facts}) == len(facts)
    assert all(fact.answered is not None for fact in facts), "or they would become orders"
