"""Roads, compounds, crossings and names that stand almost right: what they settle, and what they must not."""

import time
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from schemas.city import Landmark
from schemas.script import SIMPLIFIED
from schemas.vocabulary import Crs, Tier
from services.router.rules.atlas import Atlas
from services.router.rules.gazetteer import landmarks_of, spread, together, within
from services.router.rules.locate import SURE, Located, locate
from services.router.rules.text import wording
from tests.rules.router.made import DIVISIONS, report, town


def located(atlas: Atlas, text: str, **more: Any) -> Located:
    told = report(text, **more)
    return locate(told, wording(told), atlas)


SETTLED = [
    ("澳门路100号有人摆摊", "310107015"),  # all of it in one street-town
    ("新华路和番禺路路口积水", "310105004"),  # two roads, each in several: only there do both run
    ("番禺路近新华路", "310105004"),
    ("淮海中路三百八十一号店招破损", "310101022"),  # number words
    ("淮海中路700号", "310101023"),
    ("田子坊门口堆物", "310101021"),
    ("中远两湾城电梯停运", "310107020"),
    ("杨浦区鞍山三村12号楼", "310110009"),  # an estate that a committee is named after, in the district named
    ("临汾路街道阳曲路七六零弄居委会", "310106021013"),
    ("鞍山4村第1居委会垃圾成堆", "310110009"),
    ("大团辖区内河道黑臭", "310115134"),
    ("静安区大宁路街道附近", "310106019"),
    ("我住不是嘉定区马陆镇，是七宝镇", "310112102"),
    ("七宝镇小区停水。另反映嘉定区马陆镇路灯不亮", "310112102"),
]


@pytest.mark.parametrize(("text", "code"), SETTLED)
def test_a_street_is_settled(shanghai: Atlas, text: str, code: str) -> None:
    found = located(shanghai, text)
    assert found.place is not None, found.because
    assert code == found.place.division or code == shanghai.street_of(found.place.division), found.because
    assert found.confidence >= SURE, found.because


ALMOST = [
    ("曹扬新村街道停水", "310107005"),  # heard
    ("被新泾街道停水", "310105011"),  # not 新泾镇
    ("徐汇区康建新村街道停水", "310104013"),
    ("杨浦区控江路街到停水", "310110012"),
    ("半淞圆路道街停水", "310101015"),
    ("南京东路街处停水", "310101002"),
    ("黄浦区外 滩街道停水", "310101013"),
    ("静安寺街、道停水", "310106013"),
    ("大镇场停水，在宝山区", None),  # no district before it: too little
    ("宝山区大镇场停水", "310113102"),
    ("宝山工·业园区停水", "310113501"),
    ("闵行区颛乔地铁站停水", "310112103"),
    ("浦东新区糖镇停水", "310115114"),
]


@pytest.mark.parametrize(("text", "code"), ALMOST)
def test_a_name_that_stands_almost_right_is_found(shanghai: Atlas, text: str, code: str | None) -> None:
    found = located(shanghai, text)
    street = shanghai.street_of(found.place.division) if found.place else ""
    assert (street or None) == code, found.because
    assert code is None or SURE <= found.confidence < 0.95, "found, but less sure than what is written right"


@pytest.mark.parametrize(
    "text",
    [
        "感谢社区民警帮忙",
        "咨询社区食堂补贴",
        "希望街道核查并回电",
        "曾向居委反映无果",
        "楼下路边堆物",
        "小学门口太堵",
        "上述地址停水",
        "在路口等了很久",
        "不是虹桥街道",
        "我家附近停水",
        "乡下亲戚来了",
        "真的很吵",
        "第二居委会不管",
    ],
)
def test_ordinary_words_are_no_places(shanghai: Atlas, text: str) -> None:
    assert located(shanghai, text).confidence < SURE


def test_an_address_that_is_pointed_to_but_not_given_is_said(shanghai: Atlas) -> None:
    assert "没有给出" in located(shanghai, "上述地址停水").because
    assert located(shanghai, "上述地址停水", address="七宝镇新镇路100号").confidence > 0.9


def test_a_road_alone_names_its_district_and_its_streets_as_candidates(shanghai: Atlas) -> None:
    found = located(shanghai, "愚园路停水", district="长宁区")
    assert found.place and found.place.tier is Tier.DISTRICT
    assert {"310105001", "310105002"} <= {one.value for one in found.candidates}


