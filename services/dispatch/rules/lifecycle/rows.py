"""What a line of the tables is made of: who may, by role and by how he stands to the work, and what else happens."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from schemas.vocabulary import AssignmentRole, AssignmentStatus, OrderStatus, Role

SYSTEM = "system"  # a message of another service, in the place of a role


class Relation(StrEnum):
    """How somebody stands to an order or to one of its assignments; one may stand in several ways at once."""

    SIGHT = "sight"  # it lies in his queue or jurisdiction
    HOLDER = "holder"  # his unit holds the assignment
    PARENT = "parent"  # his unit holds the assignment above it: the one that passed it on
    LEAD = "lead"  # his unit leads the order
    CENTRE = "centre"  # his unit is the centre that dispatched it (the parent's unit, for a part that was passed on)
    ABOVE = "above"  # his unit is the centre above that one
    REPORTER = "reporter"  # he reported it
    SERVICE = "service"  # another service


class Part(StrEnum):
    """What an assignment is in its order. A part that was passed on to another unit is a child of that unit's."""

    LEAD = "lead"  # 主办
    ASSIST = "assist"  # 协办
    CHILD = "child"  # 转派


class Who(NamedTuple):
    """A role together with a relation."""

    role: str
    relation: Relation = Relation.SIGHT


class Caller(NamedTuple):
    """Somebody before the tables: his role, and every relation he has to what he wants to act on."""

    role: str
    relations: frozenset[Relation]

    def is_one_of(self, who: Iterable[Who]) -> bool:
        """Whether he is meant."""
        return any(w.role == self.role and w.relation in self.relations for w in who)


class Effect(StrEnum):
    """What may happen beside the change of status. Tests see to it that none happens where it is not named."""

    OFFERS = "offers"  # units are asked to do a part
    LEAD_SWAPS = "lead_swaps"  # another unit leads from now on
    WITHDRAWS = "withdraws"  # parts that are still open are taken back
    CONFIRMS = "confirms"  # parts that are done are confirmed
    TAKES_UP = "takes_up"  # a part that was done is taken up again
    NEW_ROUND = "new_round"


class AssignmentRow(NamedTuple):
    """One line of the assignments' table; `of` are the parts it holds for, `when` tells apart what an action can mean;
    "" is always."""

    status: AssignmentStatus
    action: str
    of: tuple[Part, ...]
    who: tuple[Who, ...]
    to: AssignmentStatus
    effects: tuple[Effect, ...] = ()
    when: str = ""


class OrderRow(NamedTuple):
    """One line of the orders' table. With `follows` the action is one on an assignment (or a request), and the order
    only follows it."""

    status: OrderStatus
    action: str
    when: str
    who: tuple[Who, ...]
    to: OrderStatus
    effects: tuple[Effect, ...] = ()
    follows: bool = False


LEAD = (Part.LEAD,)
ASSIST = (Part.ASSIST,)
CHILD = (Part.CHILD,)
TOP = (Part.LEAD, Part.ASSIST)
ANY = (Part.LEAD, Part.ASSIST, Part.CHILD)

HANDLER = (Who(Role.RESPONDER, Relation.HOLDER),)
HOLDER = (Who(Role.RESPONDER, Relation.HOLDER), Who(Role.DISPATCHER, Relation.HOLDER))
PARENT = (Who(Role.RESPONDER, Relation.PARENT), Who(Role.DISPATCHER, Relation.PARENT))
CENTRE = (Who(Role.DISPATCHER),)
DECIDERS = (Who(Role.DISPATCHER, Relation.CENTRE), Who(Role.DISPATCHER, Relation.ABOVE))
PHONE = (Who(Role.AGENT), Who(Role.DISPATCHER))
OVERSIGHT = (Who(Role.SUPERVISOR), Who(Role.DISPATCHER))
SERVICE = (Who(SYSTEM, Relation.SERVICE),)
REMIND = (Who(Role.AGENT), Who(Role.DISPATCHER), Who(Role.SUPERVISOR), *SERVICE)
SUPERVISE = (Who(Role.SUPERVISOR), Who(Role.DISPATCHER), *SERVICE)
CHECK = (Who(Role.INSPECTOR), Who(Role.DISPATCHER), *SERVICE)
CITIZEN = (Who(Role.CITIZEN, Relation.REPORTER),)
CALLERS = (Who(Role.RESPONDER), *PHONE)
IMPORT = (Who(Role.IMPORT),)


def part_of(role: AssignmentRole, *, passed_on: bool) -> Part:
    """What an assignment is in its order."""
    return Part.CHILD if passed_on else Part(role.value)
