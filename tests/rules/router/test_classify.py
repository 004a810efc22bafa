"""What it is: words, exclusion words, negation; and who knows better than words."""

import pytest

from schemas.facts import Alarm
from schemas.vocabulary import Source, TicketType
from services.router.rules.atlas import Atlas
from services.router.rules.classify import UNSORTED, Classified, classify
from services.router.rules.hearing import hear, without_denied
from services.router.rules.text import wording
from tests.rules.router.made import report, town


def classified(atlas: Atlas, text: str, **more: object) -> Classified:
    told = report(text, **more)
    plain = wording(told)
    return classify(told, plain, atlas, next(hear([plain.partition("\n")[2]], atlas.model)))


TOLD = [
    ("塘桥街道浦建路300号门前人行道雨水井盖缺失,已设锥桶", "CJ/T 214-2007/part/0103"),
    ("浦建路300号门口的井盖不见了，很危险", "CJ/T 214-2007/part/0103"),
    ("3号楼电梯今早起停运,物业称等配件", "PD/service/0102"),
    ("工地昨晚23时至今晨5时浇筑作业,噪声扰民,核实夜间施工许可", "CJ/T 214-2007/event/0301"),
    ("楼下广场舞音响声太大,请派人劝一下。", "PD/service/0201"),
    ("小区门口,商户要进小区开店,居民不让进,双方争吵", "PD/service/0802"),
    ("咨询社区食堂老年人就餐补贴办理条件及所需材料。", "PD/service/0501"),
    ("建议在3号口增设非机动车停放点并施划标线。", "PD/service/0702"),
    ("健身房关门跑路,预付卡余额不退", "PD/service/0301"),
    ("小區北門口垃圾成堆,三天無人清理", "GB/T 30428.2-2013/event/0110"),
    ("路燈不亮已經一週", "CJ/T 214-2007/part/0108"),
    ("顶楼住户私自搭建阳光房", "GB/T 30428.2-2013/event/0101"),
    ("人行道上共享单车乱停", "GB/T 30428.2-2013/event/0410"),
    ("不是路灯的问题,是井盖缺失", "CJ/T 214-2007/part/0103"),
    ("路边有一只流浪狗追人。", "PD/service/1201"),
    ("有流浪人员露宿街头", "CJ/T 214-2007/event/0502"),
    ("垃圾桶破损,盖子掉了", "CJ/T 214-2007/part/0305"),
    ("饭店油烟直排到居民窗口", "CJ/T 214-2007/event/0116"),
]


@pytest.mark.parametrize(("text", "key"), TOLD)
def test_a_text_is_told(shanghai: Atlas, text: str, key: str) -> None:
    found = classified(shanghai, text)
    assert found.class_ref.key == key, found.because
    assert found.confidence >= shanghai.thresholds.classify_confidence
    assert found.candidates[0].value == key


UNTOLD = [
    "",
    "你好",
    "请派人来看看",
    "不是噪音问题",
    "并非垃圾",
    "不涉及路灯",
    "噪" * 5_000,
    "大桥街道大桥居委",
    "0.0.0.0",
    "<script>alert(1)</script>",
    "🎉🎉🎉",
    "the streetlights of a nameless town",
]


@pytest.mark.parametrize("text", UNTOLD)
def test_where_no_word_points_nothing_is_claimed(shanghai: Atlas, text: str) -> None:
    found = classified(shanghai, text)
    assert found.class_ref == UNSORTED or found.confidence < shanghai.thresholds.classify_confidence, found.because


TAKEN_BACK = [
    ("垃圾费太高", "T/event/01"),
    ("垃圾桶损坏", "T/event/01"),
    ("路灯广告太亮", "T/part/02"),
    ("不是噪音问题", "T/event/02"),
    ("不是噪音,也并非垃圾", "T/event/01"),
]


@pytest.mark.parametrize(("text", "key"), TAKEN_BACK)
def test_exclusion_words_and_denials_take_a_hit_back(text: str, key: str) -> None:
    found = classified(Atlas.of(town()), text)
    assert found.class_ref.key != key
    assert key not in {one.value for one in found.candidates}


