"""A breach climbs the ladder over the running system: a supervision is opened, told by webhook and mail, answered, sent
back, answered again and accepted; the work that is taken up at last clears what is left."""

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.demo.teller import Teller
from tests.journeys.watched import DESK, MATTER, ROOM
from tests.journeys.working import Work

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def there() -> Iterator[None]:
    """The room and the desk are manned."""
    ROOM.up()
    with DESK.at_work():
        yield
    ROOM.down()


def supervisions(work: Work, *states: str, role: str = "supervisor", unit: str = "") -> list[dict[str, Any]]:
    """The supervisions of the order in these states, the lowest level first."""
    asked = "&".join(f"state={state}" for state in states or ("open", "answered", "accepted", "cleared"))
    found = work.teller.get("dispatch", f"/v1/supervisions?order={work.order_id}&{asked}", role, unit) or {"items": []}
    return sorted(found["items"], key=lambda one: int(one["level"]))


def say(work: Work, one: dict[str, Any], word: str, role: str, unit: str, **said: Any) -> None:
    """A word on a supervision. Raises Trouble when it is refused."""
    (now,) = (each for each in supervisions(work) if each["supervision_id"] == one["supervision_id"])
    path = f"/v1/supervisions/{one['supervision_id']}/{word}"
    work.teller.post("dispatch", path, said, role, unit, **{"if-match": f'"{now["version"]}"'})


def room(number: str) -> list[tuple[str, int | None]]:
    """What the room was told about one order."""
    items = (item for message in ROOM.told for item in message["data"].get("items", ()))
    return [(item["event"], item.get("level")) for item in items if item["order_number"] == number]


def test_a_breach_is_supervised_answered_accepted_and_cleared(teller: Teller) -> None:
    work = Work.reported(teller, MATTER)
    number = work.shown()["number"]
    first, second = teller.until("two rungs", lambda: found if len(found := supervisions(work)) == 2 else None)
    assert [(s["level"], s["stage"], s["kind"]) for s in (first, second)] == [
        (1, "accept", "timeout"),
        (2, "accept", "timeout"),
    ]
    dispatched_by = [hop["unit"]["unit_id"] for hop in work.shown()["path"] if hop["unit"]["unit_id"] != work.lead][-1]
    assert (first["answerer"]["unit_id"], first["by"]["unit_id"]) == (work.lead, dispatched_by)
    assert second["by"]["tier"] == "city"
    (mine, _) = supervisions(work, "open", role="responder", unit=work.lead)
    assert mine["actions"] == ["answer"]

    centre = first["by"]["unit_id"]
    say(work, first, "answer", "responder", work.lead, text="人手不足，正在协调")
    say(work, first, "decision", "dispatcher", centre, accepted=False, text="请先接单")
    say(work, first, "answer", "responder", work.lead, text="已安排")
    say(work, first, "decision", "dispatcher", centre, accepted=True, text="同意")
    answers = teller.until("the clocks of the answers", lambda: _answers(work))
    assert sorted(answers) == [("met", work.lead), ("met", work.lead), ("running", work.lead)]

    work.by_lead("accept")
    teller.until("the second to be cleared", lambda: supervisions(work, "cleared") or None)
    ended = [(s["level"], s["state"], s.get("cause"), s.get("withdrawn")) for s in supervisions(work)]
    assert ended == [(1, "accepted", None, None), (2, "cleared", "AssignmentAccepted", None)]
    history = teller.get("dispatch", f"/v1/orders/{work.order_id}/history") or {"items": []}
    told = [row["type"] for row in history["items"] if row["type"].startswith("Superv")]
    assert told.count("Supervised") == 2 and told.count("SupervisionCleared") == 1
    assert [name for name in told if name.startswith("SupervisionA") or name == "SupervisionRefused"] == [
        "SupervisionAnswered",
        "SupervisionRefused",
        "SupervisionAnswered",
        "SupervisionAccepted",
    ]

    heard = teller.until("the room", lambda: found if ("cleared", 2) in (found := room(number)) else None)
    assert {("supervised", 1), ("supervised", 2), ("answered", 1), ("sent_back", 1), ("accepted", 1)} <= set(heard)
    letters = teller.until("the desk", lambda: found if len(found := DESK.about(number)) >= 2 else None)
    texts = [str(letter["subject"]) + letter.get_payload(decode=True).decode() for letter in letters]
    assert any("督办 L2" in text for text in texts) and not any("L1" in text for text in texts)
    assert not any(secret in text for text in texts for secret in ("王女士", "13800000000", "人手不足"))


def _answers(work: Work) -> list[tuple[str, str]] | None:
    found = [(clock["state"], clock["owner"]["unit_id"]) for clock in work.clocks("answer")]
    return found if sum(state == "met" for state, _ in found) == 2 else None


def test_a_leader_supervises_by_hand_and_the_order_s_end_clears_it(teller: Teller) -> None:
    work = Work.reported(teller, "路灯不亮")
    work.on_order("supervise", "supervisor", kind="leader", level=3, note="市领导关注")
    (one,) = supervisions(work, "open")
    assert (one["kind"], one["level"], one["answerer"]["unit_id"]) == ("leader", 3, work.lead)
    work.until_clock("answer", "running")
    work.on_order("void", "dispatcher", one["by"]["unit_id"], reason="重复录入")
    (over,) = supervisions(work)
    assert (over["state"], over["cause"]) == ("cleared", "OrderVoided")
    work.until_clock("answer", "cancelled")
