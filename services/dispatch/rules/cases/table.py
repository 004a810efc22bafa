"""The life of a special case and of a commitment, one row a line: (state, action, who) → state. What is in neither
table is refused.

Source: domain notes (专项, 会商), §B4 (疑难件/联席会商).
"""

from enum import StrEnum
from typing import NamedTuple

from schemas.refusals import Refused
from schemas.vocabulary import CaseState as C
from schemas.vocabulary import CommitmentState as S
from schemas.vocabulary import Role
from services.dispatch.rules.book import Actor
from services.dispatch.rules.cases.model import Commitment, SpecialCase
from services.dispatch.rules.directory import Directory


class Stands(StrEnum):
    """How somebody stands to a special case or to a commitment of it."""

    CENTRE = "centre"  # a dispatcher of the centre that opened it, or of one above
    UNIT = "unit"  # somebody of the unit that committed


class CaseRow(NamedTuple):
    """One line of the special cases' table."""

    state: C
    action: str
    who: Stands
    to: C


class CommitmentRow(NamedTuple):
    """One line of the commitments' table."""

    state: S
    action: str
    who: Stands
    to: S


CASES = (
    CaseRow(C.OPEN, "link", Stands.CENTRE, C.OPEN),
    CaseRow(C.OPEN, "unlink", Stands.CENTRE, C.OPEN),
    CaseRow(C.OPEN, "meeting", Stands.CENTRE, C.OPEN),
    CaseRow(C.OPEN, "close", Stands.CENTRE, C.CLOSED),
)
COMMITMENTS = (
    CommitmentRow(S.OPEN, "answer", Stands.UNIT, S.ANSWERED),
    CommitmentRow(S.OPEN, "withdraw", Stands.CENTRE, S.WITHDRAWN),
    CommitmentRow(S.ANSWERED, "accept", Stands.CENTRE, S.KEPT),
    CommitmentRow(S.ANSWERED, "send_back", Stands.CENTRE, S.OPEN),
    CommitmentRow(S.ANSWERED, "withdraw", Stands.CENTRE, S.WITHDRAWN),
)
ROLES = {
    Stands.CENTRE: frozenset({Role.DISPATCHER}),
    Stands.UNIT: frozenset({Role.RESPONDER, Role.DISPATCHER}),
}
ON_CASE = tuple(row.action for row in CASES)
ON_COMMITMENT = tuple(dict.fromkeys(row.action for row in COMMITMENTS))
OPENERS = ROLES[Stands.CENTRE]
_WHO = {row.action: row.who for row in (*CASES, *COMMITMENTS)}
_CASES = {(row.state, row.action): row.to for row in CASES}
_COMMITMENTS = {(row.state, row.action): row.to for row in COMMITMENTS}


def check_role(action: str, role: Role, *, on_commitment: bool) -> None:
    """Raises Refused: `action_unknown`, or `forbidden` for a role that may never do it."""
    known = ON_COMMITMENT if on_commitment else ON_CASE
    if action not in known:
        raise Refused("action_unknown", action, allowed=list(known))
    if role not in ROLES[_WHO[action]]:
        raise Refused("forbidden", f"role {role} may never {action}")


def decides(directory: Directory, case: SpecialCase, unit: str) -> bool:
    """Whether a unit is the centre of a special case, or a centre above it."""
    if not unit:
        return False
    return case.centre in directory.acts_for(unit) or directory.is_over(unit, case.centre)


def holds(directory: Directory, commitment: Commitment, unit: str) -> bool:
    """Whether a unit is the one that committed."""
    return bool(unit) and commitment.unit in directory.acts_for(unit)


def stands(directory: Directory, case: SpecialCase, commitment: Commitment | None, actor: Actor) -> frozenset[Stands]:
    """How an actor stands to a special case and, where one is named, to a commitment of it."""
    found = set()
    if actor.role in ROLES[Stands.CENTRE] and decides(directory, case, actor.unit):
        found.add(Stands.CENTRE)
    if commitment is not None and actor.role in ROLES[Stands.UNIT] and holds(directory, commitment, actor.unit):
        found.add(Stands.UNIT)
    return frozenset(found)


def check_stands(
    directory: Directory, case: SpecialCase, commitment: Commitment | None, action: str, actor: Actor
) -> None:
    """Raises Refused: `other_unit` for one who stands to it otherwise than the action asks; `own_commitment` for a
    centre that would decide about what its own unit committed to."""
    found = stands(directory, case, commitment, actor)
    if _WHO[action] not in found:
        raise Refused("other_unit")
    if commitment is not None and _WHO[action] is Stands.CENTRE and holds(directory, commitment, actor.unit):
        raise Refused("own_commitment")


def case_actions(directory: Directory, case: SpecialCase, actor: Actor) -> list[str]:
    """What an actor may do to a special case now."""
    found = stands(directory, case, None, actor)
    return [row.action for row in CASES if row.state is case.state and row.who in found]


def commitment_actions(directory: Directory, case: SpecialCase, commitment: Commitment, actor: Actor) -> list[str]:
    """What an actor may do to a commitment now."""
    found = set(stands(directory, case, commitment, actor))
    if Stands.UNIT in found:
        found.discard(Stands.CENTRE)
    return [row.action for row in COMMITMENTS if row.state is commitment.state and row.who in found]


def case_step(state: C, action: str) -> C:
    """The state that an action leads to. Raises Refused `action_not_allowed`, naming what is allowed."""
    to = _CASES.get((state, action))
    if to is None:
        raise _not_allowed(action, state, [row.action for row in CASES if row.state is state])
    return to


def commitment_step(state: S, action: str) -> S:
    """As `case_step`, of a commitment."""
    to = _COMMITMENTS.get((state, action))
    if to is None:
        raise _not_allowed(action, state, [row.action for row in COMMITMENTS if row.state is state])
    return to


def _not_allowed(action: str, state: str, allowed: list[str]) -> Refused:
    return Refused("action_not_allowed", f"{action} in {state}", allowed=list(dict.fromkeys(allowed)))
