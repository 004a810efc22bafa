"""No fact about an order is forgotten on its way: it is carried, folded where it must be, and has its examples.

Whoever adds a fact is told here what is still missing (examples: test_examples; one fact a change: rules/dispatch).
"""

from collections.abc import Iterator

import msgspec
import pytest

from schemas.codec import decode
from schemas.facts import CaseFact, ClassRef, OrderFact, OrderOpened, SpecialCaseOpened, Tick
from schemas.topics import ORDERS_EVENTS
from schemas.vocabulary import OrderStatus
from services.dispatch.rules import evolve, lifecycle
from services.dispatch.rules.cases import evolve as evolve_cases
from services.router.rules.landing import ENDED, class_key_of, has_ended
from services.supervision.rules import cases, timeline
from tests.contracts.golden import Example, examples


def _kinds(kind: type[OrderFact] = OrderFact) -> Iterator[type[OrderFact]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)


KINDS = sorted(set(_kinds()), key=lambda kind: kind.__name__)
CASES = sorted(CaseFact.__subclasses__(), key=lambda kind: kind.__name__)
each = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def test_orders_events_carries_every_fact_about_orders_and_special_cases_and_ticks_and_nothing_else() -> None:
    assert set(ORDERS_EVENTS.carries) == {*KINDS, *CASES, Tick}


@each
def test_dispatch_folds_it_into_its_order(kind: type[OrderFact]) -> None:
    assert kind is OrderOpened or kind in evolve.FOLDS, "add what it makes of an order to services/dispatch/rules"


@each
def test_supervision_folds_it_or_says_that_it_moves_no_clock(kind: type[OrderFact]) -> None:
    folds, still = kind in timeline.moving(), kind in timeline.STILL
    assert folds or still, "fold it in services/supervision/rules/timeline, or add it to STILL there"
    assert not (folds and still), "it cannot both move clocks and move none"


@pytest.mark.parametrize("kind", CASES, ids=lambda kind: kind.__name__)
def test_both_fold_what_is_said_of_a_special_case(kind: type[CaseFact]) -> None:
    assert kind is SpecialCaseOpened or kind in evolve_cases.FOLDS
    assert (kind in cases.MOVING) != (kind in cases.STILL), "it either moves clocks or moves none"


def test_the_router_knows_when_an_order_has_ended_as_dispatch_does() -> None:
    assert ENDED == lifecycle.ENDED
    assert set(OrderStatus) >= ENDED


@pytest.mark.parametrize("example", [e for e in examples() if e.topic == ORDERS_EVENTS.name], ids=str)
def test_the_router_takes_over_the_status_and_the_class_of_any_fact(example: Example) -> None:
    fact = decode(example.record)
    if not isinstance(fact, OrderFact):
        return
    assert has_ended(fact) == (fact.status in lifecycle.ENDED)
    spoken = [getattr(fact, f.name) for f in msgspec.structs.fields(fact) if f.type is ClassRef]
    assert [class_key_of(fact)] == ([ref.key for ref in spoken] or [None])
