"""A phone with the responder's page in a real Chromium, and the person who holds it; and whoever watches the board."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Self

from playwright.async_api import Browser, BrowserContext, FilePayload, Locator, Page, Request, expect

from deploy.stack import keys
from deploy.stack.lifecycle import Stack

WIDE, HIGH = 390, 844
expect.set_options(timeout=30_000)


# Keeps what the page says in passing: a busy machine may look too late.
REMEMBER = """
  window.told = [];
  new MutationObserver(() => window.told.push(document.getElementById('said')?.textContent))
    .observe(document, { childList: true, subtree: true });
"""
PICTURE = """async () => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 2400, height: 1200 });
  const brush = canvas.getContext('2d');
  brush.fillStyle = '#3a7';
  brush.fillRect(0, 0, 2400, 1200);
  const blob = await new Promise((done) => canvas.toBlob(done, 'image/png'));
  return [...new Uint8Array(await blob.arrayBuffer())];
}"""


class Phone:
    """One phone. `errors` are what the browser complained of, `sent` the writes that left it."""

    service, address = "dispatch-api", "/app/"

    def __init__(self, context: BrowserContext, page: Page, stack: Stack) -> None:
        self.context, self.page, self.stack = context, page, stack
        self.base = f"http://127.0.0.1:{stack.ports.of(self.service)}"
        self.errors: list[str] = []
        self.sent: list[Request] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: self.sent.append(request) if request.method == "POST" else None)

    @classmethod
    async def new(
        cls, browser: Browser, stack: Stack, *, locale: str = "zh-CN", dark: bool = False, wide: int = WIDE
    ) -> Self:
        """A phone that was just unpacked; with another width, a desk's screen."""
        context = await browser.new_context(
            viewport={"width": wide, "height": HIGH},
            device_scale_factor=1.5 if wide == WIDE else 1,
            is_mobile=wide == WIDE,
            has_touch=True,
            locale=locale,
            timezone_id="Asia/Shanghai",
            color_scheme="dark" if dark else "light",
        )
        await context.add_init_script(REMEMBER)
        return cls(context, await context.new_page(), stack)

    def token(self, person: str, unit: str, role: str = "responder", lasts: float = 3600) -> str:
        """A sign-in token, good for so many seconds."""
        return keys.issue_token(
            role, subject=person, unit=unit or None, ttl=timedelta(seconds=lasts), home=self.stack.home
        )

    async def open(self, place: str = "") -> None:
        """Go to the page."""
        await self.page.goto(f"{self.base}{self.address}{place}")

    async def sign_in(self, token: str) -> None:
        """Paste a token."""
        await self.page.locator("#token").fill(token)
        await self.page.locator("form.signin button[type=submit]").tap()

    async def enter(self, person: str, unit: str, place: str = "", role: str = "responder") -> None:
        """Open the page and be signed in."""
        await self.open(place)
        await self.sign_in(self.token(person, unit, role))
        await expect(self.page.locator("form.signin")).to_have_count(0)

    async def enter_at(self, order: dict[str, Any], person: str, unit: str, role: str = "responder") -> None:
        """Be signed in and look at an order."""
        await self.enter(person, unit, f"#/order/{order['order_id']}", role)
        await expect(self.button("[data-key^=do-]").first).to_be_visible()

    def button(self, what: str) -> Locator:
        """Something to tap: an action of the bar, or by a selector."""
        return self.page.locator(f"[data-key=do-{what}]" if what.isidentifier() else what)

    async def do(self, action: str) -> None:
        """Tap an action of the order."""
        await self.button(action).tap()

    def card(self, order: dict[str, Any]) -> Locator:
        """The card of an order in the queue."""
        return self.page.locator("article.item", has_text=order["number"])

    async def find(self, order: dict[str, Any]) -> Locator:
        """The card of an order, wherever in the queue it is."""
        more = self.page.locator("[data-key=more]")
        await expect(self.page.locator("article.item, .empty").first).to_be_visible()
        while await self.card(order).count() == 0 and await more.count():
            shown = await self.page.locator("article.item").count()
            await more.tap()
            await expect(self.page.locator("article.item").nth(shown)).to_be_visible()
        return self.card(order)

    async def picture(self) -> FilePayload:
        """A photo as a telephone takes one: larger than need be."""
        drawn = await self.page.evaluate(PICTURE)
        return {"name": "现场.png", "mimeType": "image/png", "buffer": bytes(drawn)}

    async def was_told(self, text: str) -> None:
        """Wait until the page said something in passing, however shortly."""
        await self.page.wait_for_function("(text) => window.told.includes(text)", arg=text)

    def sheet(self) -> Locator:
        """The sheet that is open."""
        return self.page.locator("dialog[open]")

    async def hears(self) -> None:
        """Wait until changes arrive live."""
        await expect(self.page.locator(".dot[data-on=true]")).to_be_visible()

    async def deaf(self) -> None:
        """From the next look on, no change arrives by itself."""
        await self.context.route("**/v1/stream", lambda route: route.abort())

    async def alter(self, path: str, change: Callable[[Any], None]) -> None:
        """Let the page see another answer than the service gave."""

        async def handle(route: Any) -> None:
            reply = await route.fetch()
            body = await reply.json()
            if reply.ok:
                change(body)
            await route.fulfill(response=reply, json=body)

        await self.context.route(path, handle)

    async def close(self) -> None:
        """Put it away."""
        await self.context.unroute_all(behavior="ignoreErrors")
        await self.context.close()


class Watcher(Phone):
    """Somebody who watches the supervision page, on a phone or at a desk."""

    service, address = "supervision-api", "/board/"

    async def watch(self, role: str = "supervisor") -> None:
        """Open the page, be signed in, and see it filled."""
        await self.open()
        await self.sign_in(self.token("lin", "", role))
        await expect(self.page.locator("#late .list, #late .empty")).to_be_visible()
        await expect(self.page.locator("#month .rates")).to_be_visible()

    async def count(self, tile: str) -> int:
        """A big number."""
        return int(await self.page.locator(f"[data-tile={tile}] b").inner_text())

    def rows(self, panel: str, order_id: str) -> Locator:
        """The rows of an order in a panel."""
        return self.page.locator(f"#{panel} a[href='#/order/{order_id}']")
