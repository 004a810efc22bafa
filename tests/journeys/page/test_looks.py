"""What the page is for everybody's eyes, ears and fingers: both languages, names, contrast, size, keyboard."""

from enum import StrEnum
from typing import Any

import pytest
from playwright.async_api import expect

from schemas import vocabulary as words
from tests.journeys.page.conftest import NewOrder, NewPhone
from tests.journeys.page.phone import WIDE, Phone

SMALLEST = 44  # pixels, of anything to tap

# Every visible text against what lies behind it: 4.5 to 1, or 3 to 1 for large letters (WCAG 2 AA). Half-transparent
# things are left out, they are what cannot be used just now.
FAINT = """() => {
  const light = (c) => c.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  const lum = (c) => { const [r, g, b] = light(c); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const top = document.querySelector('dialog[open]') ?? document.body;
  const walk = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
  const faint = [];
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim();
    const holder = walk.currentNode.parentElement;
    const box = holder.getBoundingClientRect();
    if (!text || !box.width || holder.closest('noscript')) continue;
    if (getComputedStyle(holder).visibility !== 'visible') continue;
    let behind = [255, 255, 255], dim = false;
    for (let at = holder; at; at = at.parentElement) {
      if (getComputedStyle(at).opacity < 1) dim = true;
      const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
      if (a === 1) { behind = [r, g, b]; break; }
    }
    const style = getComputedStyle(holder);
    const [one, two] = [lum(parse(style.color).slice(0, 3)), lum(behind)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (one + 0.05) / (two + 0.05);
    if (!dim && ratio < (large ? 3 : 4.5)) faint.push(`${text}: ${ratio.toFixed(2)}`);
  }
  return faint;
}"""

SMALL = """(least) => {
  const top = document.querySelector('dialog[open]') ?? document;
  return [...top.querySelectorAll('button, a, input, textarea, summary, .option')]
    .filter((one) => one.checkVisibility() && !one.matches('input[type=radio], input[type=checkbox]'))
    .map((one) => [one, (one.matches('h2 a') ? one.closest('article') : one).getBoundingClientRect()])
    .filter(([, box]) => box.width < least - 0.5 || box.height < least - 0.5)
    .map(([one, box]) => `${one.outerHTML.slice(0, 80)}: ${box.width}x${box.height}`);
}"""

NAMED = {"button", "link", "textbox", "checkbox", "radio", "combobox", "spinbutton", "dialog", "image", "heading"}


async def unnamed(phone: Phone) -> list[str]:
    """What a screen reader would meet without a name, by Chromium's own accessibility tree."""
    session = await phone.context.new_cdp_session(phone.page)
    tree = await session.send("Accessibility.getFullAXTree")
    nodes: list[dict[str, Any]] = tree["nodes"]
    return [
        node["role"]["value"]
        for node in nodes
        if not node.get("ignored") and node["role"]["value"] in NAMED and not node.get("name", {}).get("value")
    ]


async def examine(phone: Phone, where: str, wide: int = WIDE) -> None:
    """Everything that is checked of a view."""
    await phone.page.evaluate("() => Promise.all(document.getAnimations().map((one) => one.finished))")
    assert await phone.page.evaluate(FAINT) == [], where
    assert await phone.page.evaluate(SMALL, SMALLEST) == [], where
    assert await unnamed(phone) == [], where
    assert await phone.page.evaluate("() => document.documentElement.scrollWidth") <= wide, f"{where} is too wide"


