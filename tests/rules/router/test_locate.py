"""Where it is, on Shanghai's own names: what must be found, and what must not be taken for a place."""

from typing import Any

import pytest
from msgspec import structs

from schemas.vocabulary import Crs
from services.router.rules.atlas import Atlas
from services.router.rules.locate import SURE, Located, locate
from services.router.rules.text import wording
from tests.rules.router.made import DIVISIONS, report, square, town

HERE = {"lon": 121.40445, "lat": 31.19909}  # in 虹桥街道, 长宁


def located(atlas: Atlas, text: str, **more: Any) -> Located:
    told = report(text, **more)
    return locate(told, wording(told), atlas)


FOUND = [
    ("虹桥街道古北路小区垃圾成堆", {}, "310105009"),
    ("长宁区虹桥街道有人摆摊", {}, "310105009"),
    ("闵行区虹桥镇虹井路有人占道", {}, "310112107"),
    ("虹桥路街道噪音", {}, "310105009"),
    ("长宁区虹桥有人乱停车", {}, "310105009"),
    ("虹橋街道噪音擾民", {}, "310105009"),
    ("不是虹桥镇,是虹桥街道的事", {}, "310105009"),
    ("宝山路街道路灯不亮", {}, "310106017"),
    ("静安寺街道愚园路", {}, "310106013"),
    ("江湾镇街道奎照路", {}, "310109019"),
    ("新江湾城街道国权北路", {}, "310110020"),
    ("真如镇街道曹杨路", {}, "310107022"),
    ("嘉定区嘉定镇博乐路", {}, "310114004"),
    ("彭浦镇三泉路", {}, "310106101"),
    ("彭浦新村街道", {}, "310106020"),
    ("提篮桥街道的老房子", {}, "310109018"),
    ("南汇新城镇环湖西路", {}, "310115145"),
    ("卢湾区淮海中路", {}, "310101"),
    ("闸北区老小区漏水", {}, "310106"),
    ("北外滩街道明华坊居委楼道堆物", {}, "310109018019"),
    ("明华坊居委会楼道堆物", {}, "310109018019"),
    ("虹桥街道虹桥居委会", {}, "310105009008"),
    ("浦东机场出租车拒载", {}, "310115139"),
    ("虹桥火车站排队", {}, "310112008"),
    ("静安区愚园路", {}, "310106013"),
    ("愚园路1018号", {}, "310105002"),
    ("愚园路一百二十号", {}, "310106013"),
    ("长宁路100号", {}, "310105"),  # through several street-towns, all of that district
    ("市民反映", {"address": "普陀区真如镇街道兰溪路100弄"}, "310107022"),
    ("噪音", {"district": "长宁区"}, "310105"),
    ("噪音", {"district": "310105"}, "310105"),
    ("噪音", {"district": "虹桥街道"}, "310105009"),
    ("噪音", {"grid_code": "310105009001012"}, "310105009001"),
    ("噪音", {"grid_code": "31010500900101"}, "310105009001"),
    ("噪音", {"grid_code": "310108000000000"}, "310106"),  # 闸北, merged into 静安
    ("噪音", HERE, "310105009"),
    ("噪音", {"device_id": "WL-310101-0007"}, "310101022"),
    ("虹桥镇", {"device_id": "WL-310101-0007"}, "310101022"),  # the registry knows better than a text
    ("Ｈｏｎｇ：虹桥街道１００弄", {}, "310105009"),
]


@pytest.mark.parametrize(("text", "more", "code"), FOUND)
def test_a_place_is_found(shanghai: Atlas, text: str, more: dict[str, Any], code: str) -> None:
    found = located(shanghai, text, **more)
    assert found.place is not None
    assert (found.place.division, found.place.name) == (code, shanghai.divisions[code].name)
    assert found.confidence >= SURE, found.because


NOT_THERE = [
    ("虹桥路1000弄噪音", {}, None),  # a road is no street office
    ("长宁区虹桥路1000弄噪音", {}, "310105"),
    ("宝山路500号路灯不亮", {}, "310106"),  # runs through more than one street, and is not in 宝山
    ("静安区南京西路1515号", {}, "310106"),
    ("静安区灵石路", {}, "310106"),
    ("长宁区延安西路", {}, "310105"),
    ("虹桥机场排队太久", {}, None),
    ("杨浦大桥堵车", {}, "310110"),
    ("静安区彭浦有人摆摊", {}, "310106"),  # 彭浦镇 or 彭浦新村街道
    ("虹桥那边有人摆摊", {}, None),  # 虹桥街道 or 虹桥镇
    ("天目西路街道和北站街道都不管", {}, "310106"),
    ("红旗村村委会", {}, None),  # several of that name
    ("噪音", {"grid_code": "999999009001012"}, None),
    ("噪音", {"grid_code": "3101"}, None),
    ("噪音", {"grid_code": "３１０１０５００９００１０１２"}, None),
    ("噪音", {"lon": 31.2, "lat": 89.0}, None),
    ("噪音", {"district": "朝阳区"}, None),
    ("噪音", {"device_id": "WL-000000-0000"}, None),
    ("噪音", {}, None),
    ("", {}, None),
]


