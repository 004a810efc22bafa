"""One normal form of a text, its signature, and the key of an address."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.router.rules.address import OTHER_NUMBER, address_key, same_spot
from services.router.rules.text import GRAM_BITS, alike, bytewise, grams, plain, readable

ANY = st.text(max_size=200)
CHINESE = st.text("静安区临汾路弄号楼电梯井盖缺失噪音扰民市民反映请尽快处理0123,。", max_size=120)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Ａ１，（ｂ）", "a1,(b)"),
        ("靜安區臨汾路壹佰弄", "静安区临汾路壹佰弄"),
        ("電梯裡有人被困", "电梯里有人被困"),
        ("ABC Street", "abc street"),
        ("一\u3000二\t三\r", "一 二 三 "),
        ("坏\ud800字", "坏\ufffd字"),
        ("①㎡", "1m2"),
        ("无\x00零", "无 零"),
        ("", ""),
    ],
)
def test_plain(text: str, normal: str) -> None:
    assert plain(text) == normal


@settings(deadline=None)
@given(ANY)
def test_plain_is_idempotent_and_can_be_written(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert readable(bytewise(once)) == once


@settings(deadline=None)
@given(CHINESE, CHINESE)
def test_alike_is_symmetric_and_between_0_and_1(a: str, b: str) -> None:
    first, second = grams(a), grams(b)
    assert len(first) == GRAM_BITS // 8
    assert alike(first, second) == alike(second, first)
    assert 0.0 <= alike(first, second) <= 1.0
    assert alike(first, first) == (1.0 if any(first) else 0.0)


def test_alike_tells_one_thing_in_two_wordings_from_two_things() -> None:
    one = grams("浦建路300号门前人行道雨水井盖缺失,已设锥桶,附照片2张。")
    other = grams("浦建路300号门口的井盖不见了,人行道上很危险,雨水都灌进去了")
    third = grams("静安区临汾路100弄3号楼电梯今早起停运,楼内有行动不便老人")
    assert alike(one, other) > 0.2 > 0.1 > alike(one, third)


def test_boilerplate_does_not_make_texts_alike() -> None:
    phrase = "市民来电反映,希望相关部门核查处理并电话告知处理结果,谢谢"
    assert alike(grams(f"{phrase}电梯停运"), grams(f"{phrase}井盖缺失")) < 0.3


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("静安区临汾路100弄3号楼", "临汾路|100弄|3号"),
        ("我家在临汾路一百弄三号", "临汾路|100弄|3号"),
        ("宝山路四九九弄", "宝山路|499弄"),
        ("南京西路1515号", "南京西路|1515号"),
        ("黄浦区中山东一路12号", "中山东一路|12号"),
        ("东余杭路88号", "余杭路|88号"),
        ("沪青平公路1000号", "青平公路|1000号"),
        ("世纪大道100号", "世纪大道|100号"),
        ("临青路和平凉路附近", "临青路×平凉路"),
        ("平凉路临青路路口", "临青路×平凉路"),
        ("门前道路100号", ""),
        ("马路对面", ""),
        ("宝山路街道路灯不亮", ""),
        ("东余杭路××弄", ""),
        ("100 main st", "main st|100"),
        ("", ""),
    ],
)
def test_address_key(text: str, key: str) -> None:
    assert address_key(plain(text)) == key


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        ("临汾路|100弄|3号", "临汾路|100弄|3号", 1.0),
        ("临汾路|100弄|3号", "临汾路|100弄", 0.9),
        ("临汾路|100弄|3号", "临汾路|100弄|8号", OTHER_NUMBER),
        ("临汾路|100弄", "临汾路|200弄", 0.0),
        ("临汾路|100弄", "岭南路|100弄", 0.0),
        ("临青路×平凉路", "临青路×平凉路", 1.0),
        ("", "", 0.0),
    ],
)
def test_same_spot_is_symmetric(a: str, b: str, share: float) -> None:
    assert same_spot(a, b) == same_spot(b, a) == share
