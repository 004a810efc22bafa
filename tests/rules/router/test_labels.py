"""Which facts are judgements of what the router said, and how far a city is from what its model knows."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.facts import (
    AssignmentReturned,
    ClassCorrected,
    ClassRef,
    OrderFact,
    OrderRouted,
    OrderVoided,
    Place,
    Urged,
)
from schemas.vocabulary import ClassKind, OrderStatus, Tier
from services.router.rules.drift import apart
from services.router.rules.labels import label_of

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
ORDER, OTHER = UUID(int=1), UUID(int=2)
REF = ClassRef(standard="T", kind=ClassKind.EVENT, code="01", name="x")
COMMON = {"order_id": ORDER, "seq": 4, "occurred_at": AT, "recorded_at": AT, "status": OrderStatus.HANDLING}
PLACE = Place(division="1", name="x", tier=Tier.STREET)


@pytest.mark.parametrize(
    ("fact", "kind", "class_key", "lead"),
    [
        (ClassCorrected(**COMMON, request_id=OTHER, class_ref=REF, actor="li"), "reclass", "T/event/01", None),
        (
            OrderRouted(**COMMON, class_ref=REF, place=PLACE, lead="u", path=(), assignments=(), actor="li"),
            "routed",
            "T/event/01",
            "u",
        ),
        (
            AssignmentReturned(**COMMON, request_id=OTHER, assignment_id=OTHER, lead="u", path=(), actor="li"),
            "return",
            None,
            "u",
        ),
    ],
)
def test_a_judgement_is_a_label(fact: OrderFact, kind: str, class_key: str | None, lead: str | None) -> None:
    label = label_of(fact)
    assert label is not None
    assert (label.order_id, label.seq, label.actor, label.occurred_at) == (ORDER, 4, "li", AT)
    assert (label.kind, label.class_key, label.lead) == (kind, class_key, lead)


@pytest.mark.parametrize("fact", [Urged(**COMMON), OrderVoided(**COMMON, reason="x")])
def test_other_facts_judge_nothing(fact: OrderFact) -> None:
    assert label_of(fact) is None


MIXES = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.0, 100.0, allow_subnormal=False))


@given(MIXES, MIXES)
def test_how_far_two_mixes_are_apart(one: dict[str, float], other: dict[str, float]) -> None:
    found = apart(one, other)
    assert 0.0 <= found <= 1.0 + 1e-9
    assert abs(found - apart(other, one)) < 1e-9
    assert apart(one, one) < 1e-9


def test_the_share_that_would_have_to_change() -> None:
    assert apart({"a": 1}, {"b": 1}) == 1.0
    assert apart({"a": 3, "b": 1}, {"a": 1, "b": 1}) == 0.25
    assert apart({}, {"a": 1}) == 0.0
