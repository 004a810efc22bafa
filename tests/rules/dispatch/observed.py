"""What a change of an order was seen to do beside changing its status: the effects, told without asking the tables."""

from typing import Any

from services.dispatch.rules import lifecycle
from services.dispatch.rules.lifecycle import Effect

Seen = dict[str, Any]
LIVE = ("offered", "accepted", "return_requested")


def effects(before: Seen, after: Seen, target: Any) -> set[Effect]:
    """The effects between two looks at an order; what happens to the target itself is the action's own doing."""
    old = {a["assignment_id"]: a["status"] for a in before["assignments"]}
    moves = {
        (old[id_], a["status"], id_ == str(target))
        for a in after["assignments"]
        if (id_ := a["assignment_id"]) in old and old[id_] != a["status"]
    }
    found = {
        Effect.OFFERS: len(after["assignments"]) > len(before["assignments"]),
        Effect.LEAD_SWAPS: after["lead"] != before["lead"],
        Effect.WITHDRAWS: any(was in LIVE and now == "withdrawn" and not own for was, now, own in moves),
        Effect.CONFIRMS: any((was, now, own) == ("done", "confirmed", False) for was, now, own in moves),
        Effect.TAKES_UP: any((was, now) == ("done", "accepted") for was, now, _ in moves),
        Effect.NEW_ROUND: after["round"] > before["round"],
    }
    return {effect for effect, happened in found.items() if happened}


def named(before: Seen, after: Seen, action: str, target: Any) -> set[Effect]:
    """The effects that the tables name for this action in the status it was done in: the assignment's own, and those
    of the order, which may follow."""
    status = next((a["status"] for a in before["assignments"] if a["assignment_id"] == str(target)), None)
    rows: list[lifecycle.AssignmentRow | lifecycle.OrderRow] = [
        row
        for row in lifecycle.ORDER_TABLE
        if (row.status, row.action, row.to) == (before["status"], action, after["status"])
    ]
    rows += [row for row in lifecycle.ASSIGNMENT_TABLE if (row.status, row.action) == (status, action)]
    return {effect for row in rows for effect in row.effects}
