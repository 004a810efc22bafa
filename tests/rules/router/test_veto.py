"""Danger to life or limb: what must fire, what must not, and who is told."""

import pytest

from schemas.facts import Alarm
from schemas.vocabulary import Source
from services.router.rules.atlas import Atlas
from services.router.rules.text import wording
from services.router.rules.veto import Veto, danger
from tests.rules.router.made import report, town


def veto(atlas: Atlas, text: str, **more: object) -> Veto | None:
    told = report(text, **more)
    return danger(wording(told), told, atlas)


FIRES = [
    ("老人独自在家,邻居闻到焦味敲门无应答。", {"119", "110"}),
    ("闻到焦味，敲门无应答", {"119", "110"}),
    ("有人持刀在小区门口", {"110"}),
    ("店主说要跳楼", {"110"}),
    ("家里有很浓的燃气味", {"119"}),
    ("五楼厨房起火了，火很大", {"119"}),
    ("五樓廚房著火了", {"119"}),
    ("電梯困人，裏面有老人", {"119"}),
    ("电梯里有人被困", {"119"}),
    ("电梯里关了人", {"119"}),
    ("电梯里关着人呢", {"119"}),
    ("电梯困了人", {"119"}),
    ("电梯卡了人，物业不来", {"119"}),
    ("有工人触电倒地", {"120"}),
    ("来电人情绪激动,称如今日仍不退款将到店门口'同归于尽'", {"110"}),
    ("不知道有没有着火,但是浓烟滚滚", {"119"}),
    ("没有人管,楼道起火半小时了", {"119"}),
    ("隔壁煤气泄漏，大家都跑出来了", {"119"}),
    ("老人晕倒在路边，没有呼吸", {"120"}),
    ("孩子掉进河里了", {"119"}),
    ("脚手架倒塌，有人被压在下面", {"119"}),
    ("有人在楼顶往下跳", {"110"}),
    ("丈夫家暴，头破血流", {"110"}),
    ("发生车祸，撞伤一人", {"110"}),
    ("Ｋ歌房发生斗殴，有人被捅", {"110"}),
]

SILENT = [
    "小区没有起火，只是有人烧纸",
    "没有人被困",
    "电梯坏了，里面没有关着人",
    "电梯里的灯关了，人走路看不清",
    "现场无人受伤，无械具，双方争吵",
    "报警人称未发生火灾，系误会",
    "经核实并未起火",
    "排除燃气泄漏",
    "建议社区开展起火逃生演练",
    "小区电梯停运三天，老人下楼不便",
    "楼下广场舞音响声太大",
    "垃圾桶满了没人清理",
    "咨询火灾保险怎么办理",
    "路灯不亮，晚上看不清",
    "以防触电，请维修电箱",
    "店铺招牌写着“爆炸头烫发”",
    "火车站附近有人拉客",
    "虹口区火炬路井盖缺失",
    "",
    "🔥🔥🔥",
    "a" * 10_000,
]


@pytest.mark.parametrize(("text", "platforms"), FIRES)
def test_danger_fires(shanghai: Atlas, text: str, platforms: set[str]) -> None:
    found = veto(shanghai, text)
    assert found is not None
    assert platforms <= set(found.platforms)
    assert found.words and all(word in found.because for word in found.words)


@pytest.mark.parametrize("text", SILENT)
def test_what_only_sounds_dangerous_does_not_fire(shanghai: Atlas, text: str) -> None:
    found = veto(shanghai, text)
    assert found is None, found and found.because


@pytest.mark.parametrize("code", ["040000", "010100", "051100", "040199"])
def test_a_110_class_that_stays_with_its_platform_fires_by_itself(shanghai: Atlas, code: str) -> None:
    found = veto(shanghai, "请派人来看看", source=Source.POLICE, police_class=code)
    assert found is not None and found.police_stays and "110" in found.platforms


@pytest.mark.parametrize("code", ["060100", "999999", "", "x"])
def test_other_110_classes_do_not(shanghai: Atlas, code: str) -> None:
    assert veto(shanghai, "楼下太吵", source=Source.POLICE, police_class=code) is None


def test_only_a_call_from_110_stays_there(shanghai: Atlas) -> None:
    assert (found := veto(shanghai, "有人持刀")) and not found.police_stays
    assert (found := veto(shanghai, "有人持刀", source=Source.POLICE)) and found.police_stays


def test_a_critical_alarm_fires_and_a_fault_of_its_device_does_not() -> None:
    atlas = Atlas.of(town())
    alarm = Alarm(rule="level", device_id="WL-1", value=20.0, unit="cm")
    assert (found := veto(atlas, "水位", source=Source.SENSOR, device_id="WL-1", alarm=alarm)) and found.kind == "flood"
    fault = Alarm(rule="level:fault", device_id="WL-1", value=900.0, unit="cm", fault=True)
    assert veto(atlas, "读数异常", source=Source.SENSOR, device_id="WL-1", alarm=fault) is None
    urgent = Alarm(rule="meter", device_id="WM-1", value=0.0, unit="m3")
    assert veto(atlas, "用水", source=Source.SENSOR, device_id="WM-1", alarm=urgent) is None


def test_a_negation_reaches_its_clause_only() -> None:
    atlas = Atlas.of(town())
    assert veto(atlas, "没有起火") is None
    assert veto(atlas, "没有人来,厨房起火")
    assert veto(atlas, "不是没有起火")
    assert veto(atlas, "没有起火。隔壁起火")


def test_words_of_an_alphabet_count_whole_only() -> None:
    from schemas.city import Danger

    atlas = Atlas.of(town(dangers=(Danger("fire", "fire", ("119",)),)))
    assert veto(atlas, "There is a FIRE in the kitchen")
    assert veto(atlas, "two fires")
    assert veto(atlas, "the fireworks and a firefly") is None