@pytest.mark.parametrize(("locale", "dark"), [("zh-CN", False), ("en-GB", True)])
async def test_every_view_can_be_read_heard_and_tapped(
    phone: NewPhone, new_order: NewOrder, locale: str, dark: bool, unit: str
) -> None:
    order = new_order()
    mine = await phone(locale=locale, dark=dark)
    await mine.open()
    await examine(mine, "sign-in")
    await mine.sign_in("nonsense")
    await expect(mine.page.locator("main").get_by_role("alert")).not_to_have_text("")
    await examine(mine, "sign-in refused")
    await mine.sign_in(mine.token("wang", unit))
    await expect(await mine.find(order)).to_be_visible()
    await examine(mine, "queue")
    await (await mine.find(order)).get_by_role("link").tap()
    await mine.do("accept")
    await expect(mine.button("finish")).to_be_visible()
    await mine.page.locator("summary").tap()
    await expect(mine.page.locator(".past li").first).to_be_visible()
    await examine(mine, "order")
    for action in ("contact", "progress", "finish"):
        await mine.do(action)
        await expect(mine.sheet()).to_be_visible()
        await examine(mine, action)
        await mine.page.keyboard.press("Escape")
        await expect(mine.sheet()).to_have_count(0)
    await mine.context.set_offline(True)
    await expect(mine.page.locator("#line")).not_to_have_text("")
    await examine(mine, "no signal")


async def test_the_language_is_the_phones_can_be_changed_and_is_remembered(phone: NewPhone, unit: str) -> None:
    mine = await phone(locale="en-GB")
    await mine.open()
    await expect(mine.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await mine.page.evaluate("() => document.documentElement.lang") == "en"
    await mine.sign_in(mine.token("wang", unit))
    await expect(mine.page.get_by_role("heading", name="My work")).to_be_visible()
    await mine.page.get_by_role("button", name="中文").tap()
    await expect(mine.page.get_by_role("heading", name="我的工单")).to_be_visible()
    await mine.page.reload()
    await expect(mine.page.get_by_role("heading", name="我的工单")).to_be_visible()
    assert await mine.page.evaluate("() => document.documentElement.lang") == "zh-CN"


async def test_it_can_be_used_with_a_keyboard_alone(phone: NewPhone, new_order: NewOrder, unit: str) -> None:
    order = new_order()
    mine = await phone()
    await mine.enter("wang", unit)
    keys = mine.page.keyboard
    link = (await mine.find(order)).get_by_role("link")
    for _ in range(200):
        await keys.press("Tab")
        if await link.evaluate("(one) => one === document.activeElement"):
            break
    await keys.press("Enter")
    await expect(mine.button("accept")).to_be_visible()
    assert await mine.page.evaluate("() => document.activeElement.tagName") == "H1", "reading begins at the top"
    await mine.button("accept").focus()
    await keys.press("Enter")
    await mine.button("progress").focus()
    await keys.press("Enter")
    await keys.type("在路上")
    await keys.press("Tab")
    inside = "() => Boolean(document.querySelector('dialog[open]').contains(document.activeElement))"
    assert await mine.page.evaluate(inside)
    await keys.press("Escape")
    await expect(mine.sheet()).to_have_count(0)
    await expect(mine.button("progress")).to_be_focused()


KINDS: dict[str, type[StrEnum]] = {
    **{"order": words.OrderStatus, "part": words.AssignmentStatus, "role": words.AssignmentRole},
    **{"urgency": words.Urgency, "source": words.Source, "type": words.TicketType, "tier": words.Tier},
    **{"stage": words.Stage, "clock": words.ClockState, "result": words.Result, "photo": words.PhotoKind},
    **{"request": words.RequestKind, "decision": words.RequestState},
}


async def test_every_word_of_the_vocabulary_is_there_in_both_languages(phone: NewPhone) -> None:
    mine = await phone()
    await mine.open()
    known = await mine.page.evaluate("async () => (await import('/app/words.js')).kinds")
    for kind, members in KINDS.items():
        missing = {member.value for member in members} - set(known[kind])
        assert not missing, f"words.js, {kind}: {missing}"
        assert all(len(pair) == 2 and all(pair) for pair in known[kind].values())
    page = await mine.page.evaluate("async () => (await import('/app/words.js')).own")
    for key, (zh, en) in page.items():
        assert zh and en and zh.count("{}") == en.count("{}"), key