def test_a_longer_word_beats_the_word_inside_it() -> None:
    found = classified(Atlas.of(town()), "施工噪音")
    assert found.class_ref.key == "T/event/03"
    assert found.candidates[1].value == "T/event/02" and found.candidates[1].score < 0.2


def test_two_demands_in_one_ticket_are_less_sure_than_one() -> None:
    atlas = Atlas.of(town())
    one, two = classified(atlas, "路灯不亮"), classified(atlas, "路灯不亮,还有暴露垃圾")
    assert two.confidence < one.confidence
    assert {"T/part/02", "T/event/01"} == {found.value for found in two.candidates}


def test_repeating_a_word_says_nothing_more() -> None:
    atlas = Atlas.of(town())
    assert classified(atlas, "垃圾").confidence == classified(atlas, "垃圾垃圾垃圾").confidence


def test_those_who_know_better_than_words() -> None:
    atlas = Atlas.of(town())
    alarm = Alarm(rule="meter", device_id="WM-1", value=0.0, unit="m3", scene="elder")
    by_device = classified(
        atlas, "路灯不亮", source=Source.SENSOR, device_id="WM-1", alarm=alarm, class_key="T/part/01"
    )
    assert (by_device.class_ref.key, by_device.scene) == ("T/event/02", "elder")
    fault = Alarm(rule="meter:silent", device_id="WM-1", value=1.0, unit="h", fault=True)
    assert classified(atlas, "", source=Source.SENSOR, device_id="WM-1", alarm=fault).class_ref.key == "T/event/09"
    assert classified(atlas, "路灯不亮", class_key="T/part/01").class_ref.key == "T/part/01"
    assert classified(atlas, "路灯不亮", class_key="T/part/99").class_ref.key == "T/part/02"


def test_a_110_class_is_a_prior_that_clear_words_can_overrule(shanghai: Atlas) -> None:
    alone = classified(shanghai, "请来人", source=Source.POLICE, police_class="060101")
    assert alone.class_ref.key == "CJ/T 214-2007/event/0301"
    words = "雨水井盖缺失,井盖不见了,窨井盖丢失"
    assert classified(shanghai, words, source=Source.POLICE, police_class="060101").class_ref.key.endswith("part/0103")
    assert classified(shanghai, "请来人", source=Source.POLICE, police_class="999999").class_ref == UNSORTED


@pytest.mark.parametrize(
    ("text", "source", "ticket"),
    [
        ("咨询办理条件", Source.HOTLINE, TicketType.CONSULTATION),
        ("举报无证经营", Source.HOTLINE, TicketType.INFORMANT),
        ("投诉饭店油烟", Source.HOTLINE, TicketType.COMPLAINT),
        ("建议增设路灯", Source.HOTLINE, TicketType.SUGGESTION),
        ("表扬社区民警", Source.HOTLINE, TicketType.PRAISE),
        ("电梯坏了,请求修复", Source.HOTLINE, TicketType.HELP),
        ("垃圾成堆", Source.HOTLINE, TicketType.COMPLAINT),
        ("举报", Source.PATROL, TicketType.FINDING),
        ("双方争吵", Source.POLICE, TicketType.HELP),
    ],
)
def test_the_ticket_type_is_guessed_only_where_the_sender_is_silent(
    shanghai: Atlas, text: str, source: Source, ticket: TicketType
) -> None:
    assert classified(shanghai, text, source=source).ticket_type is ticket
    assert classified(shanghai, text, source=source, ticket_type=TicketType.PRAISE).ticket_type is TicketType.PRAISE


SEVERAL = [
    ("武定路300弄门口路灯不亮已经一周,没人来修;另外弄口的井盖松动,车一压就响,请一起处理。", ["0108", "0103"]),
    ("楼上天天半夜装修敲墙,要求制止。此外小区电梯停运三天没有人修,老人下不了楼。", ["0202", "0102"]),
]


