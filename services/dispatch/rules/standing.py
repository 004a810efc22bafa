"""How somebody stands to an order and its assignments, by the directory and the path it came: what the tables ask."""

from uuid import UUID

from schemas.vocabulary import Role
from services.dispatch.rules.book import Actor
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.lifecycle import Caller, Relation
from services.dispatch.rules.order import Assignment, Order
from services.dispatch.rules.visibility import sees, shut_out


def caller(directory: Directory, order: Order, assignment: Assignment | None, actor: Actor) -> Caller:
    """Somebody before the tables. An order as a whole has no holder and no parent."""
    if actor.role is None:
        return Caller(actor.who, frozenset({Relation.SERVICE}))
    found = set()
    if sees(directory, actor.role, actor.unit, order):
        found.add(Relation.SIGHT)
    if actor.role is Role.CITIZEN and any(actor.id == reporter_of(voice.report_id) for voice in order.voices):
        found.add(Relation.REPORTER)
    if actor.unit and not shut_out(directory, actor.unit, order):
        decider = centre_of(directory, order, assignment)
        parent = None if assignment is None else parent_of(order, assignment)
        holders = {
            Relation.LEAD: order.lead,
            Relation.HOLDER: assignment.unit if assignment is not None else None,
            Relation.PARENT: parent.unit if parent is not None else None,
            Relation.CENTRE: decider,
            Relation.ABOVE: directory.centre_above(decider),
        }
        mine = directory.acts_for(actor.unit)
        found |= {relation for relation, unit in holders.items() if unit in mine}
    return Caller(actor.who, frozenset(found))


def reporter_of(report_id: UUID) -> str:
    """The id of whoever sent a report, as an actor: it tells which report, and nothing of who he is."""
    return f"report:{report_id}"


def parent_of(order: Order, assignment: Assignment) -> Assignment | None:
    """The assignment that this one was passed on from."""
    return None if assignment.parent is None else order.assignment(assignment.parent)


def centre_of(directory: Directory, order: Order, assignment: Assignment | None = None) -> str:
    """Who dispatched it and decides about it: the unit of the parent assignment; else the last centre of the path that
    does not hold it itself, or the centre above whoever does, but none complained about; the holder where there is
    none. Of a unit that was merged it is the one that it became part of."""
    parent = None if assignment is None else parent_of(order, assignment)
    if parent is not None:
        return directory.heir(parent.unit)
    holder = directory.heir(order.lead if assignment is None else assignment.unit)
    passed = [heir for hop in order.detail.path if directory.is_centre(heir := directory.heir(hop.unit))]
    passed = [unit for unit in passed if unit != holder]
    decider = passed[-1] if passed else directory.centre_above(holder)
    complained_about = {directory.heir(subject) for subject in order.subjects}
    while decider in complained_about:
        decider = directory.centre_above(decider)
    return decider or holder
