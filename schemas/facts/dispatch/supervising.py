"""What becomes of a supervision 督办 (see `Supervised`): answered, accepted or sent back, cleared.

The words of answers and decisions stay with dispatch: they may name people.
"""

from uuid import UUID

from schemas.facts.dispatch.base import OrderFact


class SupervisionAnswered(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The unit that had to answer did."""

    supervision_id: UUID


class SupervisionAccepted(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The supervising unit is content with the answer."""

    supervision_id: UUID


class SupervisionRefused(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The answer went back: it is due anew, with a limit of its own. `turn` counts how often."""

    supervision_id: UUID
    turn: int


class SupervisionCleared(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """What it was about is over: `cause` is the fact that ended it; `withdrawn` when nothing was late after all."""

    supervision_id: UUID
    cause: str
    withdrawn: bool = False
