"""What cannot be read lies in its topic's dead letters with a reason and its very bytes, the rest flows, and what was
mended comes home once: on the whole running city."""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from deploy.audit.run import settle
from deploy.dead_letters import Letter, letters
from deploy.demo.teller import Teller
from deploy.stack.lifecycle import Stack
from schemas.ids import report_id_of
from schemas.topics import REPORTS_NORMAL, Topic
from tests.chaos.bad_messages import CONSUMERS, MARK, READ, Bad, bad, kinds_of
from tests.chaos.malformed import buried, put
from tests.chaos.town import pids

FIRST = 1_000_000  # numbers of their own, should chaos ever run on the same Kafka


@pytest.fixture(scope="module")
def sent(whole: Stack, teller: Teller) -> list[Bad]:
    """One bad message of each kind on each topic, brought to its end."""
    rand = random.Random(7)
    pairs = [(kind, topic) for topic in READ for kind in kinds_of(topic)]
    made = [bad(FIRST + n, kind, topic, rand) for n, (kind, topic) in enumerate(pairs)]
    messages = [message for message in made if message is not None]
    asyncio.run(put(whole.kafka_bootstrap, messages, rand))
    at_rest(whole)
    return messages


@pytest.fixture(scope="module")
def found(whole: Stack, sent: list[Bad]) -> dict[int, list[Letter]]:
    return buried(whole.kafka_bootstrap)


def at_rest(whole: Stack) -> None:
    assert settle(whole.kafka_bootstrap, whole.database_url("paidan_audit"), 90, lambda _: None)


@pytest.mark.parametrize("topic", READ, ids=lambda topic: topic.name)
def test_each_kind_lies_in_its_dead_letters_with_code_and_bytes(
    topic: Topic, sent: list[Bad], found: dict[int, list[Letter]]
) -> None:
    """Once for each reader of the topic."""
    mine = [message for message in sent if message.topic == topic.name]
    assert len({message.kind for message in mine}) >= 14
    owed = {
        message.number: (message.kind, sorted(CONSUMERS[topic.name]), {message.code}, {message.buried}, {message.key})
        for message in mine
    }
    lies = {
        message.number: (
            message.kind,
            sorted(letter.consumer for letter in found[message.number]),
            {letter.code for letter in found[message.number]},
            {letter.value for letter in found[message.number]},
            {letter.key for letter in found[message.number]},
        )
        for message in mine
    }
    assert {n: lies[n][:3] for n in lies} == {n: owed[n][:3] for n in owed}
    assert lies == owed
    assert all(letter.topic == f"{topic.name}.dlq" for message in mine for letter in found[message.number])


def test_good_reports_flow_on_and_nothing_stopped_or_crashed(whole: Stack, teller: Teller, sent: list[Bad]) -> None:
    before = pids(whole)
    asyncio.run(put(whole.kafka_bootstrap, sent[:60], random.Random(8)))
    answer = teller.post(
        "intake",
        "/v1/hotline/tickets",
        {"text": f"徐汇区田林路{uuid4().int % 900}号路灯不亮", "ticket_type": "complaint", "source_id": uuid4().hex},
        "agent",
    )
    order = teller.order_of(answer["report_id"])
    assert teller.clocks_of(order["order_id"])["total"]
    assert pids(whole) == before
    for service in ("router", "dispatch", "supervision"):
        with psycopg.connect(whole.database_url(f"paidan_{service}")) as connection:
            assert connection.execute("SELECT * FROM stops").fetchall() == []
            assert connection.execute("SELECT * FROM outbox_refused").fetchall() == []


@pytest.fixture
def mended(whole: Stack, sent: list[Bad], tmp_path: Path) -> Iterator[tuple[Path, UUID]]:
    """One letter of reports.normal, mended, as the file that `dlq replay --mended` takes; and the id it will have."""
    number = next(m.number for m in sent if m.topic == REPORTS_NORMAL.name and m.kind == "truncated")
    lying = letters(whole.kafka_bootstrap, REPORTS_NORMAL.name)
    letter = next(each for each in lying if dict(each.headers).get(MARK) == b"%d" % number)
    source_id = uuid4().hex
    value = {
        "source": "hotline",
        "received_at": datetime.now(UTC).isoformat(),
        "source_id": source_id,
        "ticket_type": "complaint",
        "text": f"徐汇区田林路{letter.offset}号窨井盖缺失",
    }
    path = tmp_path / "mended.jsonl"
    path.write_text(json.dumps({"offset": letter.offset, "value": value}, ensure_ascii=False), encoding="utf-8")
    yield path, report_id_of("hotline", source_id)


def test_a_mended_letter_comes_home_once_however_often_it_is_replayed(
    whole: Stack, teller: Teller, mended: tuple[Path, UUID]
) -> None:
    path, report_id = mended

    def replay() -> tuple[object, ...]:
        done = subprocess.run(
            [sys.executable, "-m", "deploy.cli", "dlq", "replay", "reports.normal", "--mended", str(path)],
            capture_output=True,
            text=True,
            env=os.environ | {"PAIDAN_HOME": str(whole.home.root), "PAIDAN_PORT_BASE": str(whole.ports.base)},
        )
        assert done.returncode == 0 and "1 sent to reports.normal" in done.stdout, done
        at_rest(whole)
        with psycopg.connect(whole.database_url("paidan_audit")) as connection:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM router.decisions WHERE report_id = %(id)s),"
                " (SELECT count(*) FROM dispatch.reports WHERE report_id = %(id)s AND order_id IS NOT NULL),"
                " (SELECT count(*) FROM supervision.clocks WHERE report_id = %(id)s AND stage = 'total'),"
                " (SELECT count(*) FROM dispatch.orders),"
                " (SELECT count(*) FROM dispatch.history h JOIN dispatch.reports r USING (order_id)"
                " WHERE r.report_id = %(id)s)",
                {"id": report_id},
            ).fetchone()
        assert row is not None
        return row

    first = replay()
    assert first[:3] == (1, 1, 1)
    assert replay() == first
    assert teller.order_of(str(report_id))["order_id"]
