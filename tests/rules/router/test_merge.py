"""One matter or two: pairs of reports that must, may and must not become one order."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from schemas.facts import ReportReceived
from schemas.vocabulary import Source
from services.router.rules.atlas import Atlas
from services.router.rules.merge import Matter, score
from services.router.rules.plan import Decision, Kind, Prepared, conclude, prepare
from tests.rules.router.made import INFORMANT, NOW, report

SPOT = {"lon": 121.5163, "lat": 31.2124}
COVER = "塘桥街道浦建路300号门前雨水井盖缺失"
LIFT = "静安区临汾路街道临汾路100弄3号楼电梯停运"


def east(metres: float) -> dict[str, float]:
    """A point so many metres east of SPOT."""
    return {"lon": SPOT["lon"] + metres / (111_320 * 0.8553), "lat": SPOT["lat"]}


def found(first: Prepared, second: Prepared) -> list[Matter]:
    """What the second would find in a table that holds the first."""
    return [first.this] if set(first.matter_keys) & set(second.lookup_keys) else []


def after(atlas: Atlas, first: ReportReceived, second: ReportReceived) -> Decision:
    one, two = prepare(first, atlas), prepare(second, atlas)
    return conclude(two, found(one, two), NOW, atlas)


def told(text: str, number: int, **more: Any) -> ReportReceived:
    return report(text, number=number, **more)


def later(**by: float) -> dict[str, Any]:
    return {"received_at": NOW + timedelta(**by)}


ONE = [
    (told(COVER, 1), told("浦建路300号门口的井盖不见了,塘桥街道这边", 2)),
    (told(COVER, 1), told(COVER, 2)),
    (told(COVER, 1, **SPOT), told("井盖没有了,很危险,雨水井盖缺失", 2, **east(10))),
    (told(COVER, 1, **SPOT), told("雨水井盖缺失,车子差点掉进去", 2, **east(40))),
    (told(COVER, 1, **SPOT), told(COVER, 2, **SPOT, **later(hours=20))),
    (told(COVER, 1, source=Source.PATROL, **SPOT), told("井盖缺失,雨水井盖没了", 2, **east(5), **later(hours=3))),
    (told(LIFT, 1), told("临汾路街道临汾路100弄3号电梯坏了,电梯停运两天了", 2)),
    (told(LIFT, 1), told("静安区臨汾路街道臨汾路一百弄三號樓電梯停運", 2)),
    (
        told("健身房关门跑路,预付卡余额不退", 1, subject="壮壮健身房"),
        told("预付卡余额不退,健身房关门,要求退款", 2, subject="壮壮健身房"),
    ),
    (
        told("普陀区真如镇街道,举报饭店油烟直排", 1, subject="老王饭店", ticket_type=INFORMANT),
        told("举报饭店油烟直排到居民窗口", 2, subject="老王饭店", ticket_type=INFORMANT),
    ),
    (told("下立交积水", 1, device_id="WL-310101-0007"), told("下立交积水", 2, device_id="WL-310101-0007")),
    (
        told("北外滩街道临青路和平凉路路口路灯不亮", 1),
        told("路灯不亮,北外滩街道平凉路临青路附近,路灯不亮好几天", 2),
    ),
]

TWO = [
    (told("雨水井盖缺失", 1, **SPOT), told("雨水井盖缺失", 2, **east(60))),  # too far
    (told(COVER, 1, **SPOT), told(COVER, 2, **SPOT, **later(hours=25))),  # too late
    (told(COVER, 1, **SPOT), told("路灯不亮", 2, **SPOT)),  # another matter in the same spot
    (told(COVER, 1, **SPOT), told("饭店油烟直排", 2, **SPOT)),
    (told("雨水井盖缺失", 1), told("雨水井盖缺失", 2)),  # neither says where
    (told("塘桥街道雨水井盖缺失", 1), told("塘桥街道雨水井盖缺失", 2)),  # a street-town is no place
    (told(COVER, 1), told("塘桥街道浦建路500号门前雨水井盖缺失", 2)),
    (told(COVER, 1), told("花木街道浦建路300号门前雨水井盖缺失", 2)),  # another street-town
    (told("路灯不亮", 1, **SPOT), told("流浪狗追人", 2, **SPOT)),
    (
        told("健身房关门,预付卡余额不退", 1, subject="壮壮健身房"),
        told("健身房关门,预付卡余额不退", 2, subject="美美健身房"),
    ),
    (
        told("举报饭店油烟", 1, subject="老王饭店", ticket_type=INFORMANT, **SPOT),
        told("举报饭店油烟", 2, subject="老李饭店", ticket_type=INFORMANT, **SPOT),
    ),
    (told(LIFT, 1, **SPOT), told("静安区临汾路街道临汾路100弄8号楼电梯停运", 2, **SPOT)),  # the next building
    (
        told("下立交积水", 1, device_id="WL-310101-0007"),
        told("下立交积水", 2, device_id="WL-310101-0018"),
    ),
    (told(COVER, 1, imported=True), told(COVER, 2, imported=True)),
    (told("请来看看", 1, **SPOT), told("请来看看", 2, **SPOT)),  # nobody knows what it is
    (told("你好", 1, **SPOT), told("吃饭了吗", 2, **SPOT)),
    (told("垃圾成堆", 1, **SPOT), told("垃圾成堆", 2, **east(80), **later(hours=23))),
    (told(LIFT, 1), told("静安区临汾路街道临汾路100弄8号楼漏水,墙面渗水,天花板发霉", 2)),
    (told("举报群租", 1, subject="张三", ticket_type=INFORMANT), told("举报群租", 2, ticket_type=INFORMANT)),
]


@pytest.mark.parametrize(("first", "second"), ONE)
def test_one_matter(shanghai: Atlas, first: ReportReceived, second: ReportReceived) -> None:
    decision = after(shanghai, first, second)
    assert decision.kind is Kind.LINK, decision.why
    assert decision.order_id == prepare(first, shanghai).order_id
    assert decision.matter and decision.matter.reports == 2
    assert after(shanghai, second, first).kind is Kind.LINK


@pytest.mark.parametrize(("first", "second"), TWO)
def test_two_matters(shanghai: Atlas, first: ReportReceived, second: ReportReceived) -> None:
    decision = after(shanghai, first, second)
    assert decision.kind is not Kind.LINK, decision.why
    assert after(shanghai, second, first).kind is not Kind.LINK


def test_five_callers_about_one_manhole_are_one_order_with_five_reports(shanghai: Atlas) -> None:
    texts = [
        "浦东新区塘桥街道浦建路300号门前雨水井盖缺失,很危险",
        "浦建路300号门口的井盖不见了,塘桥街道,请尽快补上",
        "塘桥街道浦建路300号人行道上窨井盖没了,差点摔倒",
        "市民反映,塘桥街道浦建路三百号井盖丢失,晚上看不见",
        "塘橋街道浦建路３００號井蓋缺失",
    ]
    matters: dict[Any, Matter] = {}
    kinds = []
    for number, text in enumerate(texts):
        prepared = prepare(told(text, number, **later(minutes=number * 9)), shanghai)
        decision = conclude(prepared, list(matters.values()), NOW, shanghai)
        kinds.append(decision.kind)
        assert decision.matter
        matters[decision.order_id] = decision.matter
    assert kinds == [Kind.PROPOSE, Kind.LINK, Kind.LINK, Kind.LINK, Kind.LINK]
    assert [matter.reports for matter in matters.values()] == [5]


def test_in_between_a_person_is_shown_the_other(shanghai: Atlas) -> None:
    first = told("塘桥街道浦建路300弄3号电梯停运", 1)
    second = told("塘桥街道浦建路300弄8号电梯也停运,老人下不来", 2)
    decision = after(shanghai, first, second)
    assert decision.kind is not Kind.LINK
    assert decision.suggested and decision.suggested.matter.order_id == prepare(first, shanghai).order_id
    merge = next(step for step in decision.why if step.step == "merge")
    assert merge.answer.startswith("suggest") and merge.candidates


HOUSE, FLAT = "虹口区四川北路950号，", "徐汇区漕溪北路88号，"
CRY, KNIFE = HOUSE + "这里有人一直在喊", HOUSE + "有人一直在喊救命，拿刀"
BREATH, WATER = FLAT + "老人没有呼吸了", FLAT + "小区老人活动室没有热水了"
LIFT_WORD = FLAT + "电梯里关了人，不是被困，就是维修"


def test_a_danger_opens_its_own_order_at_the_desk_and_asks_about_the_calm_one(shanghai: Atlas) -> None:
    first = prepare(told(CRY, 1), shanghai)
    decision = after(shanghai, told(CRY, 1), told(KNIFE, 2))
    assert decision.kind is Kind.PROPOSE and decision.fact.plan.lead == shanghai.desk().unit_id
    assert decision.suggested and decision.suggested.matter.order_id == first.order_id
    assert "险情不并入普通工单" in decision.suggested.score.because


def test_a_danger_joins_the_danger_beside_a_calm_order_that_is_nearer(shanghai: Atlas) -> None:
    calm, danger, again = (prepare(told(text, n), shanghai) for n, text in enumerate((CRY, KNIFE, KNIFE + "快来")))
    calm_too = structs.replace(calm.this, grams=again.this.grams)  # told in the very words: still no danger
    for candidates in ([calm_too, danger.this], [danger.this, calm_too]):
        decision = conclude(again, candidates, NOW, shanghai)
        assert decision.kind is Kind.LINK and decision.order_id == danger.order_id


@pytest.mark.parametrize("second", [WATER, LIFT_WORD])
def test_another_matter_does_not_vanish_into_an_emergency_at_the_same_number(shanghai: Atlas, second: str) -> None:
    decision = after(shanghai, told(BREATH, 1), told(second, 2))
    assert decision.kind is not Kind.LINK, decision.why
    assert decision.suggested, "a person is asked"
    assert after(shanghai, told(second, 1), told(BREATH, 2)).kind is not Kind.LINK


def test_the_same_emergency_told_alike_is_one(shanghai: Atlas) -> None:
    assert after(shanghai, told(BREATH, 1), told(FLAT + "有个老人没有呼吸了快来", 2)).kind is Kind.LINK


def test_one_fire_told_in_different_words_is_one(shanghai: Atlas) -> None:
    fire, again = FLAT + "着火了，三楼冒烟", FLAT + "三楼起火了有人困在里面"
    assert after(shanghai, told(fire, 1), told(again, 2)).kind is Kind.LINK
    assert after(shanghai, told(fire, 1), told(BREATH, 2)).kind is not Kind.LINK, "another danger is a question"


def test_a_calm_report_in_the_words_of_a_danger_joins_it(shanghai: Atlas) -> None:
    assert after(shanghai, told(KNIFE, 1), told(CRY, 2)).kind is Kind.LINK


CITY_CENTRE = "上海市城市运行管理中心"
LATE = "静安区临汾路街道临汾路338号垃圾堆了三天没人管"


@pytest.mark.parametrize(
    ("one", "other", "linked"),
    [
        ({"subject": CITY_CENTRE}, {"ticket_type": INFORMANT, "more": "，举报城管队员收钱"}, False),
        ({"subject": CITY_CENTRE}, {"subject": CITY_CENTRE, "ticket_type": INFORMANT}, True),
        ({"subject": CITY_CENTRE}, {"subject": "310000-centre"}, True),  # a unit by its id
        ({"subject": CITY_CENTRE}, {"subject": "静安区城市运行管理中心"}, False),
        ({"subject": CITY_CENTRE}, {}, False),  # about a unit, and about nobody
        ({"ticket_type": INFORMANT}, {"ticket_type": INFORMANT}, False),  # nobody knows whom either means
        ({"ticket_type": INFORMANT}, {}, False),
    ],
)
def test_two_accusations_are_one_only_where_both_name_the_same(
    shanghai: Atlas, one: dict[str, Any], other: dict[str, Any], linked: bool
) -> None:
    first, second = (told(LATE + more.pop("more", ""), n, **more) for n, more in enumerate((dict(one), dict(other))))
    assert (after(shanghai, first, second).kind is Kind.LINK) is linked
    assert (after(shanghai, second, first).kind is Kind.LINK) is linked


def test_an_informant_who_names_the_unit_in_his_words_joins_who_names_it_as_subject(shanghai: Atlas) -> None:
    lead = prepare(told(LATE, 1), shanghai).matched.lead
    words = told(f"{LATE}，举报{lead.name}", 1, ticket_type=INFORMANT)
    assert after(shanghai, words, told(LATE, 2, subject=lead.name)).kind is Kind.LINK
    assert after(shanghai, words, told(LATE, 2, subject=CITY_CENTRE)).kind is not Kind.LINK


def test_of_several_the_best_is_taken(shanghai: Atlas) -> None:
    near, far = prepare(told(COVER, 1, **east(3)), shanghai), prepare(told(COVER, 2, **east(45)), shanghai)
    third = prepare(told(COVER, 3, **SPOT), shanghai)
    for candidates in ([near.this, far.this], [far.this, near.this]):
        assert conclude(third, candidates, NOW, shanghai).order_id == near.order_id


def test_a_closed_matter_still_takes_the_link_and_carries_a_plan_for_its_successor(shanghai: Atlas) -> None:
    first, second = prepare(told(COVER, 1), shanghai), prepare(told(COVER, 2), shanghai)
    decision = conclude(second, [structs.replace(first.this, closed=True)], NOW, shanghai)
    assert decision.kind is Kind.LINK and decision.fact.plan.lead


def test_a_neighbour_cell_is_looked_into_from_all_sides(shanghai: Atlas) -> None:
    middle = prepare(told("雨水井盖缺失", 1, **SPOT), shanghai)
    for step in range(-49, 50, 7):
        for other in (east(step), {"lon": SPOT["lon"], "lat": SPOT["lat"] + step / 111_320}):
            near = prepare(told("雨水井盖缺失", 2, **other), shanghai)
            assert set(middle.matter_keys) & set(near.lookup_keys), other
            assert set(near.matter_keys) & set(middle.lookup_keys), other


def test_keys_fit_a_signed_64_bit_column_and_are_the_same_everywhere(shanghai: Atlas) -> None:
    prepared = prepare(told(COVER, 1, **SPOT, subject="某公司", device_id="WL-310101-0007"), shanghai)
    for keys in (prepared.lock_keys, prepared.matter_keys, prepared.lookup_keys):
        assert list(keys) == sorted(set(keys))
        assert all(-(2**63) <= key < 2**63 for key in keys)
    assert set(prepared.matter_keys) <= set(prepared.lookup_keys)


def test_twins_share_a_lock(shanghai: Atlas) -> None:
    one, two = prepare(told(COVER, 1), shanghai), prepare(told("塘桥街道浦建路300号井盖没了", 2), shanghai)
    assert set(one.lock_keys) & set(two.lock_keys)


@settings(deadline=None)
@given(
    metres=st.floats(0, 200),
    hours=st.floats(0, 48),
    texts=st.tuples(st.text("井盖缺失路灯不亮电梯", max_size=20), st.text("井盖缺失路灯不亮电梯", max_size=20)),
    subjects=st.tuples(st.sampled_from(["", "甲", "乙"]), st.sampled_from(["", "甲", "乙"])),
)
def test_the_score_is_symmetric_and_between_0_and_1(
    shanghai: Atlas, metres: float, hours: float, texts: tuple[str, str], subjects: tuple[str, str]
) -> None:
    one = prepare(told(texts[0], 1, subject=subjects[0], class_key="CJ/T 214-2007/part/0103", **SPOT), shanghai).this
    two = prepare(
        told(
            texts[1],
            2,
            subject=subjects[1],
            class_key="CJ/T 214-2007/part/0103",
            **east(metres),
            **later(hours=hours),
        ),
        shanghai,
    ).this
    first, second = score(one, two, shanghai), score(two, one, shanghai)
    assert first.total == pytest.approx(second.total)
    assert 0.0 <= first.total <= 1.0
    if subjects[0] and subjects[1] and subjects[0] != subjects[1]:
        assert first.total == 0.0
    if hours > 24:
        assert first.total == 0.0
