"""The supervision page in a real Chromium: a breach arrives while somebody watches, and everybody can read it."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import expect

from deploy.demo.teller import Teller
from deploy.stack.lifecycle import Stack
from schemas import vocabulary as words
from tests.journeys.page.conftest import NewPhone
from tests.journeys.page.phone import WIDE
from tests.journeys.page.test_looks import examine
from tests.journeys.watched import MATTER
from tests.journeys.working import Work

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]
DESK = 1440
QUARREL = "商户要进小区开店，居民不让进，双方争吵，无人受伤，无械具。"


@pytest.fixture(scope="module")
def work(teller: Teller) -> Work:
    """An order that was not accepted in time."""
    found = Work.reported(teller, MATTER)
    found.until_clock("accept", "missed")
    return found


def called(teller: Teller) -> dict[str, Any]:
    """An urgent order, due to be accepted within minutes by day and night."""
    text = f"长宁区虹桥街道虹桥路{uuid4().int % 3000}弄小区门口，{QUARREL}"
    call = {"source_id": uuid4().hex, "police_class": "080000", "text": text}
    order = teller.order_of(teller.post("intake", "/v1/police/calls", call, "gateway")["report_id"])
    teller.clocks_of(order["order_id"])
    return order


async def test_a_breach_arrives_while_somebody_watches(watcher: NewPhone, teller: Teller) -> None:
    lin: Any = await watcher(wide=DESK)
    await lin.watch()
    before = await lin.count("breaches")
    await lin.page.evaluate("() => { document.querySelector('#league h2').mark = 1; }")
    chip = lin.page.locator("[data-key=within-24h]")
    await chip.click()
    await chip.focus()
    work = Work.reported(teller, MATTER)  # due to be accepted within three seconds, and nobody does
    row = lin.rows("late", work.order_id).first
    await expect(row).to_be_visible()  # by itself: nobody touches the page
    await expect(row).to_contain_text("接单")
    assert await lin.count("breaches") > before
    assert await lin.page.evaluate("() => window.told.some((said) => /新超时 \\d+ 项/.test(said))")
    assert await lin.page.evaluate("() => document.querySelector('#league h2').mark") == 1, "drawn anew without need"
    await expect(chip).to_be_focused()
    await expect(lin.rows("ladder", work.order_id).first).to_be_visible()
    division = work.shown()["place"]["division"][:9]
    await expect(lin.page.locator(f".map circle.late[data-division='{division}']")).to_have_count(1)

    await row.click()
    await expect(lin.sheet()).to_contain_text("接单 已超时")
    leads = lin.sheet().get_by_role("link", name="打开工单")
    page = f"http://127.0.0.1:{lin.stack.ports.of('dispatch-api')}/app/"
    assert await leads.get_attribute("href") == f"{page}#/order/{work.order_id}"
    await lin.page.keyboard.press("Escape")
    await expect(lin.sheet()).to_have_count(0)
    await expect(row).to_be_focused()


async def test_a_place_and_a_stage_narrow_the_lists(watcher: NewPhone, teller: Teller, work: Work) -> None:
    urgent = called(teller)
    lin: Any = await watcher()
    await lin.watch("auditor")
    await expect(lin.rows("due", urgent["order_id"]).first).to_contain_text(urgent["number"])
    row = lin.rows("late", work.order_id).first
    await expect(row).to_be_visible()
    district = work.shown()["place"]["division"][:6]
    other = next(d.code for d in teller.city.divisions if d.tier == "district" and d.code != district)
    where, stage = lin.page.locator("[data-key=choose-division]"), lin.page.locator("[data-key=choose-stage]")
    await where.select_option(other)
    await expect(row).to_have_count(0)
    await where.select_option(district)
    await expect(row).to_be_visible()
    await stage.select_option("total")
    await expect(row).to_have_count(0)


@pytest.mark.parametrize(("locale", "dark", "wide"), [("zh-CN", False, DESK), ("en-GB", True, WIDE)])
async def test_it_can_be_read_heard_and_tapped(
    watcher: NewPhone, work: Work, locale: str, dark: bool, wide: int
) -> None:
    lin: Any = await watcher(locale=locale, dark=dark, wide=wide)
    await lin.open()
    await examine(lin, "sign-in", wide)
    await lin.watch("operator")
    await expect(lin.rows("late", work.order_id).first).to_be_visible()
    await examine(lin, "board", wide)
    await lin.rows("late", work.order_id).first.focus()
    await lin.page.keyboard.press("Enter")
    await expect(lin.sheet().locator("li").first).to_be_visible()
    await examine(lin, "order", wide)
    await lin.page.keyboard.press("Escape")
    await lin.page.get_by_role("button", name="English" if locale == "zh-CN" else "中文").click()
    await expect(lin.page.get_by_role("heading", name="Late now" if locale == "zh-CN" else "现在超时")).to_be_visible()
    await lin.context.set_offline(True)
    await expect(lin.page.locator("#line")).not_to_have_text("")


async def test_only_who_oversees_the_city_gets_in(watcher: NewPhone, unit: str) -> None:
    lin: Any = await watcher()
    await lin.open()
    await lin.sign_in(lin.token("wang", unit, "responder"))
    await expect(lin.page.locator("main").get_by_role("alert")).not_to_have_text("")
    await expect(lin.page.locator("form.signin")).to_be_visible()
    assert await lin.page.evaluate("() => localStorage.getItem('paidan.token')") is None


async def test_every_word_of_the_page_is_there_in_both_languages(watcher: NewPhone) -> None:
    lin: Any = await watcher()
    await lin.open()
    known = await lin.page.evaluate("async () => (await import('/board/words.js')).kinds")
    for kind, members in {"stage": words.Stage, "clock": words.ClockState, "rung": words.RungKind}.items():
        assert {member.value for member in members} <= set(known[kind]), kind
    page = await lin.page.evaluate("async () => (await import('/board/words.js')).own")
    for key, (zh, en) in page.items():
        assert zh and en and zh.count("{}") == en.count("{}"), key


@pytest.mark.parametrize("ending", ["html", "pdf", "png"])
def test_a_report_of_the_running_city_is_written(
    whole: Stack, teller: Teller, browser: Any, work: Work, tmp_path: Path, ending: str
) -> None:
    day = datetime.now(teller.zone).date()
    place = tmp_path / f"report.{ending}"
    week = [] if ending == "html" else ["--week"]
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "report", str(day), *week, "--out", str(place)],
        env=_as(whole),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    head = place.read_bytes()[:8]
    if ending == "pdf":
        assert head.startswith(b"%PDF")
    elif ending == "png":
        assert head.startswith(b"\x89PNG")
    else:
        _says_what_the_service_says(teller, place.read_text(encoding="utf-8"), str(day))


def _says_what_the_service_says(teller: Teller, text: str, day: str) -> None:
    asked = teller.get("supervision", f"/v1/kpis?period={day}&kpi=repeat", "auditor") or {}
    assert f"<b>{asked['items'][0]['denominator']:,}</b>诉求 Reports" in text
    assert "<script" not in text and "http://" not in text and "https://" not in text, "it stands by itself"
    assert "上海市" in text and "接单 Accept" in text and "未冻结" in text


def _as(whole: Stack) -> dict[str, str]:
    return os.environ | {"PAIDAN_HOME": str(whole.home.root), "PAIDAN_PORT_BASE": str(whole.ports.base)}
