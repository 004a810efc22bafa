"""What the tables shall say, written a second time by hand: a slip in a table does not pass itself."""

from collections.abc import Iterable
from itertools import product

from schemas.vocabulary import AssignmentStatus, OrderStatus, Role
from services.dispatch.rules.lifecycle import Part, Relation

S, A = OrderStatus, AssignmentStatus
LEAD, ASSIST, CHILD = Part
SIGHT, HOLDER = Relation.SIGHT, Relation.HOLDER
OPEN = (S.TRIAGE, S.DISPATCHED, S.HANDLING, S.VERIFYING, S.CALLBACK)
SERVICE = None  # in the place of a role: a message of another service

Seat = tuple[Role | None, Relation]
OrderCells = dict[tuple[OrderStatus, str, Role | None, Relation], OrderStatus]
AssignmentCells = dict[tuple[AssignmentStatus, str, Part, Role | None, Relation], AssignmentStatus]


def seats(*roles: Role | None, by: Relation = SIGHT) -> tuple[Seat, ...]:
    """These roles, all standing to the work in one way."""
    return tuple((role, Relation.SERVICE if role is SERVICE else by) for role in roles)


def on_order(
    statuses: Iterable[OrderStatus], action: str, who: Iterable[Seat], to: OrderStatus | None = None
) -> OrderCells:
    """Cells that lead to one status, or stay where they are."""
    return {(status, action, *seat): to or status for status, seat in product(statuses, who)}


def on_part(
    statuses: Iterable[AssignmentStatus],
    action: str,
    parts: Iterable[Part],
    who: Iterable[Seat],
    to: AssignmentStatus | None = None,
) -> AssignmentCells:
    """The same for assignments."""
    return {(status, action, part, *seat): to or status for status, part, seat in product(statuses, parts, who)}
