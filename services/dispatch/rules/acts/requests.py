"""What needs somebody's approval."""

from services.dispatch.rules.acts.asked import OnAssignment, OnOrder

ASSIGNMENT: dict[str, OnAssignment] = {}
ORDER: dict[str, OnOrder] = {}
