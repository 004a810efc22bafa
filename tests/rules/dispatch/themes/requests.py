"""What needs somebody's approval."""

from typing import Any

from tests.rules.dispatch.themes.cells import AssignmentCells, OrderCells

BODIES: dict[str, Any] = {}

ASSIGNMENT_CELLS: AssignmentCells = {}
ORDER_CELLS: OrderCells = {}
