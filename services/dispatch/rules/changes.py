"""Which fields of an order, and of the assignment it was about, a change moved; for people who read the history."""

from typing import Any

from schemas.facts import OrderFact
from services.dispatch.rules.order import Assignment, Order

_OF_ORDER = (
    "status",
    "urgency",
    "lead",
    "class",
    "place",
    "path",
    "round",
    "result",
    "closed_at",
    "merged_into",
    "case",
)
_OF_PART = ("role", "status", "accepted_at", "contacted_at", "arrived_at", "done_at", "result")


class Picture:
    """An order just before a change."""

    __slots__ = ("_order", "_part", "_seen", "_target", "_versions")

    def __init__(self, order: Order, target: Assignment | None) -> None:
        self._order, self._target = order, target
        self._seen = _of_order(order)
        self._part = None if target is None else _of_part(target)
        self._versions = [a.version for a in order.assignments]

    def changed(self, fact: OrderFact) -> str:
        """The names of what is different now, with commas between them: an assignment's after `assignment.`, and
        `assignments` when others than it moved."""
        order, target = self._order, self._target
        pairs = zip(_OF_ORDER, self._seen, _of_order(order), strict=True)
        names = [name for name, before, after in pairs if before != after]
        if target is not None and self._part is not None:
            parts = zip(_OF_PART, self._part, _of_part(target), strict=True)
            names += [f"assignment.{name}" for name, before, after in parts if before != after]
        moved = len(order.assignments) != len(self._versions) or any(
            a.version != version and a is not target
            for a, version in zip(order.assignments, self._versions, strict=True)
        )
        if moved:
            names.append("assignments")
        if hasattr(fact, "report"):
            names.append("reports")
        return ",".join(names)


def _of_order(o: Order) -> tuple[Any, ...]:
    detail = o.detail
    return (
        o.status,
        o.urgency,
        o.lead,
        detail.class_ref,
        detail.place,
        detail.path,
        o.round,
        o.result,
        o.closed_at,
        o.merged_into,
        detail.case_id,
    )


def _of_part(a: Assignment) -> tuple[Any, ...]:
    return (a.role, a.status, a.accepted_at, a.contacted_at, a.arrived_at, a.done_at, a.result)
