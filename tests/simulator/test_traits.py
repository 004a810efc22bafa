"""How tickets are really written: every trait of it occurs, is counted, and hardly two tickets read the same."""

import itertools
from collections import Counter

import pytest

from deploy.simulator import DEFAULT_START, Mix, Sent, stream
from deploy.simulator.stream import HOTLINE, READINGS, Meant
from deploy.simulator.tally import Tally
from deploy.simulator.traits import TRAITS, traits_of
from schemas.city import City

TICKETS = Mix(hotline=1, police=0, patrol=0, sensors=0)


@pytest.fixture(scope="module")
def tickets(shanghai: City) -> list[Sent]:
    return list(itertools.islice(stream(shanghai, 4, mix=TICKETS), 10_000))


def test_of_ten_thousand_tickets_under_one_in_a_hundred_reads_like_another(tickets: list[Sent]) -> None:
    assert len(tickets) - len({item.body["text"] for item in tickets}) < 100


def test_every_trait_occurs_and_the_tally_counts_it(tickets: list[Sent]) -> None:
    tally = Tally()
    for item in tickets:
        tally.sending(item)
    assert set(tally.traits) == set(TRAITS)
    assert min(tally.traits.values()) >= 100, tally.traits
    assert sum(tally.sent.values()) == 10_000
    assert tally.traits["wrong district 错报区"] == sum(item.meant.told == "wrong" for item in tickets if item.meant)


def sent(text: str, told: str = "street", address: str = "") -> Sent:
    meant = Meant(class_key="", division="", told=told, matter=1)
    return Sent(HOTLINE, {"text": text, "address": address}, DEFAULT_START, meant)


@pytest.mark.parametrize(
    ("text", "traits"),
    [
        ("路灯不亮", set()),
        ("今晨１２路停水", {"full-width digits", "time word"}),
        ("市民反映:停水", {"half-width marks"}),
        ("來電人稱沒有水", {"traditional script", "negation"}),
        ("长宁路100弄3号201室", {"lane, house, room"}),
        ("长宁路近江苏路", {"crossing"}),
        ("超市东侧", {"side"}),
        ("停水；另反映路灯不亮", {"several demands"}),
        ("上述地址停水", {"address above"}),
        ("联系人王**", {"masked data"}),
        ("不是噪音问题", {"negation"}),
    ],
)
def test_a_trait_is_told_from_the_words(text: str, traits: set[str]) -> None:
    assert {name.rsplit(" ", 1)[0] for name in traits_of(sent(text))} == traits


def test_the_wrong_district_is_what_was_meant_and_readings_have_no_traits() -> None:
    assert [name.split()[0] for name in traits_of(sent("停水", "wrong"))] == ["wrong"]
    assert traits_of(Sent(READINGS, [], DEFAULT_START)) == []


def test_the_address_counts_too() -> None:
    assert Counter(traits_of(sent("停水", address="长宁路100弄"))) == {"lane, house, room 弄号室": 1}
