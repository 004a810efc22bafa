"""How good merging is on pairs that were written without it, and what must hold for any pair."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.router.rules.address import address_key, same_spot, without_place
from services.router.rules.atlas import Atlas
from services.router.rules.keys import lock_keys, lookup_keys, matter_keys
from services.router.rules.merge import CLEARLY, Link, Matter, choose, joined, score, subject_key
from services.router.rules.proposals import swept
from services.router.rules.quiet import ACCUSES, DANGER, SEVERE
from services.router.rules.text import alike, grams, plain
from tests.rules.router.made import NOW
from tests.rules.router.pairing import measure, pairs

CLASSES = (
    "GB/T 30428.2-2013/event/0110",
    "CJ/T 214-2007/part/0103",
    "CJ/T 214-2007/part/0106",
    "paidan/service/unsorted",
)
PLACES = ("", "310106", "310106021", "310106019", "310115008", "nowhere")
ADDRESSES = (
    "",
    "临汾路|338号",
    "临汾路|100弄",
    "临汾路|100弄|3号",
    "临汾路|100弄|3号|302室",
    "临青路×平凉路",
    "@中山公园",
)
TEXTS = ("", "井盖缺失", "井盖没了很危险", "电梯停运老人下不来", "路灯不亮漆黑一片")


def test_on_pairs_written_without_it(shanghai: Atlas) -> None:
    listed = list(pairs())
    assert len(listed) >= 200 and sum(pair.same for pair in listed) >= 90
    found = measure(shanghai)
    assert found.precision >= 0.97, found.faults
    assert found.recall >= 0.75
    assert found.seen >= 0.93, "what is not linked is put before a person"


def test_on_pairs_that_nothing_was_changed_after(shanghai: Atlas) -> None:
    found = measure(shanghai, "fresh_")
    assert found.precision >= 0.9 and found.recall >= 0.6 and found.kept_apart >= 19, found.faults


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("古美路街道平南路888弄电梯关人", "平南路|888弄"),
        ("桥镇八一路218号路面塌陷", "八一路|218号"),
        ("陆家嘴街道源深路和浦东大道交叉口", "浦东大道×源深路"),
        ("国和路嫩江路路口", "国和路×嫩江路"),
        ("长宁路芙蓉江路路口", "蓉江路×长宁路"),
        ("枫林路街道零陵路东安路口", "东安路×零陵路"),
        ("浦北路900弄8号302室漏水", "浦北路|900弄|8号|302室"),
        ("控江路1555弄9号5楼楼道灯不亮", "控江路|1555弄|9号|5层"),
        ("控江路1555弄9号五楼的灯", "控江路|1555弄|9号|5层"),
        ("临汾路街道阳曲小区5号楼水泵房", "阳曲小区|5号"),
        ("徐汇区田林十二村38号", "田林十二村|38号"),
        ("中山公园地铁站3号口", "@中山公园|3口"),
        ("龙华寺门口", "@龙华寺"),
        ("旁边公园有人唱歌", ""),
    ],
)
def test_what_tells_two_spots_apart(text: str, key: str) -> None:
    assert address_key(plain(text)) == key


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        ("悦动体育健身有限公司", "悦动体育健身"),
        ("悦动体育健身", "悦动体育健身"),
        ("天天鲜超市（长寿路店）", "天天鲜超市长寿路店"),
        ("Acme Ltd.", "acme"),
        ("公司", "公司"),
    ],
)
def test_whom_it_is_about(subject: str, key: str) -> None:
    assert subject_key(subject) == key


@settings(deadline=None)
@given(st.text("临汾路弄号楼室3一静安区街道镇井盖缺失 ", max_size=60))
def test_what_is_left_of_a_text_never_grows_and_equal_keys_are_one_spot(text: str) -> None:
    once = plain(text)
    assert len(without_place(once)) <= len(once)
    key = address_key(once)
    assert same_spot(key, key) == (0.0 if not key else 0.7 if key[0] == "@" and "|" not in key else 1.0)


@st.composite
def matters(draw: st.DrawFn) -> Matter:
    """A matter such as any report may tell of."""
    pinned = draw(st.booleans())
    at = NOW + timedelta(minutes=draw(st.integers(0, 3000)))
    return Matter(
        order_id=UUID(int=draw(st.integers(1, 2**64))),
        class_key=draw(st.sampled_from(CLASSES)),
        division=draw(st.sampled_from(PLACES)),
        lon=121.45 + draw(st.integers(0, 800)) * 1e-5 if pinned else None,
        lat=31.30 if pinned else None,
        address_key=draw(st.sampled_from(ADDRESSES)),
        asset=draw(st.sampled_from(("", "", "WL-1", "WL-2"))),
        subject=draw(st.sampled_from(("", "", "甲店", "乙店"))),
        grams=grams(draw(st.sampled_from(TEXTS))),
        opened_at=at,
        last_at=at,
        scene=draw(st.sampled_from(("", "flood"))),
        marks=draw(st.sampled_from((0, SEVERE, DANGER, DANGER | SEVERE, ACCUSES))),
    )


@settings(deadline=None, max_examples=300)
@given(one=matters(), other=matters())
def test_merging_is_symmetric(shanghai: Atlas, one: Matter, other: Matter) -> None:
    first, second = score(one, other, shanghai), score(other, one, shanghai)
    assert first.total == pytest.approx(second.total) and 0.0 <= first.total <= 1.0
    assert dict(first.parts) == pytest.approx(dict(second.parts))
    assert bool(set(matter_keys(one, shanghai)) & set(lookup_keys(other, shanghai))) is bool(
        set(matter_keys(other, shanghai)) & set(lookup_keys(one, shanghai))
    ), "who would find the other is found by it"


@settings(deadline=None, max_examples=200)
@given(one=matters(), other=matters())
def test_what_would_link_is_looked_for(shanghai: Atlas, one: Matter, other: Matter) -> None:
    """Never all pairs: yet nothing that reaches the bar is out of sight of the keys."""
    if score(one, other, shanghai).total >= shanghai.thresholds.merge_score:
        assert set(matter_keys(one, shanghai)) & set(lookup_keys(other, shanghai))
        same_corner = shanghai.street_of(one.division) == shanghai.street_of(other.division)
        if same_corner and one.class_key == other.class_key and one.division == other.division:
            assert set(lock_keys(one, shanghai)) & set(lock_keys(other, shanghai)), "twins share a lock"


@settings(deadline=None, max_examples=100)
@given(st.lists(matters(), min_size=1, max_size=6, unique_by=lambda m: m.order_id), matters(), st.randoms())
def test_candidates_come_in_any_order(shanghai: Atlas, many: list[Matter], this: Matter, random: object) -> None:
    shuffled = list(many)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose(many, this, shanghai) == choose(shuffled, this, shanghai)


@settings(deadline=None, max_examples=300)
@given(one=matters(), this=matters())
def test_neither_a_danger_nor_what_has_no_class_is_joined_lightly(shanghai: Atlas, one: Matter, this: Matter) -> None:
    found, _ = choose([one], this, shanghai)
    if not isinstance(found, Link):
        return
    assert not this.marks & DANGER or one.marks & DANGER, "a danger joins dangers only"
    if (one.marks | this.marks) & ACCUSES:
        assert one.subject and one.subject == this.subject, "both accuse the same"
    named = (this.asset and one.asset == this.asset) or (this.subject and one.subject == this.subject)
    if CLASSES[3] in (one.class_key, this.class_key) or one.marks & DANGER != this.marks & DANGER:
        assert named or alike(one.grams, this.grams) >= CLEARLY


@settings(deadline=None, max_examples=100)
@given(matters(), matters(), matters())
def test_a_matter_is_the_same_whichever_report_joined_first(one: Matter, two: Matter, three: Matter) -> None:
    assert joined(joined(one, two), three) == joined(joined(one, three), two)


@settings(deadline=None, max_examples=100)
@given(matters(), matters())
def test_of_two_that_slipped_through_one_asks(shanghai: Atlas, one: Matter, other: Matter) -> None:
    assume(one.order_id != other.order_id)
    asked = [swept(one, [other], shanghai, NOW), swept(other, [one], shanghai, NOW)]
    found = [each for each in asked if each is not None]
    assert len(found) <= 1
    age = {m.order_id: (m.opened_at, m.order_id) for m in (one, other)}
    for each in found:
        assert age[each.into] < age[each.order_id]


def test_another_class_is_never_linked_however_low_the_bar(shanghai: Atlas) -> None:
    at: datetime = NOW
    lid = Matter(UUID(int=1), CLASSES[1], "310106021", None, None, ADDRESSES[1], "", "", grams("坏了很久"), at, at)
    lamp = Matter(UUID(int=2), CLASSES[2], "310106021", None, None, ADDRESSES[1], "", "", grams("坏了很久"), at, at)
    assert score(lid, lamp, shanghai).total < shanghai.thresholds.merge_score
