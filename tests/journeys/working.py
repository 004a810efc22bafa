"""People who work on one order over the running system, in one line each."""

from random import Random
from typing import Any
from uuid import uuid4

import httpx

from deploy.demo.teller import Teller
from deploy.simulator.crew import a_photo


class Work:
    """An order and those who do something about it."""

    def __init__(self, teller: Teller, answer: dict[str, Any]) -> None:
        self.teller = teller
        self.answer = answer
        self.order_id: str = teller.order_of(answer["report_id"])["order_id"]
        self.lead: str = self.shown()["lead"]["unit_id"]

    @classmethod
    def reported(cls, teller: Teller, text: str, street: str = "临汾路") -> "Work":
        """A hotline ticket about something at a place, of a street-town of that name, that nobody reported before."""
        house = Random(uuid4().int).randint(3000, 99_000)
        body = {
            "text": f"静安区{street}街道{street}{house}号{text}",
            "address": f"静安区{street}街道{street}{house}号",
            "ticket_type": "complaint",
            "reporter": {"name": "王女士", "phone": "13800000000"},
        }
        return cls(teller, teller.post("intake", "/v1/hotline/tickets", body, "agent"))

    def shown(self) -> dict[str, Any]:
        """The order as it stands."""
        return self.teller.until("the order", lambda: self.teller.get("dispatch", f"/v1/orders/{self.order_id}"))

    def on_order(self, action: str, role: str, unit: str = "", **said: Any) -> dict[str, Any]:
        """Something is done to the order. Raises Trouble when it is refused."""
        version = f'"{self.shown()["version"]}"'
        path = f"/v1/orders/{self.order_id}/actions/{action}"
        found: dict[str, Any] = self.teller.post("dispatch", path, said, role, unit, **{"if-match": version})
        return found

    def by_lead(self, action: str, **said: Any) -> dict[str, Any]:
        """The lead does something to its part. Raises Trouble when it is refused."""
        return self.by_unit(self.lead, action, said)

    def assists_are_done(self) -> None:
        """Whoever helps takes his part and is done with it."""
        for part in self.shown()["assignments"]:
            if part["role"] == "assist" and part["status"] == "offered":
                self.by_unit(part["unit"]["unit_id"], "accept", {})
                self.by_unit(part["unit"]["unit_id"], "finish", {"result": "solved", "answer": "已协助"})

    def by_unit(
        self, unit: str, action: str, said: dict[str, Any], of: str = "", role: str = "responder"
    ) -> dict[str, Any]:
        """A unit does something to its newest part, or to that of another unit (`of`). Raises Trouble when it is
        refused."""
        part = [a for a in self.shown()["assignments"] if a["unit"]["unit_id"] == (of or unit)][-1]
        path = f"/v1/assignments/{part['assignment_id']}/actions/{action}"
        headers = {"if-match": f'"{part["version"]}"'}
        found: dict[str, Any] = self.teller.post("dispatch", path, said, role, unit, **headers)
        return found

    def photo(self, kind: str) -> str:
        """The lead sends a photo; its id."""
        reply = httpx.post(
            f"http://127.0.0.1:{self.teller.stack.ports.of('dispatch-api')}/v1/orders/{self.order_id}/attachments",
            params={"kind": kind},
            content=a_photo(self.order_id, 40 if kind == "before" else 200),
            headers={"authorization": f"Bearer {self.teller.token('responder', self.lead)}"},
        )
        assert reply.status_code == 201, reply.text
        return str(reply.json()["attachment_id"])

    def rate(self, satisfied: str, solved: bool) -> dict[str, Any]:
        """Whoever reported it rates with his number and code."""
        said = {"number": self.answer["number"], "code": self.answer["code"], "satisfied": satisfied, "solved": solved}
        found: dict[str, Any] = self.teller.post("dispatch", "/v1/ratings", said, "citizen")
        return found

    def clocks(self, stage: str) -> list[dict[str, Any]]:
        """The order's clocks of a stage as supervision keeps them, by round."""
        found = self.teller.get("supervision", f"/v1/clocks/{self.order_id}") or {}
        return sorted((c for c in found.get("clocks", ()) if c["stage"] == stage), key=lambda c: str(c["start"]))

    def until_clock(self, stage: str, *states: str) -> list[dict[str, Any]]:
        """The clocks of a stage, once they stand like this."""

        def look() -> list[dict[str, Any]] | None:
            found = self.clocks(stage)
            return found if [c["state"] for c in found] == list(states) else None

        return self.teller.until(f"{stage} clocks to be {states}; they are {self.clocks(stage)}", look)
