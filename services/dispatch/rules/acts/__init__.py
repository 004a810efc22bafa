"""What people do to an order and to its assignments. The lifecycle says whether they may; what an action must say, and
what comes of it, stands in the module of its theme."""

from schemas.vocabulary import Role
from services.dispatch.rules import lifecycle, standing
from services.dispatch.rules.acts import (
    assigning,
    finishing,
    handing,
    merging,
    milestones,
    requests,
    splitting,
    steering,
    supervising,
    tree,
    urgency,
)
from services.dispatch.rules.acts.asked import Act, Body, OnAssignment, OnOrder
from services.dispatch.rules.book import Book
from services.dispatch.rules.moment import check_age
from services.dispatch.rules.order import Assignment, Order

__all__ = ["Act", "Body", "on_assignment", "on_order"]

_THEMES = (
    assigning,
    tree,
    milestones,
    requests,
    finishing,
    steering,
    supervising,
    merging,
    splitting,
    urgency,
    handing,
)
ON_ASSIGNMENT: dict[str, OnAssignment] = {name: one for theme in _THEMES for name, one in theme.ASSIGNMENT.items()}
ON_ORDER: dict[str, OnOrder] = {name: one for theme in _THEMES for name, one in theme.ORDER.items()}


def on_assignment(book: Book, order: Order, assignment: Assignment, asked: Act) -> None:
    """Do it. Raises Refused before anything is changed."""
    if order.status in lifecycle.ENDED:
        raise lifecycle.not_allowed(asked.action, f"{order.status} ({assignment.status})", ())
    caller = standing.caller(book.directory, order, assignment, asked.actor)
    lifecycle.check_assignment(assignment.status, assignment.part, asked.action, caller)
    _check_age(book, asked)
    ON_ASSIGNMENT[asked.action].do(book, order, assignment, asked)


def on_order(book: Book, order: Order, asked: Act) -> None:
    """Do it. Raises Refused before anything is changed."""
    caller = standing.caller(book.directory, order, None, asked.actor)
    lifecycle.check_order(order.status, asked.action, caller)
    _check_age(book, asked)
    ON_ORDER[asked.action].do(book, order, asked)


def _check_age(book: Book, asked: Act) -> None:
    """An import brings in a past; anybody else tells what his phone kept for a while."""
    if asked.actor.role is not Role.IMPORT:
        check_age(asked.body.occurred_at, book.now, book.directory.late)
