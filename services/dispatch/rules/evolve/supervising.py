"""Folds of urges and supervisions: opened, answered, accepted or sent back, cleared."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from schemas import facts
from schemas.facts import OrderFact
from schemas.vocabulary import SupervisionState
from services.dispatch.rules.evolve.moving import noted
from services.dispatch.rules.order import Order
from services.dispatch.rules.supervisions.model import Said, Supervision


def _opened(order: Order, fact: facts.Supervised) -> None:
    """A supervision that somebody has to answer; a word only where nobody was named."""
    if fact.supervision_id is None:
        return
    order.supervisions.append(
        Supervision(
            supervision_id=fact.supervision_id,
            order_id=order.order_id,
            ordinal=len(order.supervisions),
            kind=fact.kind,
            level=fact.level,
            answerer=fact.answerer,
            by=fact.by,
            round=fact.round,
            made_at=fact.occurred_at,
            since=fact.occurred_at,
            note=fact.note,
            rung=fact.rung,
            stage=fact.stage,
            due=fact.due,
            clock_id=fact.clock_id,
            answer_due=fact.answer_due,
            late=fact.late,
            changed=True,
        )
    )


def _answered(order: Order, fact: facts.SupervisionAnswered) -> None:
    one = _moved(order, fact, SupervisionState.ANSWERED)
    one.answered_at = fact.occurred_at


def _accepted(order: Order, fact: facts.SupervisionAccepted) -> None:
    one = _moved(order, fact, SupervisionState.ACCEPTED)
    one.ended_at = fact.occurred_at


def _refused(order: Order, fact: facts.SupervisionRefused) -> None:
    one = _moved(order, fact, SupervisionState.OPEN)
    one.turn, one.since = fact.turn, fact.occurred_at
    one.answered_at = one.answer_due = None


def _cleared(order: Order, fact: facts.SupervisionCleared) -> None:
    _over(_moved(order, fact, SupervisionState.CLEARED), fact.occurred_at, fact.cause, fact.withdrawn)


def lapse(order: Order, fact: OrderFact) -> None:
    """What is supervised ends with its order."""
    for one in order.supervisions:
        if one.live:
            _move(one, SupervisionState.CLEARED)
            _over(one, fact.occurred_at, type(fact).__name__)


def _moved(order: Order, fact: Any, state: SupervisionState) -> Supervision:
    one = order.supervision(fact.supervision_id)
    _move(one, state)
    return one


def _move(one: Supervision, state: SupervisionState) -> None:
    one.state = state
    one.version += 1
    one.changed = True


def _over(one: Supervision, at: datetime, cause: str, withdrawn: bool = False) -> None:
    one.ended_at, one.cause, one.withdrawn = at, cause, withdrawn


def _said(accepted: bool | None) -> Callable[[Order, Any, dict[str, Any]], None]:
    def tell(order: Order, fact: Any, said: dict[str, Any]) -> None:
        one = order.supervision(fact.supervision_id)
        words = Said(at=fact.occurred_at, by=fact.actor, unit=fact.unit, text=said["text"], accepted=accepted)
        one.words = replace(one.words, said=(*one.words.said, words))

    return tell


FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {
    facts.Urged: noted,
    facts.Supervised: _opened,
    facts.SupervisionAnswered: _answered,
    facts.SupervisionAccepted: _accepted,
    facts.SupervisionRefused: _refused,
    facts.SupervisionCleared: _cleared,
}
TELLS: dict[type[OrderFact], Callable[[Order, Any, dict[str, Any]], None]] = {
    facts.SupervisionAnswered: _said(None),
    facts.SupervisionAccepted: _said(True),
    facts.SupervisionRefused: _said(False),
}