@pytest.mark.parametrize(
    ("text", "lies"), [("黄浦区龙州路100号停水", "龙州路在徐汇区"), ("虹口区鞍山三村停水", "鞍山三村在杨浦区")]
)
def test_a_road_or_estate_elsewhere_contradicts_the_district(shanghai: Atlas, text: str, lies: str) -> None:
    found = located(shanghai, text)
    assert found.clash and found.confidence < SURE and lies in found.because


# --- coordinates, grid codes, devices, the past ----------------------------------------------------------------------

HERE = {"lon": 121.40445, "lat": 31.19909}  # in 虹桥街道, 长宁


def test_cgcs2000_is_taken_as_it_is(shanghai: Atlas) -> None:
    plain, other = located(shanghai, "噪音", **HERE), located(shanghai, "噪音", **HERE, crs=Crs.CGCS2000)
    assert plain == other


def test_a_street_named_for_sure_against_a_point_leaves_it_to_a_person(shanghai: Atlas) -> None:
    found = located(shanghai, "七宝镇新镇路100号", **HERE)
    assert found.clash and found.confidence < SURE


@pytest.mark.parametrize(
    ("code", "text", "place", "least", "most", "said"),
    [
        ("310105009001012", "噪音", "310105009001", 0.95, 1.0, "网格编码"),
        ("310105009888012", "噪音", "310105009", 0.5, 0.7, "第10位起无此登记"),
        ("310105888001012", "噪音", "310105", 0.0, 0.5, "第7位起无此登记"),
        ("310105009001012", "七宝镇停水", "310105009001", 0.0, 0.5, "文中为七宝镇"),
        ("31010500900101X", "噪音", None, 0.0, 0.0, "不是14或15位数字"),
        ("990105009001012", "噪音", None, 0.0, 0.0, "不在册"),
        ("3101050090010", "七宝镇停水", "310112102", 0.9, 1.0, "不是14或15位数字"),
    ],
)
def test_a_grid_code_is_checked(
    shanghai: Atlas, code: str, text: str, place: str | None, least: float, most: float, said: str
) -> None:
    found = located(shanghai, text, grid_code=code)
    assert (found.place.division if found.place else None) == place
    assert least <= found.confidence <= most
    assert said in found.because


def test_a_device_that_was_moved_is_doubted() -> None:
    atlas = Atlas.of(town())
    at_home = located(atlas, "水位", device_id="WL-1", lon=121.031, lat=31.05)
    moved = located(atlas, "水位", device_id="WL-1", lon=121.15, lat=31.05)
    assert at_home.confidence == 1.0 and moved.confidence < SURE
    assert "可能已移位" in moved.because and moved.place and moved.place.division == "110001001"


def test_a_matter_older_than_the_division_is_doubted() -> None:
    young = tuple(
        structs.replace(one, valid_from=date(2026, 7, 1)) if one.code == "110001" else one for one in DIVISIONS
    )
    atlas = Atlas.of(town(divisions=young))
    before = located(atlas, "长桥街道停水", occurred_at=datetime(2026, 6, 30, 15, 59, tzinfo=UTC))
    after = located(atlas, "长桥街道停水", occurred_at=datetime(2026, 6, 30, 16, 0, tzinfo=UTC))  # 1 July there
    assert before.confidence < SURE <= after.confidence
    assert "2026-07-01" in before.because


# --- evidence --------------------------------------------------------------------------------------------------------


def test_the_evidence_says_where_it_stands(shanghai: Atlas) -> None:
    found = located(shanghai, "噪音🙂在七宝镇", title="七宝镇停水", address="闵行区新镇路")
    told = {"text": "噪音🙂在七宝镇", "title": "七宝镇停水"}
    assert {one.part for one in found.evidence} == {"text", "title"}
    for one in found.evidence:
        assert told[one.part][one.start : one.end] == one.words == "七宝镇"


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000,
        "路" * 10_000,
        "弄1" * 5_000,
        "七" * 10_000,
        "街道" * 5_000,
        "居委" * 5_000,
        "\U0001f600" * 5_000,
        "<script>alert('街道')</script>" * 300,
        "no idea where, somewhere near the station",
        "侬好，阿拉屋里厢停水了伐",
        "\x00\n\n\n",
        "长宁路近" * 2_500,
        "不是" * 5_000,
        "，在" * 5_000,
    ],
)
def test_odd_text_is_not_taken_for_a_place_and_takes_no_time(shanghai: Atlas, text: str) -> None:
    began = time.process_time()
    found = located(shanghai, text)
    assert time.process_time() - began < 0.2
    assert found.confidence < SURE or found.place is None or found.place.division.startswith("310105")