@pytest.mark.parametrize(("text", "more", "code"), NOT_THERE)
def test_what_only_sounds_like_a_street_is_not_taken_for_one(
    shanghai: Atlas, text: str, more: dict[str, Any], code: str | None
) -> None:
    found = located(shanghai, text, **more)
    assert (found.place.division if found.place else None) == code, found.because


def test_a_road_alone_is_not_sure_of_its_district(shanghai: Atlas) -> None:
    assert located(shanghai, "四平路100号路灯不亮").confidence < SURE  # 虹口 as well as 杨浦


@pytest.mark.parametrize(
    ("text", "more", "code"),
    [
        ("宝山区宝山路街道路灯", {}, "310106017"),
        ("徐汇区虹桥街道井盖", {}, "310105009"),
        ("虹桥镇噪音", {"district": "长宁区"}, "310112107"),
        ("虹桥镇噪音", HERE, "310105"),
    ],
)
def test_a_clash_is_said_and_lowers_the_confidence(shanghai: Atlas, text: str, more: dict[str, Any], code: str) -> None:
    found = located(shanghai, text, **more)
    assert found.place is not None and found.place.division == code
    assert found.clash and found.clash in found.because
    assert found.confidence < 0.7


def test_coordinates_of_a_chinese_map_are_shifted_back(shanghai: Atlas) -> None:
    plain, shifted = located(shanghai, "噪音", **HERE), located(shanghai, "噪音", **HERE, crs=Crs.GCJ02)
    assert plain.place and plain.place.lon == HERE["lon"]
    assert shifted.place and shifted.place.lon and 0.003 < HERE["lon"] - shifted.place.lon < 0.006


def test_a_street_below_the_polygons_is_said_to_be_inferred(shanghai: Atlas) -> None:
    found = located(shanghai, "噪音", **HERE)
    assert "推断" in found.because and found.confidence <= 0.85
    assert sum(one.score for one in found.candidates) <= 0.86


def test_a_street_named_in_the_text_beats_the_nearest_point(shanghai: Atlas) -> None:
    found = located(shanghai, "程家桥街道噪音", **HERE)
    assert found.place and found.place.division == "310105010"
    assert found.place.lon == HERE["lon"]


def test_near_a_border_all_sides_are_candidates(shanghai: Atlas) -> None:
    bounds = [(121.40 + step * 0.0002, 31.19) for step in range(300)]
    near = [found for lon, lat in bounds if len((found := located(shanghai, "噪音", lon=lon, lat=lat)).candidates) > 1]
    sides = [found for found in near if "距界" in found.because]
    assert sides, "no border on this line"
    for found in sides:
        assert found.confidence < 0.98


def test_a_named_district_is_deeper_than_the_polygon_of_the_whole_city() -> None:
    bare = tuple(structs.replace(one, lon=None, lat=None) for one in DIVISIONS)
    atlas = Atlas.of(town(divisions=bare, polygons=(("1", square(121.0, 31.0, 121.2, 31.1)),)))
    point = {"lon": 121.05, "lat": 31.05}
    assert [
        found.place.division if (found := located(atlas, "井盖", district=name, **point)).place else None
        for name in ("东区", "", "nowhere")
    ] == ["110000", "1", "1"]


@pytest.mark.parametrize("text", [text for text, more, _ in FOUND + NOT_THERE if not more])
def test_full_width_and_blanks_change_nothing(shanghai: Atlas, text: str) -> None:
    wide = "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)
    first, second = located(shanghai, text), located(shanghai, f" {wide} ")
    assert (first.place, first.confidence, first.address_key) == (second.place, second.confidence, second.address_key)


@pytest.mark.parametrize(
    ("address", "more", "sure"),
    [
        ("长宁区伊犁路100弄", {}, 0.9),  # known by its road
        ("长宁区虹桥街道", {}, 0.95),
        ("长宁区伊犁路100弄", {"lon": 121.40445, "lat": 31.19909}, 0.882),
    ],
)
def test_a_stated_district_that_the_place_does_not_lie_in_is_said_and_costs(
    shanghai: Atlas, address: str, more: dict[str, Any], sure: float
) -> None:
    for agrees in ("", "长宁区", "上海市长宁区", "310105", "上海市"):
        found = located(shanghai, "井盖坏了", address=address, district=agrees, **more)
        assert (found.clash, round(found.confidence, 3)) == ("", sure), agrees
        assert "不在册" not in found.because
    other = located(shanghai, "井盖坏了", address=address, district="闵行区", **more)
    assert "闵行区" in other.clash and other.clash in other.because
    assert other.confidence == pytest.approx(0.6 * sure, abs=0.001)
    assert other.place is not None and other.place.division == "310105009"


def test_an_unknown_district_is_said_and_costs_nothing(shanghai: Atlas) -> None:
    found = located(shanghai, "井盖坏了", address="长宁区伊犁路100弄", district="火星区")
    assert "“火星区”不在册，未采用" in found.because and "the stated district is in no register" in found.because
    assert (found.clash, found.confidence) == ("", 0.9)
    assert "“火星区”不在册" in located(shanghai, "井盖坏了", district="火星区").because
