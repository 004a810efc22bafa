"""Rubbish on every topic, good reports in between, and the mended ones sent home, twice."""

import asyncio
import json
import random
import time
from collections import defaultdict
from datetime import UTC, datetime

import psycopg
from aiokafka import AIOKafkaProducer

from deploy.audit.run import settle
from deploy.dead_letters import Letter, letters, replay
from deploy.stack.lifecycle import Stack
from schemas.ids import report_id_of
from schemas.topics import BY_NAME, MAIN, REPORTS_NORMAL
from tests.chaos.bad_messages import CONSUMERS, MARK, Bad, bad_messages
from tests.chaos.judge import Verdict, count_ways, judge, named
from tests.chaos.load import load
from tests.chaos.town import pids, say, town, until

BAD = 2_000
GOOD = 500
MENDED = 50
MENDABLE = ("noise", "truncated", "naive_time")


def run(seed: int, count: int = BAD) -> Verdict:
    """Send, wait, compare every letter, mend, replay, replay again."""
    rand = random.Random(seed)
    verdict = Verdict()
    sent = list(bad_messages(count, rand))
    with town("malformed") as stack:
        before = pids(stack)
        with load(stack, seed, single=15.0, bulk=15.0, readings=5.0, direct=4.0) as sender:
            asyncio.run(put(stack.kafka_bootstrap, sent, rand))
            say(f"{len(sent)} bad messages sent")
            until(f"{GOOD} good ones", lambda: len({e.id for e in sender.entries() if e.status == 202}) > GOOD, 300)
            for cause in sender.finish():
                verdict.must(False, cause)
            ledger = sender.entries()
        count_ways(ledger, verdict)
        good = int(verdict.counts["reports_in_ledger"])
        verdict.must(good >= GOOD, f"only {good} good reports in between")
        owed = sum(len(CONSUMERS[message.topic]) for message in sent)
        judge(stack, ledger, verdict, dead=owed)
        found = buried(stack.kafka_bootstrap)
        verdict.counts["bad_messages"] = len(sent)
        verdict.counts["kinds"] = len({message.kind for message in sent})
        verdict.counts["dead_letters"] = sum(len(each) for each in found.values())
        compare(sent, found, verdict)
        send_home(stack, sent, verdict)
        changed = [name for name, pid in pids(stack).items() if before[name] != pid]
        verdict.must(not changed, f"restarted: {', '.join(changed)}")
    return verdict


async def put(bootstrap: str, messages: list[Bad], rand: random.Random) -> None:
    """Write them as any producer could."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=1_100_000, linger_ms=5)
    await producer.start()
    try:
        for message in messages:
            place, value, headers = rand.randrange(BY_NAME[message.topic].partitions), message.value, message.headers
            await producer.send(message.topic, value=value, key=message.key, headers=headers, partition=place)
        await producer.flush()
    finally:
        await producer.stop()


def buried(bootstrap: str) -> dict[int, list[Letter]]:
    """All dead letters, by the number of the message they are of."""
    found: dict[int, list[Letter]] = defaultdict(list)
    for topic in MAIN:
        for letter in letters(bootstrap, topic.name):
            found[int(dict(letter.headers).get(MARK, b"-1"))].append(letter)
    return found


def compare(sent: list[Bad], found: dict[int, list[Letter]], verdict: Verdict) -> None:
    """Every message in its own dead letters, once for each reader, with its code and its very bytes."""
    wrong: list[str] = []
    for message in sent:
        what = f"{message.kind} on {message.topic}"
        of_it = found.get(message.number, [])
        if sorted(letter.consumer for letter in of_it) != sorted(CONSUMERS[message.topic]):
            wrong.append(f"{what}: letters of {[letter.consumer for letter in of_it]}")
            continue
        for letter in of_it:
            if letter.topic != f"{message.topic}.dlq":
                wrong.append(f"{what}: lies in {letter.topic}")
            if letter.code != message.code:
                wrong.append(f"{what}: code {letter.code} ({letter.cause}), not {message.code}")
            if letter.value != message.buried or letter.key != message.key:
                wrong.append(f"{what}: other bytes")
    verdict.counts["letters_as_they_must_be"] = len(sent) - len(wrong)
    verdict.must(not wrong, f"dead letters: {named(set(wrong))}")
    strangers = [letter.origin for letter in found.get(-1, [])]
    verdict.must(not strangers, f"dead letters of good messages: {named(strangers)}")


def send_home(stack: Stack, sent: list[Bad], verdict: Verdict) -> None:
    """Mend letters of reports, replay them, replay them again: each comes home as an order, once."""
    numbers = {m.number for m in sent if m.topic == REPORTS_NORMAL.name and m.kind in MENDABLE}
    chosen = [
        letter
        for letter in letters(stack.kafka_bootstrap, REPORTS_NORMAL.name)
        if int(dict(letter.headers).get(MARK, b"-1")) in numbers
    ][:MENDED]
    ids = [f"mended-{letter.offset}" for letter in chosen]
    now = datetime.now(UTC).isoformat()
    mended = {
        letter.offset: json.dumps(
            {
                "source": "hotline",
                "received_at": now,
                "source_id": id_,
                "ticket_type": "complaint",
                "text": f"徐汇区田林路{letter.offset}号路灯不亮",
            }
        ).encode()
        for letter, id_ in zip(chosen, ids, strict=True)
    }
    wanted = [report_id_of("hotline", id_) for id_ in ids]
    counts = []
    for _ in range(2):
        replay(stack.kafka_bootstrap, chosen, mended, 0)
        time.sleep(1)
        verdict.must(_rests(stack), "the system did not come to rest after a replay")
        counts.append(_home(stack, wanted))
    verdict.counts["mended"] = len(chosen)
    verdict.counts["mended_home"] = counts[0][0]
    verdict.must(bool(chosen) and counts[0][0] == counts[0][1] == len(chosen), f"mended, not home: {counts[0]}")
    verdict.must(counts[0] == counts[1], f"a second replay changed something: {counts}")


def _rests(stack: Stack) -> bool:
    return settle(stack.kafka_bootstrap, stack.database_url("paidan_audit"), 120, lambda _: None)


def _home(stack: Stack, wanted: list[object]) -> tuple[int, int, int, int]:
    """Of these reports: how many are decided, and stand on an order; and how many reports and orders there are."""
    with psycopg.connect(stack.database_url("paidan_audit")) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM router.decisions WHERE report_id = ANY(%(ids)s)),"
            " (SELECT count(*) FROM dispatch.reports r JOIN supervision.clocks c ON c.report_id = r.report_id AND"
            " c.stage = 'total' WHERE r.report_id = ANY(%(ids)s) AND r.order_id IS NOT NULL),"
            " (SELECT count(*) FROM dispatch.reports), (SELECT count(*) FROM dispatch.orders)",
            {"ids": wanted},
        ).fetchone()
    assert row is not None
    return row