# --- laws ------------------------------------------------------------------------------------------------------------

_TRADITIONAL = {simple: other for other, simple in SIMPLIFIED.items()}
_WIDE = {code: chr(code + 0xFEE0) for code in range(0x21, 0x7F)}
_NAMES = st.sampled_from(
    [
        "长宁区虹桥街道",
        "真如镇街道",
        "龙华街道",
        "泖港镇",
        "庄行镇",
        "枫泾镇",
        "闵行区颛桥镇",
        "北外滩街道",
        "岳阳街道",
        "宝山区杨行镇",
    ]
)
_SPOTS = st.sampled_from(["新华路100弄3号", "漕宝路近桂林路", "二号楼", "", "东侧", "12号201室"])


@given(name=_NAMES, spot=_SPOTS, wide=st.booleans(), chosen=st.lists(st.booleans(), min_size=40, max_size=40))
@settings(max_examples=150, deadline=None)
def test_the_place_is_the_same_in_any_width_and_script(
    shanghai: Atlas, name: str, spot: str, wide: bool, chosen: list[bool]
) -> None:
    text = f"{name}{spot}路灯不亮,2天了"
    other = "".join(
        _TRADITIONAL.get(sign, sign) if change else sign for sign, change in zip(text, chosen + chosen, strict=False)
    )
    other = other.translate(_WIDE) if wide else other
    one, two = located(shanghai, text), located(shanghai, other)
    assert (one.place, one.confidence, one.because) == (two.place, two.confidence, two.because)


@pytest.mark.parametrize(
    "written",
    [
        "閔行區顓橋鎮",
        "松江區泖港鎮",
        "楊浦區長白新村街道",
        "奉賢區莊行鎮",
        "青浦區練塘鎮",
        "金山區楓涇鎮",
        "濰坊新村街道",
        "崇明區豎新鎮",
    ],
)
def test_traditional_names_of_divisions_are_read(shanghai: Atlas, written: str) -> None:
    found = located(shanghai, written)
    assert found.place and found.place.tier is Tier.STREET and found.confidence >= 0.95


# --- what roads say together -----------------------------------------------------------------------------------------


def test_shares_numbers_and_crossings() -> None:
    rows = (
        Landmark("长街", "road", "110001", 0.5, "odd 1-99"),
        Landmark("长街", "road", "110002", 0.4),
        Landmark("横街", "road", "110002", 0.6, "", ("老横街",)),
        Landmark("横街", "road", "120001", 0.3),
    )
    known = landmarks_of(town(landmarks=rows))
    assert set(known) == {"长街", "横街", "老横街"}
    long, cross = known["长街"], known["老横街"]
    assert spread(long, 51)[0] == {"110001": pytest.approx(0.92)}
    assert spread(long, 52)[0] == spread(long, None)[0] == {"110001": 0.5, "110002": 0.4}
    scores, rest = together([spread(long, None), spread(cross, None)])
    assert max(scores, key=scores.__getitem__) == "110002" and scores["110002"] > 0.8
    assert sum(scores.values()) + rest == pytest.approx(1.0)
    inside = within(*spread(cross, None), ["110002"])
    assert inside["110002"] > 0.9 and within({}, 0.0, []) == {}


@given(st.lists(st.floats(0.01, 0.5), min_size=1, max_size=4), st.lists(st.floats(0.01, 0.5), min_size=1, max_size=4))
def test_two_roads_say_the_same_in_either_order(first: list[float], second: list[float]) -> None:
    one = {f"a{n}": share / len(first) for n, share in enumerate(first)}
    two = {f"a{n + 1}": share / len(second) for n, share in enumerate(second)}
    forth, rest = together([(one, 0.5), (two, 0.4)])
    back, other = together([(two, 0.4), (one, 0.5)])
    assert forth == pytest.approx(back) and rest == pytest.approx(other)
    assert all(0 <= score <= 1 for score in forth.values())
