"""One ticket with two demands becomes two orders, and its reporter keeps one promise."""

from typing import Any

import pytest

from schemas.ids import part_id
from schemas.refusals import Refused
from schemas.vocabulary import OrderStatus, Role, Verification
from services.dispatch.rules.book import Actor
from services.dispatch.rules.past import rebuilt
from services.dispatch.rules.voices import voices
from tests.rules.dispatch.acting import act, past_of, seen
from tests.rules.dispatch.test_merging import Pair
from tests.rules.dispatch.town import MANHOLE, RUBBISH, a_plan, a_report, proposed

CENTRE = Actor("dispatcher@s1", Role.DISPATCHER, "s1")
A_PART: dict[str, Any] = {"class_key": RUBBISH.key, "lead": "s1-clean", "assists": ["k1"], "text": "旁边还有垃圾"}


def split(pair: Pair, *parts: dict[str, Any]) -> None:
    act(pair.book, pair.one, "split", CENTRE, parts=list(parts))


def test_the_second_demand_is_an_order_of_its_own_at_the_same_place() -> None:
    pair = Pair()
    pair.later()
    split(pair, A_PART)
    made = pair.book.orders[part_id(pair.one.order_id, 0)]
    assert pair.one.detail.parts == (made.order_id,)
    assert (made.detail.split_from, made.detail.text) == (pair.one.order_id, "旁边还有垃圾")
    assert (made.detail.class_ref, made.detail.place) == (RUBBISH, pair.one.detail.place)
    assert [(a.unit, a.role.value) for a in made.assignments] == [("s1-clean", "lead"), ("k1", "assist")]
    assert (made.status, pair.one.status) == (OrderStatus.DISPATCHED, OrderStatus.DISPATCHED)
    assert pair.one.detail.class_ref == MANHOLE
    for order in (pair.one, made):
        past = rebuilt(past_of(pair.book, order))
        assert past is not None and seen(past) == seen(order)


def test_the_report_stays_and_so_does_the_promise() -> None:
    pair = Pair()
    before = voices(pair.one, pair.book.past(pair.one))
    split(pair, A_PART)
    made = pair.book.orders[part_id(pair.one.order_id, 0)]
    assert voices(pair.one, pair.book.past(pair.one)) == before
    assert pair.reports(made) == set() and not made.citizens
    assert made.verification is Verification.NONE, "nobody is called twice: the first order asks about everything"


def test_a_report_that_is_about_the_part_alone_goes_there() -> None:
    pair = Pair()
    second = pair.join(pair.one)
    split(pair, A_PART | {"report_ids": [str(second)]})
    made = pair.book.orders[part_id(pair.one.order_id, 0)]
    assert pair.reports(made) == {second} and made.citizens
    assert second not in pair.reports(pair.one) and pair.book.moved == {second: made.order_id}
    assert made.verification is Verification.CALL


def test_parts_are_numbered_on() -> None:
    pair = Pair()
    split(pair, A_PART, A_PART | {"lead": "k1", "assists": []})
    split(pair, A_PART)
    assert pair.one.detail.parts == tuple(part_id(pair.one.order_id, n) for n in range(3))


def test_the_lead_is_done_only_when_the_parts_are() -> None:
    pair = Pair()
    split(pair, A_PART)
    made = part_id(pair.one.order_id, 0)
    pair.part(pair.one, "s1-road", "accept")
    pair.book.open_parts[pair.one.order_id] = [made]
    with pytest.raises(Refused) as refused:
        pair.part(pair.one, "s1-road", "finish", result="solved", answer="done")
    assert (refused.value.code, refused.value.extra["parts"]) == ("parts_open", [str(made)])
    with pytest.raises(Refused) as refused:
        pair.merge()
    assert refused.value.code == "parts_open"
    pair.book.open_parts.clear()
    pair.part(pair.one, "s1-road", "finish", result="solved", answer="done")
    assert pair.one.status is OrderStatus.CALLBACK


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([], "split_nothing"),
        ([A_PART | {"report_ids": ["own"]}], "split_nothing"),
        ([A_PART | {"report_ids": ["00000000-0000-0000-0000-000000000001"]}], "invalid"),
        ([A_PART | {"lead": "nobody"}], "unit_unknown"),
        ([A_PART | {"class_key": "no/such/class"}], "class_unknown"),
    ],
)
def test_what_is_no_split_is_refused_and_changes_nothing(parts: list[dict[str, Any]], code: str) -> None:
    pair = Pair(proposed(a_report(), a_plan()))
    own = str(next(iter(pair.reports(pair.one))))
    asked = [p | {"report_ids": [own if r == "own" else r for r in p.get("report_ids", [])]} for p in parts]
    before, made = seen(pair.one), len(pair.book.changes)
    with pytest.raises(Refused) as refused:
        split(pair, *asked)
    assert refused.value.code == code
    assert (seen(pair.one), len(pair.book.changes)) == (before, made)
