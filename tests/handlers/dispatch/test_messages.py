"""What the router and supervision say becomes orders once, however often, in whatever order, by whichever worker."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from schemas.facts import (
    Alarm,
    AlarmCleared,
    ClocksSet,
    ClockView,
    DeadlineMissed,
    DeadlineWarned,
    DeadlineWithdrawn,
    ReportAnswered,
    Reporter,
    ReportTransferred,
    RungRaised,
)
from schemas.ids import clock_id_of, rung_id_of, successor_id
from schemas.vocabulary import ClockState, Lane, RungKind, Source, Stage, Urgency, Verification
from services.chassis.delivery import Seam
from services.dispatch.handlers import RoutingHandler
from services.dispatch.settings import DispatchSettings
from tests.handlers.dispatch.client import Desk
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import (
    DIRECTORY,
    a_plan,
    a_report,
    announced,
    in_triage,
    linked,
    minutes,
    proposed,
    record,
)


async def counts(pool: asyncpg.Pool) -> dict[str, int]:
    tables = ("orders", "assignments", "reports", "reporters", "history", "pending_links")
    return {t: await pool.fetchval(f"SELECT count(*) FROM {t}") for t in tables}


async def types(pool: asyncpg.Pool) -> list[str]:
    return [f["type"] for f in await announced(pool)]


async def no_gaps(pool: asyncpg.Pool) -> None:
    """Facts are numbered 1, 2, 3 … and recorded in that order, in history and on the way to Kafka alike."""
    rows = await pool.fetch(
        "SELECT order_id, array_agg(seq ORDER BY recorded_at) AS seqs FROM history GROUP BY order_id"
    )
    for row in rows:
        assert row["seqs"] == list(range(1, len(row["seqs"]) + 1))
        last = await pool.fetchval("SELECT seq FROM orders WHERE order_id = $1", row["order_id"])
        assert last == len(row["seqs"])
    sent: dict[str, list[int]] = {}
    for fact in await announced(pool):
        sent.setdefault(fact["order_id"], []).append(fact["seq"])
    assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in sent.values())
    assert sum(map(len, sent.values())) == await pool.fetchval("SELECT count(*) FROM history")


async def test_the_same_batch_three_times_opens_everything_once(pool: asyncpg.Pool, send: Send) -> None:
    facts = [proposed(a_report(f"r{i}", reporter=Reporter(name="王"))) for i in range(40)]
    facts.append(facts[0])
    joins = [linked(facts[i].order_id, a_report(f"j{i}")) for i in range(10)]
    for _ in range(3):
        await send(*facts, *joins)
    assert await counts(pool) == {
        "orders": 40,
        "assignments": 40,
        "reports": 50,
        "reporters": 40,
        "history": 50,
        "pending_links": 0,
    }
    await no_gaps(pool)


async def test_two_workers_with_the_same_batch_open_it_once(pool: asyncpg.Pool, settings: DispatchSettings) -> None:
    records = [record(proposed(a_report(f"w{i}"), a_plan("s1-road", "s1-clean"))) for i in range(60)]
    seams = [Seam(RoutingHandler(DIRECTORY, lane), pool, settings) for lane in (*Lane, *Lane)]
    await asyncio.gather(*(seam.handle(records if i % 2 else records[::-1]) for i, seam in enumerate(seams)))
    assert (await counts(pool))["orders"] == 60
    assert (await counts(pool))["assignments"] == 120
    assert await types(pool) == ["OrderOpened"] * 60
    await no_gaps(pool)


async def test_the_first_fact_carries_path_assignments_and_report_but_no_reporter(
    pool: asyncpg.Pool, send: Send
) -> None:
    who = Reporter(name="王小明", phone="13812345678", address="桥头路 1 号 101", person_id="310101")
    fact = proposed(a_report("p", reporter=who), a_plan("s1-road", "s1-clean"))
    await send(fact)
    [opened] = await announced(pool)
    assert [(a["unit"], a["role"], a["tier"]) for a in opened["assignments"]] == [
        ("s1-road", "lead", "street"),
        ("s1-clean", "assist", "street"),
    ]
    assert opened["path"][0]["unit"] == "s1"
    everything = [
        str(dict(row))
        for table in ("orders", "assignments", "reports", "history", "outbox")
        for row in await pool.fetch(f"SELECT * FROM {table}")
    ]
    for secret in ("王小明", "13812345678", "310101"):
        assert not any(secret in text for text in everything)
        assert not any(secret.encode() in row["payload"] for row in await pool.fetch("SELECT payload FROM outbox"))
    assert "13812345678" in await pool.fetchval("SELECT body::text FROM reporters")


async def test_a_link_to_an_unknown_order_waits_and_is_resolved_when_the_order_comes(
    pool: asyncpg.Pool, send: Send
) -> None:
    fact = proposed(a_report("late"))
    early = [linked(fact.order_id, a_report(f"early{i}", reporter=Reporter(name="李"))) for i in range(3)]
    await send(*early[:2], lane=Lane.URGENT)
    await send(*early[:2], early[2], lane=Lane.URGENT)
    assert (await counts(pool))["pending_links"] == 3 and (await counts(pool))["reports"] == 0
    await send(fact)
    assert await counts(pool) | {"assignments": 0} == {
        "orders": 1,
        "assignments": 0,
        "reports": 4,
        "reporters": 3,
        "history": 4,
        "pending_links": 0,
    }
    assert await types(pool) == ["OrderOpened"] + ["ReportJoined"] * 3
    await send(*early, fact)
    assert (await counts(pool))["history"] == 4
    await no_gaps(pool)


async def test_a_link_and_its_order_in_one_batch_find_each_other(pool: asyncpg.Pool, send: Send) -> None:
    fact = proposed(a_report("b"))
    await send(linked(fact.order_id, a_report("a")), fact)
    assert await types(pool) == ["OrderOpened", "ReportJoined"]
    assert (await counts(pool))["pending_links"] == 0


async def test_a_link_races_the_opening_of_its_order(pool: asyncpg.Pool, settings: DispatchSettings) -> None:
    """Whichever comes first, urgent lane or normal, the report ends on the order and nothing waits."""
    facts = [proposed(a_report(f"race{i}")) for i in range(25)]
    links = [linked(fact.order_id, a_report(f"chase{i}")) for i, fact in enumerate(facts)]
    urgent, normal = (Seam(RoutingHandler(DIRECTORY, lane), pool, settings) for lane in (Lane.URGENT, Lane.NORMAL))
    await asyncio.gather(
        *(urgent.handle([record(link)]) for link in links), *(normal.handle([record(fact)]) for fact in facts)
    )
    assert await counts(pool) | {"assignments": 0, "reporters": 0} == {
        "orders": 25,
        "assignments": 0,
        "reports": 50,
        "reporters": 0,
        "history": 50,
        "pending_links": 0,
    }
    await no_gaps(pool)


async def test_links_to_a_closed_order_open_its_one_successor(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    fact = proposed(a_report("first"), a_plan(verification=Verification.NONE))
    await send(fact)
    road = desk.person("responder", "s1-road")
    await road.on_part(fact.order_id, "accept", "s1-road")
    await road.on_part(fact.order_id, "finish", "s1-road", result="solved", answer="好了")
    await send(linked(fact.order_id, a_report("again")), linked(fact.order_id, a_report("and again")))
    await send(linked(fact.order_id, a_report("once more")))
    second = successor_id(fact.order_id)
    shown = await desk.person("supervisor").order(second)
    assert shown["recurrence_of"] == str(fact.order_id)
    assert len(shown["reports"]) == 3 and shown["status"] == "dispatched"
    assert (await counts(pool))["orders"] == 2
    await no_gaps(pool)


async def test_links_go_down_a_line_of_successors_to_the_one_that_is_open(
    pool: asyncpg.Pool, send: Send, desk: Desk
) -> None:
    fact = proposed(a_report("g1"))
    await send(fact)
    dispatcher = desk.person("dispatcher", "s1")
    order = fact.order_id
    for generation in range(3):
        assert (await dispatcher.on_order(order, "void", reason="test"))[0] == 200
        await send(linked(fact.order_id, a_report(f"g{generation + 2}")))
        order = successor_id(order)
    assert (await counts(pool))["orders"] == 4
    assert await pool.fetchval("SELECT order_id FROM reports WHERE report_id = $1", a_report("g4").report_id) == order


async def test_triage_is_led_by_the_deciding_centre_and_has_no_assignments(
    pool: asyncpg.Pool, send: Send, desk: Desk
) -> None:
    fact = in_triage(a_report("unsure"))
    await send(fact)
    [opened] = await announced(pool)
    assert (opened["status"], opened["lead"], opened["assignments"]) == ("triage", "s1", [])
    status, page = await desk.person("dispatcher", "s1").get("/v1/triage")
    assert status == 200
    assert [c["unit_id"] for c in page["items"][0]["candidates"]] == ["s1-road", "s1-clean"]
    assert page["items"][0]["why"] == "two units alike"
    assert (await desk.person("dispatcher", "s2").get("/v1/triage"))[1]["items"] == []


async def test_reports_that_open_no_order_are_kept_and_told(pool: asyncpg.Pool, send: Send, desk: Desk) -> None:
    answered, passed_on = a_report("asked"), a_report("fire", source=Source.POLICE)
    facts = (
        ReportAnswered(report=answered, plan=a_plan()),
        ReportTransferred(report=passed_on, plan=a_plan(), platform="119", why="fire"),
    )
    await send(*facts)
    await send(*facts)
    assert (await counts(pool))["orders"] == 0 and (await counts(pool))["reports"] == 2
    gateway = desk.person("gateway")
    assert (await gateway.get(f"/v1/reports/{answered.report_id}"))[1]["state"] == "answered"
    assert (await gateway.get(f"/v1/reports/{passed_on.report_id}"))[1]["state"] == "transferred"


async def test_urgent_orders_facts_leave_first_from_either_lane(pool: asyncpg.Pool, send: Send) -> None:
    calm, danger = proposed(a_report("calm")), proposed(a_report("danger"), a_plan(urgency=Urgency.CRITICAL))
    await send(calm)
    await send(danger, lane=Lane.NORMAL)
    await send(linked(calm.order_id), lane=Lane.URGENT)
    assert [(f["type"], f["order_id"]) for f in await announced(pool)] == [
        ("OrderOpened", str(danger.order_id)),
        ("OrderOpened", str(calm.order_id)),
        ("ReportJoined", str(calm.order_id)),
    ]


ALARM = Alarm(rule="low", device_id="w1", value=0.004, unit="m3")


def cleared(name: str) -> AlarmCleared:
    report = a_report(name, source=Source.SENSOR)
    assert report.report_id is not None
    return AlarmCleared(report_id=report.report_id, device_id="w1", rule="low", value=0.2, cleared_at=minutes(1))


async def test_a_sensor_back_to_normal_is_the_check_the_order_waits_for(
    pool: asyncpg.Pool, send: Send, desk: Desk
) -> None:
    report = a_report("meter", source=Source.SENSOR, alarm=ALARM)
    fact = proposed(report, a_plan(verification=Verification.SENSOR))
    await send(fact)
    await send(cleared("meter"))
    road = desk.person("responder", "s1-road")
    await road.on_part(fact.order_id, "accept", "s1-road")
    await road.on_part(fact.order_id, "finish", "s1-road", result="solved", answer="已上门")
    again = cleared("meter")
    seam_twice = [again, again]
    await send(*seam_twice)
    assert await types(pool) == [
        "OrderOpened",
        "ProgressNoted",
        "AssignmentAccepted",
        "AssignmentDone",
    ], "the same clearing is a repeat"
    report_id = report.report_id
    assert report_id is not None
    later = AlarmCleared(report_id=report_id, device_id="w1", rule="low", value=0.3, cleared_at=minutes(2))
    await send(later)
    assert (await types(pool))[-2:] == ["VerificationRecorded", "OrderClosed"]
    assert [f["by"] for f in await announced(pool) if f["type"] == "VerificationRecorded"] == ["sensor"]


async def test_a_clearing_that_overtakes_its_alarm_waits_for_it(pool: asyncpg.Pool, send: Send) -> None:
    await send(cleared("hasty"))
    assert (await counts(pool))["pending_links"] == 1
    await send(proposed(a_report("hasty", source=Source.SENSOR, alarm=ALARM)))
    assert await types(pool) == ["OrderOpened", "ProgressNoted"]
    assert (await counts(pool))["pending_links"] == 0


@pytest.mark.parametrize("imported", [False, True])
async def test_rungs_become_an_urge_and_a_supervision_but_not_for_an_imported_past(
    pool: asyncpg.Pool, send: Send, notice: Send, imported: bool
) -> None:
    fact = proposed(a_report(f"due-{imported}", imported=imported))
    await send(fact)
    said: dict[str, Any] = {
        "order_id": fact.order_id,
        "clock_id": clock_id_of(fact.order_id, 1, "accept", ""),
        "stage": Stage.ACCEPT,
        "owner": "s1-road",
        "due": minutes(60),
    }
    rung = {"supervision_id": rung_id_of(said["clock_id"], "r", "", 1), "receivers": ("dispatching_centre",)}
    rung |= {"at": minutes(60), "answers": "owner"}
    notices = (
        DeadlineWarned(**said),
        RungRaised(**said, **rung, rung="urge", kind=RungKind.URGE),
        DeadlineMissed(**said),
        RungRaised(**said, **rung, rung="supervise-1", kind=RungKind.SUPERVISE, level=1),
        DeadlineWithdrawn(**said, cause="came late"),
    )
    before = await pool.fetchrow("SELECT version, status FROM orders")
    for _ in range(2):
        await notice(*notices)
    expected = [] if imported else ["Urged", "Supervised", "ProgressNoted"]
    assert (await types(pool))[1:] == expected
    assert await pool.fetchrow("SELECT version, status FROM orders") == before, "an automatic note moves no version"
    if not imported:
        facts = await announced(pool)
        assert facts[1]["clock_id"] == str(said["clock_id"]) and facts[2]["level"] == 1
        assert (facts[2]["answerer"], facts[2]["by"], facts[2]["told"]) == ("s1-road", "s1", ["s1"])
    await no_gaps(pool)


async def test_clocks_are_kept_dated_without_a_fact(pool: asyncpg.Pool, send: Send, notice: Send, desk: Desk) -> None:
    fact = proposed(a_report("clocks"))
    await send(fact)
    views = [
        ClockView(
            clock_id=clock_id_of(fact.order_id, 1, stage, ""),
            stage=Stage(stage),
            owner="s1-road",
            start=minutes(0),
            due=minutes(due),
            state=ClockState.RUNNING,
            policy="p",
        )
        for stage, due in (("handle", 90), ("accept", 30))
    ]
    first = ClocksSet(order_id=fact.order_id, seq=1, clocks=tuple(views))
    second = ClocksSet(order_id=fact.order_id, seq=2, clocks=tuple(views[:1]))
    await notice(first, first)
    status, page = await desk.person("responder", "s1-road").get("/v1/me/queue")
    assert (status, page["items"][0]["clock"]["stage"]) == (200, "accept")
    await notice(second, first)
    page = (await desk.person("responder", "s1-road").get("/v1/me/queue"))[1]
    assert page["items"][0]["clock"]["stage"] == "handle"
    assert await pool.fetchval("SELECT count(*) FROM clocks") == 2
    assert await types(pool) == ["OrderOpened"]


async def test_a_notice_about_nobody_s_order_is_a_dead_letter(pool: asyncpg.Pool, notice: Send) -> None:
    fact = proposed(a_report("ghost"))
    due = minutes(0) + timedelta(hours=1)
    await notice(DeadlineMissed(order_id=fact.order_id, clock_id=fact.order_id, stage=Stage.TOTAL, owner="", due=due))
    assert len(await announced(pool, "supervision.events.dlq")) == 1
    assert await pool.fetchval("SELECT count(*) FROM inbox") == 0


async def test_a_report_without_an_id_is_a_dead_letter_and_the_rest_goes_on(pool: asyncpg.Pool, send: Send) -> None:
    import msgspec

    good = proposed(a_report("good"))
    bad = msgspec.structs.replace(
        proposed(a_report("bad")), report=msgspec.structs.replace(a_report("bad"), report_id=None)
    )
    await send(good, bad)
    assert (await counts(pool))["orders"] == 1
    assert len(await announced(pool, "routing.decided.normal.dlq")) == 1


async def test_nul_in_a_text_is_a_dead_letter_and_the_rest_goes_on(pool: asyncpg.Pool, send: Send) -> None:
    await send(proposed(a_report("nul", text="a\0b")), proposed(a_report("clean")))
    assert (await counts(pool))["orders"] == 1
    assert len(await announced(pool, "routing.decided.normal.dlq")) == 1