@pytest.mark.parametrize(("text", "codes"), SEVERAL)
def test_several_demands_are_told_with_their_spans(shanghai: Atlas, text: str, codes: list[str]) -> None:
    found = classified(shanghai, text)
    assert [demand.class_ref.code for demand in found.demands] == codes, found.because
    assert found.class_ref == found.demands[0].class_ref
    first, second = found.demands
    assert 0 == first.start < first.end <= second.start < second.end <= len(text)
    assert "另外" in text[second.start : second.end] or "此外" in text[second.start : second.end]
    titled = classified(shanghai, text, title="两件事", address="武定路300弄")
    assert [(d.start, d.end) for d in titled.demands] == [(d.start, d.end) for d in found.demands]


@pytest.mark.parametrize("text", ["路灯不亮已经一周,另外物业说不归他们管", "路灯不亮,灯杆歪了;另外还有两盏路灯也不亮"])
def test_one_demand_told_twice_is_one(shanghai: Atlas, text: str) -> None:
    assert classified(shanghai, text).demands == ()


def test_what_is_denied_is_not_heard(shanghai: Atlas) -> None:
    assert without_denied("不是噪音问题,是油烟") == ",,,,,,,是油烟".replace(",,,,,,,", "," * 6 + ",")
    assert without_denied("这不是第一次反映") == "这不是第一次反映"
    assert without_denied("是不是噪音超标") == "是不是噪音超标"
    found = classified(shanghai, "不是装修噪音,是楼下饭店的油烟直排到居民窗口")
    assert found.class_ref.code == "0116"
    assert "0202" not in {one.value.rpartition("/")[2] for one in found.candidates[:2]}


@pytest.mark.parametrize("text", ["没有起火", "没有起火。", "并未发生火灾", "没有人被困", "没有噪音", "未闻到异味"])
def test_a_text_that_only_says_what_did_not_happen_is_about_nothing(shanghai: Atlas, text: str) -> None:
    found = classified(shanghai, text)
    assert (found.class_ref, found.confidence) == (UNSORTED, 0.0), found.because


def test_the_rest_of_such_a_text_is_heard_and_words_deny_it_too(shanghai: Atlas) -> None:
    assert classified(shanghai, "没有起火,雨水井盖缺失").class_ref.code == "0103"
    assert classified(Atlas.of(town()), "没有噪音,路灯不亮").class_ref.key == "T/part/02"
    assert classified(Atlas.of(town()), "没有噪音").class_ref == UNSORTED


@pytest.mark.parametrize(
    "text", ["楼道没有火灾报警器", "没有路灯", "有没有起火", "没有油烟净化器", "不是没有起火", "没有人管,楼道冒烟"]
)
def test_what_is_missing_is_not_denied(text: str) -> None:
    assert without_denied(text) == text


DIALECT_AND_ODD = [
    "阿拉屋里厢楼浪相漏水漏得来一塌糊涂,侬帮帮忙呀",
    "咯种额事体哪能弄法",
    "🐱🐱🚗💡💡",
    "<div><p style='color:red'>&nbsp;</p></div>" * 40,
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit " * 20,
    "啊" * 10_000,
    "0" * 10_000,
    "哈哈哈哈哈哈哈哈",
    "asdfghjkl qwertyuiop",
]


@pytest.mark.parametrize("text", DIALECT_AND_ODD)
def test_odd_texts_get_an_answer_and_no_false_sureness(shanghai: Atlas, text: str) -> None:
    found = classified(shanghai, text)
    assert found.class_ref == UNSORTED or found.confidence < shanghai.thresholds.classify_confidence or "漏水" in text
    assert 0.0 <= found.confidence <= 0.99 and len(found.candidates) <= 5


def test_the_model_says_by_which_parts_of_the_text(shanghai: Atlas) -> None:
    text = "路口的窨井盖被偷了,一个黑洞,请赶快补上"
    found = classified(shanghai, text)
    assert found.learned and found.because.startswith("模型 ")
    terms = found.because.removeprefix("模型 ").partition("；")[0].partition(" | ")[0].split("、")
    assert all(term in text for term in terms)
    assert [one.score for one in found.candidates] == sorted((one.score for one in found.candidates), reverse=True)
    assert sum(one.score for one in found.candidates) <= 1.001


def test_without_a_model_words_alone_decide(shanghai: Atlas) -> None:
    told = report("窨井盖被偷了")
    plain = wording(told)
    found = classify(told, plain, shanghai)
    assert not found.learned and found.class_ref.code == "0103"
