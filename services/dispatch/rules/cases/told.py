"""The tables of special cases and commitments as people read them, in Chinese and English."""

from collections.abc import Mapping

from schemas.vocabulary import CaseState, CommitmentState
from services.dispatch.rules.cases.table import CASES, COMMITMENTS, Stands
from services.dispatch.rules.lifecycle.told import Told
from services.dispatch.rules.words import CASE_ACTIONS, COMMITMENT_ACTIONS, Words

CASE_STATES: Mapping[str, Words] = {
    CaseState.OPEN: Words("办理中", "open"),
    CaseState.CLOSED: Words("已办结", "closed"),
}
COMMITMENT_STATES: Mapping[str, Words] = {
    CommitmentState.OPEN: Words("待履行", "open"),
    CommitmentState.ANSWERED: Words("待认可", "answered"),
    CommitmentState.KEPT: Words("已履行", "kept"),
    CommitmentState.WITHDRAWN: Words("已撤回", "withdrawn"),
}
STANDS: Mapping[str, tuple[Words, ...]] = {
    Stands.CENTRE: (Words("立项中心或上级中心派单员", "dispatcher of the centre that opened it or one above"),),
    Stands.UNIT: (Words("承诺单位处置人", "the unit's responder"), Words("承诺单位派单员", "the unit's dispatcher")),
}
NOTHING = Words("", "")


def cases() -> tuple[Told, ...]:
    """The special cases' table."""
    return tuple(
        Told(
            CASE_STATES[row.state],
            Words(CASE_ACTIONS[row.action].zh, row.action),
            Words("承诺事项均已了结", "no commitment is open") if row.action == "close" else NOTHING,
            STANDS[row.who],
            CASE_STATES[row.to],
            (),
        )
        for row in CASES
    )


def commitments() -> tuple[Told, ...]:
    """The commitments' table. Nobody decides about what his own unit committed to."""
    return tuple(
        Told(
            COMMITMENT_STATES[row.state],
            Words(COMMITMENT_ACTIONS[row.action].zh, row.action),
            NOTHING if row.who is Stands.UNIT else Words("非本单位的承诺", "not his own unit's"),
            STANDS[row.who],
            COMMITMENT_STATES[row.to],
            (Words("新的期限", "a new due"),) if row.action == "send_back" else (),
        )
        for row in COMMITMENTS
    )
