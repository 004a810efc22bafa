"""Every theme of the lifecycle, for tests: what its actions say, and which cells it expects.

`BODIES` holds for each action the body that will do, or a function that makes one of a `Saying`; an action without an
entry says nothing. The walks and the cells draw on it, so a new action is walked as soon as its theme names it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from tests.rules.dispatch.themes import assigning, finishing, merging, milestones, requests, steering, tree, urgency
from tests.rules.dispatch.themes.cells import AssignmentCells, OrderCells

_THEMES = (
    assigning,
    tree,
    milestones,
    requests,
    finishing,
    steering,
    merging,
    urgency,
)


class Saying(Struct, frozen=True):
    """What a body may be made of: the time, a report of the order, the units that a part may be passed on to, and what
    was drawn at random."""

    now: datetime
    report_id: UUID | None
    below: tuple[str, ...] = ()
    flag: bool = True
    unit: str = "s1-clean"
    units: tuple[str, ...] = ()
    pick: int = 0


BODIES: dict[str, Any] = {action: body for theme in _THEMES for action, body in theme.BODIES.items()}
ASSIGNMENT_CELLS: AssignmentCells = {cell: to for theme in _THEMES for cell, to in theme.ASSIGNMENT_CELLS.items()}
ORDER_CELLS: OrderCells = {cell: to for theme in _THEMES for cell, to in theme.ORDER_CELLS.items()}


def body_of(action: str, saying: Saying) -> dict[str, Any]:
    """A body for an action."""
    body = BODIES.get(action, {})
    return dict(body(saying) if callable(body) else body)
