"""Rulebooks that come into force while the router works: checked whole, followed by every process, taken back; tried
beside the live one and on the past; and every decision explained by the one it was taken by."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.stack.lifecycle import Stack
from deploy.stack.processes import city_folder
from schemas.codec import message
from schemas.envelope import Record
from schemas.facts import ReportReceived
from schemas.topics import REPORTS
from schemas.vocabulary import Lane, Role, Source, TicketType
from services.chassis import metrics
from services.chassis.city import CityFaults
from services.chassis.delivery import Seam
from services.chassis.settings import ServiceSettings
from services.router import store
from services.router.handlers import ReportsHandler, report_identity
from services.router.handlers.force import InForce, start
from services.router.rules.atlas import Atlas
from services.router.store import Standing
from tests.city import small
from tests.handlers.router.conftest import Asking, asking_of

TEXT = small.FILES["rulebook.toml"]
OTHER = TEXT.replace('version = "1"', 'version = "2"').replace(
    'lead = "cleaning"\nassists = ["centre"]', 'lead = "centre"'
)
FAULTY = OTHER.replace('lead = "police"', 'lead = "palace"') + '\n[[rule]]\nrule_id = "broken"\nlead = centre\n'


@pytest.fixture
async def directory(tmp_path: Path) -> Path:
    return small.write(tmp_path)


@pytest.fixture
async def town(directory: Path, settings: ServiceSettings, pool: asyncpg.Pool) -> InForce:
    found = await start(directory, settings.database_url)
    await found.look(pool)
    return found


@pytest.fixture
async def asking(town: InForce, pool: asyncpg.Pool, settings: ServiceSettings, servers: Stack) -> AsyncIterator[Asking]:
    async with asking_of(town, pool, settings, servers) as found:
        yield found


async def route(
    town: InForce, pool: asyncpg.Pool, settings: ServiceSettings, *texts: str, **more: object
) -> list[UUID]:
    """Bring reports through the router's seam."""
    seam = Seam(ReportsHandler(town, lane=Lane.NORMAL, per_key=20), pool, settings, identity=report_identity)
    ids, records = [], []
    for offset, text in enumerate(texts):
        id_, now = uuid4(), datetime.now(UTC)
        report = ReportReceived(source=Source.HOTLINE, report_id=id_, received_at=now, text=text, **more)  # type: ignore[arg-type]
        sent = message(REPORTS[Lane.NORMAL], report, id=id_, key="k", source="intake", time=now)
        ids.append(id_)
        records.append(Record(sent.topic, 0, offset, sent.key, sent.value, sent.headers))
    await seam.handle(records)
    return ids


def write(directory: Path, text: str) -> None:
    """Change the file, as an editor does; a second later at least, whatever the file system's clock can tell apart."""
    path = directory / "rulebook.toml"
    before = path.stat().st_mtime_ns
    path.write_text(text, "utf-8")
    os.utime(path, ns=(before + 10**9, before + 10**9))


