"""Every query of every board brings data from a real Prometheus that scrapes a city at work, and its numbers are those
of the databases."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
import yaml
from kafka import KafkaProducer

from deploy.demo.teller import Teller
from deploy.monitoring.boards.__main__ import rendered
from deploy.monitoring.boards.asking import waits
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import PROCESSES
from deploy.stack.watchers import spec_of_watcher
from schemas.codec import encode
from schemas.facts import Answer, ReportReceived
from schemas.topics import REPORTS_NORMAL
from schemas.vocabulary import Source
from tests.journeys.working import Work
from tests.monitoring.queries import asked, plain

pytestmark = pytest.mark.timeout(300)
QUERIES = sorted({plain(expr) for board in rendered().values() for expr in asked(json.loads(board))})
OF_EVERY_DIMENSION = (
    "门口垃圾成堆，无人清理",
    "河道水质发黑发臭，有污水直排",
    "路面坑洼不平，车辆颠簸",
    "小区停水了，一直没有恢复",
    "井盖缺失，行人容易踩空",
)
TRIAGE = plain(waits("triage"))
DUE = 'sum(max without (instance, process) (paidan_clocks_due{within="24h"}))'
Query = Callable[[str], list[float]]


@pytest.fixture(scope="module")
def query(whole: Stack) -> Iterator[Query]:
    """Asks a Prometheus that looks at the running city once a second."""
    if shutil.which("prometheus") is None:
        if os.environ.get("PAIDAN_CI"):
            pytest.fail("no Prometheus, and PAIDAN_CI is set: the boards must be tested here")
        pytest.skip("NOT TESTED: boards on a real Prometheus (none here; apt-get install prometheus)")
    spec = spec_of_watcher("prometheus", whole.home, whole.ports, PROCESSES)
    place = Path(spec.folder) / "prometheus.yml"
    config = yaml.safe_load(place.read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    rules = []
    for file in config["rule_files"]:
        quick = Path(spec.folder) / Path(file).name
        text = re.sub(r"interval: \d+s", "interval: 1s", Path(file).read_text(encoding="utf-8"))
        quick.write_text(re.sub(r"for: \w+", "for: 0s", text), encoding="utf-8")
        rules.append(str(quick))
    place.write_text(yaml.safe_dump(config | {"rule_files": rules}), encoding="utf-8")
    base = f"http://127.0.0.1:{whole.ports.of('prometheus')}/api/v1/query"
    with open(spec.log, "wb") as log, httpx.Client(timeout=10) as client:
        process = subprocess.Popen(spec.arguments, cwd=spec.folder, stdout=log, stderr=log)

        def ask(expr: str) -> list[float]:
            assert process.poll() is None, Path(spec.log).read_text(encoding="utf-8")[-2000:]
            try:
                answer = client.get(base, params={"query": expr}).json()
            except httpx.TransportError:
                return []
            assert answer["status"] == "success", (expr, answer)
            return [float(each["value"][1]) for each in answer["data"]["result"]]

        try:
            yield ask
        finally:
            process.terminate()
            process.wait(10)


def until(what: Callable[[], str], look: Callable[[], bool], patience: float = 90) -> None:
    end = time.monotonic() + patience
    while not look():
        assert time.monotonic() < end, what()
        time.sleep(0.5)


@pytest.fixture(scope="module")
def work(whole: Stack, teller: Teller) -> str:
    """A city at work: a report that a person must decide, one that is handled to its end, one that a unit gives back,
    one that is urged and supervised at every level, and one of our own."""
    for words in OF_EVERY_DIMENSION:
        Work.reported(teller, words)
    done = Work.reported(teller, "家里老人想申请居家养老服务，请街道帮助")
    assert done.lead.endswith("-street_office"), "single units are shown of street offices alone"
    done.by_lead("accept")
    done.by_lead("contact", reached=True)
    done.assists_are_done()
    done.by_lead("finish", result="solved", answer="已上门办理")
    said = {"report_id": done.answer["report_id"], "reached": True, "satisfied": "satisfied", "solved": True}
    done.on_order("callback", "agent", **said)
    done.on_order("close", "agent")
    hurried = Work.reported(teller, "路灯不亮，晚上很黑")
    hurried.on_order("urge", "supervisor", note="请尽快")
    for level in (1, 2, 3):
        hurried.on_order("supervise", "supervisor", level=level, note="请说明")
    body = {"text": "有事情想反映，请回电", "source_id": uuid4().hex}
    unclear = teller.post("intake", "/v1/hotline/tickets", body, "agent")["report_id"]
    teller.order_of(unclear)
    own = ReportReceived(
        source=Source.CANARY, report_id=uuid4(), received_at=datetime.now(UTC), answered=Answer(text="自检")
    )
    producer = KafkaProducer(bootstrap_servers=whole.kafka_bootstrap, acks="all")
    producer.send(REPORTS_NORMAL.name, key=str(own.report_id).encode(), value=encode(own)).get(timeout=10)
    producer.close()
    return str(unclear)


def test_every_query_brings_data(query: Query, work: str) -> None:
    empty = set(QUERIES)

    def asked_again() -> bool:
        for expr in list(empty):
            if query(expr):
                empty.discard(expr)
        return not empty

    until(lambda: f"no data for {empty}", asked_again)


def test_what_a_panel_says_is_what_the_database_says(whole: Stack, query: Query, work: str) -> None:
    def stored(statement: str) -> float:
        with psycopg.connect(whole.database_url("postgres")) as connection:
            row = connection.execute(statement).fetchone()
            assert row is not None
            return float(row[0])

    pairs = {
        TRIAGE: "SELECT count(*) FROM dispatch.orders WHERE status = 'triage'",
        DUE: "SELECT count(*) FROM supervision.clocks WHERE state = 'running' AND due < now() + interval '1 day'",
        "sum(paidan_outbox_rows)": "SELECT 0",
    }
    for expr, statement in pairs.items():
        until(
            lambda e=expr, s=statement: f"{e}: {query(e)} shown, {stored(s)} stored",
            lambda e=expr, s=statement: query(e) == [stored(s)],
        )
    assert stored(pairs[TRIAGE]) >= 1
    assert stored(pairs[DUE]) >= 6


def test_a_city_at_work_raises_no_alarm_of_the_system(query: Query, work: str) -> None:
    own = "ProcessDown|KafkaSilent|ConsumerStopped|OutboxRefused|InvariantBroken|ClockAuditDiffers|CanaryLost"
    until(lambda: "no rule was judged", lambda: bool(query("paidan:messages:rate5m")))
    assert query(f'ALERTS{{alertname=~"{own}"}}') == []
