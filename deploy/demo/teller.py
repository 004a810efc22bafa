"""How a story talks to the running city, and to whoever watches."""

import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx

from deploy.stack.keys import issue_token
from deploy.stack.lifecycle import Stack
from deploy.stack.trouble import Trouble
from schemas.city import City

T = TypeVar("T")
PATIENCE = 30.0


class Teller:
    """The city's APIs with a token for every role, and one plain line a step in both languages."""

    def __init__(self, stack: Stack, city: City) -> None:
        self.stack = stack
        self.city = city
        self.zone = ZoneInfo(city.timezone)
        self._names = {unit.unit_id: unit for unit in city.units}
        # lets go of a connection before the services do (after 5 s): one that both close at once answers nothing
        self._http = httpx.Client(timeout=10, limits=httpx.Limits(keepalive_expiry=2))
        base = {name: f"http://127.0.0.1:{stack.ports.base + n}" for n, name in enumerate(SERVICES, 1)}
        self._base = base
        self._tokens: dict[tuple[str, str], str] = {}

    def say(self, when: str, zh: str, en: str) -> None:
        """One line: when, what happened in Chinese, and below it in English."""
        print(f"  {when:>5}  {zh}\n         {en}", flush=True)

    def clock(self) -> str:
        """The time of day in the city."""
        return f"{datetime.now(self.zone):%H:%M}"

    def title(self, zh: str, en: str) -> None:
        """The head of a story."""
        print(f"\n● {zh} · {en}", flush=True)

    def token(self, role: str, unit: str = "") -> str:
        """A token for two hours."""
        if (role, unit) not in self._tokens:
            self._tokens[role, unit] = issue_token(
                role, subject=f"demo-{role}", unit=unit or None, ttl=timedelta(hours=2), home=self.stack.home
            )
        return self._tokens[role, unit]

    def post(self, service: str, path: str, body: Any, role: str, unit: str = "", **headers: str) -> Any:
        """The JSON answer to a POST. Raises Trouble with the problem when it is refused."""
        answer = self._http.post(
            self._base[service] + path,
            json=body,
            headers={"authorization": f"Bearer {self.token(role, unit)}", "idempotency-key": uuid4().hex, **headers},
        )
        if answer.status_code >= 300:
            raise Trouble(f"{path} answered {answer.status_code}: {answer.text[:300]}", "see .paidan/logs")
        return answer.json()

    def get(self, service: str, path: str, role: str = "supervisor", unit: str = "") -> Any | None:
        """The JSON answer to a GET; None when there is nothing (yet)."""
        headers = {"authorization": f"Bearer {self.token(role, unit)}"}
        answer = self._http.get(self._base[service] + path, headers=headers)
        return answer.json() if answer.status_code == 200 else None

    def until(self, what: str, look: Callable[[], T | None]) -> T:
        """What `look` finds, as soon as it finds something. Raises Trouble after half a minute."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if (found := look()) is not None:
                return found
            time.sleep(0.05)
        raise Trouble(f"waited {PATIENCE:.0f} s in vain for {what}", "see .paidan/logs and `paidan status`")

    def order_of(self, report_id: str) -> dict[str, Any]:
        """The order a report got to."""

        def look() -> dict[str, Any] | None:
            report = self.get("intake", f"/v1/reports/{report_id}", "agent")
            order_id = report and report.get("order_id")
            return self.get("dispatch", f"/v1/orders/{order_id}") if order_id else None

        return self.until("an order", look)

    def clocks_of(self, order_id: str) -> dict[str, dict[str, Any]]:
        """The clocks of an order by stage (the earliest due of each)."""

        def look() -> dict[str, dict[str, Any]] | None:
            found = (self.get("supervision", f"/v1/clocks/{order_id}") or {}).get("clocks")
            if not found:
                return None
            return {c["stage"]: c for c in sorted(found, key=lambda c: c["due"], reverse=True)}

        return self.until("clocks", look)

    def because(self, report_id: str, step: str) -> str:
        """The reason a step of the routing gives, in the words of the system."""
        found = self.until("an explanation", lambda: self.get("router", f"/v1/explain/{report_id}"))
        return next((s["because"] for s in found["steps"] if s["step"] == step), "")

    def rule_of(self, report_id: str) -> str:
        """The rule that decided."""
        found = self.until("an explanation", lambda: self.get("router", f"/v1/explain/{report_id}"))
        return str(found["rule"])

    def name(self, unit: dict[str, Any] | str) -> str:
        """A unit of an answer, or its id, as people call it."""
        if isinstance(unit, dict):
            return str(unit["name"])
        known = self._names.get(unit)
        return known.name if known else unit

    def local(self, text: str) -> datetime:
        """A time of an answer in the city's zone."""
        return datetime.fromisoformat(text).astimezone(self.zone)

    def left(self, clock: dict[str, Any], now: datetime) -> str:
        """How much time a clock has left, or how late it is."""
        minutes = int((self.local(clock["due"]) - now).total_seconds() // 60)
        late = minutes < 0
        hours, minutes = divmod(abs(minutes), 60)
        days, hours = divmod(hours, 24)
        span = f"{days} d {hours} h" if days else f"{hours} h {minutes} min" if hours else f"{minutes} min"
        return f"late by {span} 已超" if late else f"{span} left 剩余"


SERVICES = ("intake", "router", "dispatch", "supervision")


def interactive() -> bool:
    """Whether somebody watches."""
    return sys.stdout.isatty()