async def test_a_posted_rulebook_is_followed_by_every_process_and_taken_back(
    asking: Asking, town: InForce, directory: Path, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    other_process = await start(directory, settings.database_url)
    before = town.atlas.rulebook.version
    (first,) = await route(other_process, pool, settings, "桥头街道 垃圾")
    status, body = await asking("POST", "/v1/rulebook", {"text": OTHER, "note": "试行"})
    assert (status, body["again"]) == (201, False)
    version = body["taken"]["version"]
    assert version.startswith("2+") and town.atlas.rulebook.version == version
    await other_process.look(pool)
    (second,) = await route(other_process, pool, settings, "河边街道 垃圾")
    told = {id_: (await asking("GET", f"/v1/explain/{id_}"))[1] for id_ in (first, second)}
    assert [told[id_]["rulebook_version"] for id_ in (first, second)] == [before, version]
    assert [told[id_]["lead"]["unit_id"] for id_ in (first, second)] == ["S1-cleaning", "D1-centre"]
    assert (await asking("POST", "/v1/rulebook", {"text": OTHER}))[1]["again"], "the same again is no new one"
    taken = (await asking("GET", "/v1/rulebook/history"))[1]["items"]
    assert [(one["origin"], one["taken_by"], one["note"]) for one in taken] == [
        ("posted", "someone", "试行"),
        ("file", "rulebook.toml", ""),
    ]
    assert await asking("GET", f"/v1/rulebook/history/{taken[1]['n']}") == (200, TEXT)
    status, body = await asking("POST", "/v1/rulebook/back", {"n": taken[1]["n"]})
    assert status == 201 and body["taken"]["version"] == before
    await other_process.look(pool)
    assert town.atlas.rulebook.version == other_process.atlas.rulebook.version == before


async def test_a_posted_rulebook_with_faults_changes_nothing_and_all_are_named(asking: Asking, town: InForce) -> None:
    before = town.atlas
    status, body = await asking("POST", "/v1/rulebook", {"text": FAULTY})
    assert (status, body["code"]) == (422, "rulebook_faulty")
    assert [(one["file"], one["line"]) for one in body["faults"]] == [("rulebook.toml", 12), ("rulebook.toml", 21)]
    assert town.atlas is before
    assert len((await asking("GET", "/v1/rulebook/history"))[1]["items"]) == 1


async def test_a_changed_file_is_taken_and_a_broken_one_is_not(
    asking: Asking, town: InForce, directory: Path, pool: asyncpg.Pool
) -> None:
    write(directory, OTHER)
    await town.look(pool)
    taken = town.atlas.rulebook.version
    assert taken.startswith("2+")
    write(directory, FAULTY)
    await town.look(pool)
    assert town.atlas.rulebook.version == taken
    assert len((await asking("GET", "/v1/rulebook"))[1]["faults"]) == 2
    assert metrics.RULEBOOK_FAULTS._value.get() == 2
    write(directory, TEXT)
    await town.look(pool)
    assert town.atlas.rulebook.version.startswith("1+") and not town.faults
    assert metrics.RULEBOOK_FAULTS._value.get() == 0
    assert [one["origin"] for one in (await asking("GET", "/v1/rulebook/history"))[1]["items"]] == ["file"] * 3


async def test_what_was_posted_outlives_a_restart_until_the_file_says_something_new(
    asking: Asking, directory: Path, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    await asking("POST", "/v1/rulebook", {"text": OTHER})
    again = await start(directory, settings.database_url)
    await again.look(pool)
    assert again.atlas.rulebook.version.startswith("2+")
    write(directory, TEXT.replace('version = "1"', 'version = "3"'))
    await again.look(pool)
    assert again.atlas.rulebook.version.startswith("3+")


async def test_a_start_with_a_broken_file_goes_on_with_the_one_taken_last(
    town: InForce, directory: Path, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    write(directory, FAULTY)
    again = await start(directory, settings.database_url)
    assert again.atlas.rulebook.version == town.atlas.rulebook.version and len(again.faults) == 2
    await again.look(pool)
    assert again.atlas.rulebook.version == town.atlas.rulebook.version and len(again.faults) == 2
    await pool.execute("TRUNCATE rulebooks")
    with pytest.raises(CityFaults):
        await start(directory, settings.database_url)


async def test_a_start_with_another_broken_file_is_refused(
    town: InForce, directory: Path, settings: ServiceSettings
) -> None:
    small.change(directory, "police.csv", "010000,刑事,110,", "010000,刑事,110,T/none/1")
    with pytest.raises(CityFaults):
        await start(directory, settings.database_url)


async def test_other_files_that_changed_meanwhile_are_not_taken_half(
    town: InForce, directory: Path, pool: asyncpg.Pool
) -> None:
    small.change(directory, "units.csv", "桥头环卫", "桥头环卫所")
    write(directory, OTHER)
    await town.look(pool)
    assert town.atlas.rulebook.version.startswith("1+")
    assert "restart" in town.faults[0].cause


async def test_processes_that_see_a_changed_file_at_once_take_it_once(
    directory: Path, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    processes = [await start(directory, settings.database_url) for _ in range(3)]
    await asyncio.gather(*(one.look(pool) for one in processes))
    write(directory, OTHER)
    await asyncio.gather(*(one.look(pool) for one in processes))
    await asyncio.gather(*(one.look(pool) for one in processes))
    assert {one.live.n for one in processes if one.live} == {(await newest(pool)).n}
    assert await pool.fetchval("SELECT count(*) FROM rulebooks") == 2


async def newest(pool: asyncpg.Pool) -> store.Stored:
    async with pool.acquire() as connection:
        found = await store.newest(connection, Standing.LIVE)
    assert found is not None
    return found


async def test_a_shadow_is_asked_the_same_and_only_differences_are_kept(
    asking: Asking, town: InForce, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    def counted(difference: str) -> float:
        return metrics.SHADOW.labels("rulebook", difference)._value.get()

    status, body = await asking("POST", "/v1/rulebook", {"text": OTHER, "role": "shadow"})
    assert status == 201 and town.atlas.rulebook.version.startswith("1+")
    same, moved = counted("same"), counted("lead")
    ids = await route(town, pool, settings, "桥头街道 垃圾", "河边街道 垃圾", "桥头街道 咨询")
    assert (counted("same") - same, counted("lead") - moved) == (1, 2)
    found = (await asking("GET", "/v1/shadow"))[1]
    assert found["shadow"]["version"] == body["taken"]["version"]
    assert (found["examined"], found["differing"]) == (3, 2)
    assert {(one["class_key"], one["lead"], one["would_lead"], one["reports"]) for one in found["tallies"]} == {
        ("T/event/01", "S1-cleaning", "S1-centre", 1),
        ("T/event/01", "S2-cleaning", "D1-centre", 1),
    }
    page = (await asking("GET", "/v1/shadow/reports?limit=1"))[1]
    rest = (await asking("GET", f"/v1/shadow/reports?limit=1&cursor={page['next']}"))[1]
    assert {page["items"][0]["report_id"], rest["items"][0]["report_id"]} == {str(id_) for id_ in ids[:2]}
    assert (await asking("DELETE", "/v1/rulebook/shadow"))[0] == 200
    await route(town, pool, settings, "桥头街道 垃圾 又来了")
    assert counted("lead") - moved == 2 and (await asking("GET", "/v1/shadow"))[1]["shadow"] is None


async def test_a_dry_run_counts_what_would_go_elsewhere(
    asking: Asking, town: InForce, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    ids = await route(town, pool, settings, "桥头街道 垃圾", "河边街道 垃圾", "桥头街道 咨询", "山上街道 垃圾")
    asked: dict[str, Any] = {"since": since, "rulebook": OTHER}
    status, whole = await asking("POST", "/v1/rules/dry-run", asked)
    assert status == 200 and (whole["examined"], whole["differing"], whole["next"]) == (4, 3, None)
    assert whole["by_class"] == [{"class_key": "T/event/01", "name": "垃圾", "examined": 3, "differing": 3}]
    assert {(one["unit_id"], one["gains"], one["loses"]) for one in whole["by_unit"]} == {
        ("S1-cleaning", 0, 1),
        ("S1-centre", 1, 0),
        ("S2-cleaning", 0, 1),
        ("D1-centre", 1, 0),
        ("D2-cleaning", 0, 1),
        ("C-centre", 1, 0),
    }
    assert {one["report_id"] for one in whole["items"]} == {str(ids[n]) for n in (0, 1, 3)}
    parts, cursor = [], ""
    for _ in range(4):
        part = (await asking("POST", "/v1/rules/dry-run", asked | {"examine": 1, "cursor": cursor}))[1]
        parts.append(part)
        cursor = part["next"]
    assert [part["examined"] for part in parts] == [1, 1, 1, 1]
    assert sum(part["differing"] for part in parts) == 3
    assert (await asking("POST", "/v1/rules/dry-run", {"since": since, "rulebook": TEXT}))[1]["differing"] == 0
    later = {"since": since, "until": since, "rulebook": OTHER}
    assert (await asking("POST", "/v1/rules/dry-run", later))[1]["examined"] == 0


async def test_a_dry_run_against_what_was_decided_then(
    asking: Asking, town: InForce, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    await route(town, pool, settings, "桥头街道 垃圾")
    await asking("POST", "/v1/rulebook", {"text": OTHER})
    asked = {"since": since, "n": (await newest(pool)).n}
    assert (await asking("POST", "/v1/rules/dry-run", asked))[1]["differing"] == 0, "as the one in force today"
    assert (await asking("POST", "/v1/rules/dry-run", asked | {"against": "decided"}))[1]["differing"] == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"since": "2026-01-01T00:00:00Z"}, 422, "invalid"),
        ({"since": "2026-01-01T00:00:00Z", "rulebook": TEXT, "n": 1}, 422, "invalid"),
        ({"since": "2026-01-01T00:00:00Z", "n": 999_999}, 404, "not_found"),
        ({"since": "2026-01-01T00:00:00Z", "n": 2**70}, 404, "not_found"),
        ({"since": "2026-01-01T00:00:00Z", "rulebook": FAULTY}, 422, "rulebook_faulty"),
        ({"since": "2026-01-01T00:00:00Z", "rulebook": "\x00"}, 422, "text_unreadable"),
        ({"since": "2026-01-01T00:00:00", "rulebook": TEXT}, 422, "invalid"),
        ({"since": "2026-01-01T00:00:00Z", "rulebook": TEXT, "cursor": "xx"}, 422, "cursor_invalid"),
        ({"since": "2026-01-01T00:00:00Z", "rulebook": TEXT, "examine": 10**6}, 422, "invalid"),
        ({"rulebook": TEXT}, 422, "invalid"),
    ],
)
async def test_what_a_dry_run_refuses(asking: Asking, body: dict[str, Any], status: int, code: str) -> None:
    answered, problem = await asking("POST", "/v1/rules/dry-run", body)
    assert (answered, problem["code"]) == (status, code)


@pytest.mark.parametrize("role", list(Role))
async def test_who_may_change_and_try_rulebooks(asking: Asking, role: Role) -> None:
    oversight = {Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR}
    for method, path, body, allowed in (
        ("POST", "/v1/rulebook", {"text": "x"}, {Role.OPERATOR}),
        ("POST", "/v1/rulebook/back", {"n": 999}, {Role.OPERATOR}),
        ("DELETE", "/v1/rulebook/shadow", None, {Role.OPERATOR}),
        ("POST", "/v1/rules/dry-run", {}, oversight),
        ("GET", "/v1/shadow", None, oversight),
        ("GET", "/v1/shadow/reports", None, oversight),
    ):
        status, _ = await asking(method, path, body, role=role)
        assert (status == 403) is (role not in allowed), (path, status)


async def test_an_explanation_says_what_would_have_changed_it(
    asking: Asking, town: InForce, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    (rubbish, unsure) = await route(town, pool, settings, "桥头街道 垃圾", "垃圾")
    told = (await asking("GET", f"/v1/explain/{rubbish}"))[1]
    assert [step["step"] for step in told["steps"]] == ["veto", "locate", "classify", "merge", "match", "tiers"]
    assert all(step["words"]["zh"] and step["words"]["en"] for step in told["steps"])
    matched = next(step for step in told["steps"] if step["step"] == "match")
    assert told["rulebook_version"] in matched["words"]["zh"] and "桥头环卫" in matched["words"]["zh"]
    assert [(one["kind"], one["rule"], one["lead"]) for one in matched["would_change"]] == [
        ("next_rule", "fallback", "S1-centre")
    ]
    unsettled = (await asking("GET", f"/v1/explain/{unsure}"))[1]
    assert unsettled["decision"] == "triage"
    located = next(step for step in unsettled["steps"] if step["step"] == "locate")
    assert located["bar"] == 0.5 and located["would_change"][0]["kind"] == "confidence"


async def test_the_unit_complained_about_does_not_read_it(
    asking: Asking, town: InForce, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    (report,) = await route(town, pool, settings, "桥头街道 垃圾", subject="桥头中心", ticket_type=TicketType.INFORMANT)
    path = f"/v1/explain/{report}"
    for unit, status in (("S1-centre", 403), ("K1-committee", 403), ("S1-cleaning", 403), ("D1-centre", 200)):
        assert (await asking("GET", path, role=Role.DISPATCHER, unit=unit))[0] == status, unit
    told = (await asking("GET", path))[1]
    assert told["lead"]["unit_id"] == "D1-centre"
    assert "accused" in {one["kind"] for step in told["steps"] for one in step["would_change"]}


async def test_nor_does_a_centre_that_an_informant_names_and_that_would_have_decided_in_triage(
    asking: Asking, town: InForce, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    centre = town.atlas.units["D1-centre"].name
    (report,) = await route(town, pool, settings, f"桥头街道 举报{centre}推诿扯皮", ticket_type=TicketType.INFORMANT)
    path = f"/v1/explain/{report}"
    for unit, status in (("D1-centre", 403), ("S1-centre", 403), ("C-centre", 200)):
        assert (await asking("GET", path, role=Role.DISPATCHER, unit=unit))[0] == status, unit
    told = (await asking("GET", path))[1]
    assert (told["decision"], told["lead"]["unit_id"]) == ("triage", "C-centre")


async def test_a_second_model_reads_what_the_live_one_reads_and_decides_nothing(
    atlas: Atlas, tmp_path: Path, pool: asyncpg.Pool, settings: ServiceSettings, servers: Stack
) -> None:
    pack = city_folder("shanghai")
    (tmp_path / "rulebook.toml").write_bytes((pack / "rulebook.toml").read_bytes())
    (tmp_path / "model-next.bin").write_bytes((pack / "model.bin").read_bytes())
    force = InForce(atlas, tmp_path)
    await force.look(pool)
    assert force.reader is not None and not force.faults
    same = metrics.SHADOW.labels("model", "same")._value.get()
    await route(
        force, pool, settings, "静安区临汾路街道临汾路338号门口雨水井盖缺失", "虹口区北外滩街道工地夜间施工噪声扰民"
    )
    assert metrics.SHADOW.labels("model", "same")._value.get() - same == 2, "the same model says the same"
    async with asking_of(force, pool, settings, servers) as asking:
        model = (await asking("GET", "/v1/shadow"))[1]["model"]
    assert model == {"version": atlas.model_version, "differing": 0, "tallies": []}
    (tmp_path / "model-next.bin").write_bytes(b"PAIDAN-MODEL 1")
    await force.look(pool)
    assert force.reader is None and force.faults[0].file == "model-next.bin"
    (tmp_path / "model-next.bin").unlink()
    await force.look(pool)
    assert not force.faults
