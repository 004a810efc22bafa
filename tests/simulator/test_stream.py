"""The city as a stream: the same seed, the same city; believable, varied, and taken by the front door as it is."""

import itertools
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from deploy.simulator import DEFAULT_START, Mix, Sent, stream
from deploy.simulator.grammar import GrammarFault
from deploy.simulator.speech import speech_of
from deploy.simulator.stream import HOTLINE, ONE_STOP, PATROL, POLICE, READINGS
from schemas.city import City
from schemas.ids import report_id_of
from schemas.vocabulary import Source, TicketType
from services.intake.rules.bodies import HotlineTicket, OneStopTicket, PatrolFinding, PoliceCall, Reader, ReadingBody
from services.intake.rules.normalise import normalise
from services.intake.rules.readings import check_reading
from services.intake.rules.register import Register

REPORTS = Mix(sensors=0)
KINDS = {
    HOTLINE: (Source.HOTLINE, Reader(HotlineTicket)),
    ONE_STOP: (Source.ONE_STOP, Reader(OneStopTicket)),
    POLICE: (Source.POLICE, Reader(PoliceCall)),
    PATROL: (Source.PATROL, Reader(PatrolFinding)),
}


@pytest.fixture(scope="module")
def five_thousand(shanghai: City) -> list[Sent]:
    return list(itertools.islice(stream(shanghai, 7, mix=REPORTS), 5000))


def texts(items: list[Sent]) -> list[str]:
    return [item.body["text"] for item in items]


def test_the_same_seed_gives_the_same_stream_and_another_gives_another(shanghai: City) -> None:
    first, again, other = (list(itertools.islice(stream(shanghai, seed), 800)) for seed in (5, 5, 6))
    assert first == again
    assert {item.path for item in first} == {HOTLINE, POLICE, PATROL, ONE_STOP, READINGS}
    ours = {t for t in texts([i for i in first if i.path != READINGS])}
    assert not ours & {t for t in texts([i for i in other if i.path != READINGS])}


def test_a_run_has_its_own_ids_and_nothing_else_of_its_own(shanghai: City) -> None:
    def said(run: str) -> list[tuple[str, str]]:
        items = itertools.islice(stream(shanghai, 5, mix=REPORTS, run=run), 300)
        return [(item.body["source_id"], item.body["text"]) for item in items]

    one, two = said("one"), said("two")
    assert [text for _, text in one] == [text for _, text in two]
    assert not {id_ for id_, _ in one} & {id_ for id_, _ in two}
    assert len({id_ for id_, _ in one}) == 300


def test_five_thousand_reports_come_from_two_hundred_street_towns(five_thousand: list[Sent], shanghai: City) -> None:
    names = {division.name for division in shanghai.divisions if division.tier == "street"}
    named = {name for item in five_thousand for name in names if name in item.body["text"]}
    assert len(named) >= 200
    assert len({item.meant.division for item in five_thousand if item.meant}) >= 220


def test_hardly_two_texts_are_the_same(five_thousand: list[Sent]) -> None:
    said = texts(five_thousand)
    assert 1 - len(set(said)) / len(said) < 0.02
    # and not the same text with other numbers either
    bare = {re.sub(r"[0-9０-９]+", "#", text) for text in said}
    assert 1 - len(bare) / len(said) < 0.02


def test_at_least_sixty_classes_occur_each_with_several_wordings_of_three_slots(
    five_thousand: list[Sent], shanghai: City
) -> None:
    assert len({item.meant.class_key for item in five_thousand if item.meant}) >= 60
    for problem in speech_of(shanghai).problems:
        assert len(problem.wordings) >= 2, problem.class_key
        for wording in problem.wordings:
            assert wording.slots >= 3, wording.source


def test_three_hundred_real_road_names_in_all_sixteen_districts(shanghai: City) -> None:
    roads = speech_of(shanghai).roads
    districts = {division.code for division in shanghai.divisions if division.tier == "district"}
    assert set(roads) == districts
    assert len({road for names in roads.values() for road in names}) >= 300
    assert all(len(names) == len(set(names)) >= 15 for names in roads.values())
    endings = ("路", "大道", "公路", "街", "大街")
    assert all(road.endswith(endings) or "路" in road for names in roads.values() for road in names)


def test_every_way_of_writing_occurs_and_none_too_often(five_thousand: list[Sent]) -> None:
    tickets = [item for item in five_thousand if item.path == HOTLINE]
    told = Counter(item.meant.told for item in tickets if item.meant)
    share = {name: count / len(tickets) for name, count in told.items()}
    assert 0.02 < share["none"] < 0.07
    assert 0.005 < share["wrong"] < 0.05
    assert 0.03 < share["above"] < 0.13
    assert share["street"] > 0.3
    said = texts(tickets)
    full_width = sum(bool(re.search("[０-９]", text)) for text in said) / len(said)
    assert 0.005 < full_width < 0.08
    traditional = sum("來電" in text or "市民來" in text or "處理" in text for text in said) / len(said)
    assert 0.005 < traditional < 0.05
    several = sum("另反映" in t or "此外" in t or "同时反映" in t or "第二个诉求" in t or "另外" in t for t in said)
    assert 0.04 < several / len(said) < 0.15
    assert sum("不是" in text or "没有人员" in text or "未见" in text for text in said) > 20
    assert any(re.search(r"[一-鿿]+路[一-鿿]+路(路口|附近|交叉口|交界处|十字路口)", text) for text in said)
    assert any("上述地址" in text for text in said)
    assert any(re.search(r"\d+弄\d+号\d+室", text) for text in said)
    assert any(word in text for text in said for word in ("昨晚", "今晨"))


def test_informants_are_confidential_and_dangers_rare(five_thousand: list[Sent]) -> None:
    informants = [i for i in five_thousand if i.body.get("ticket_type") == "informant"]
    assert 0.005 < len(informants) / len(five_thousand) < 0.05
    assert all(item.body["reporter"]["confidential"] is True for item in informants)
    others = [i for i in five_thousand if i.body.get("ticket_type") != "informant"]
    assert not any(item.body.get("reporter", {}).get("confidential") for item in others)
    dangers = [item for item in five_thousand if item.meant and item.meant.danger]
    assert 5 < len(dangers) < 0.02 * len(five_thousand)


def test_several_callers_report_one_matter(five_thousand: list[Sent]) -> None:
    repeats = [item for item in five_thousand if item.meant and item.meant.repeat]
    assert 0.07 < len(repeats) / len(five_thousand) < 0.2
    callers = Counter(item.meant.matter for item in five_thousand if item.meant)
    matter, count = callers.most_common(1)[0]
    assert count >= 4
    same = [item for item in five_thousand if item.meant and item.meant.matter == matter]
    assert len({item.body["text"] for item in same}) == count
    assert len({item.meant.division for item in same if item.meant}) == 1


def test_findings_lie_in_the_city_and_calls_carry_known_codes(five_thousand: list[Sent], shanghai: City) -> None:
    west, south, east, north = shanghai.bounds
    findings = [item.body for item in five_thousand if item.path == PATROL]
    located = [body for body in findings if "lon" in body]
    assert len(located) / len(findings) > 0.9
    assert all(west < body["lon"] < east and south < body["lat"] < north for body in located)
    assert 0.1 < sum(body.get("crs") == "gcj02" for body in located) / len(located) < 0.3
    codes = {item.code for item in shanghai.police_classes}
    calls = [item.body for item in five_thousand if item.path == POLICE]
    assert all(body["police_class"] in codes for body in calls)
    assert len({body["police_class"] for body in calls}) >= 20


def test_the_grammar_leaves_nothing_unsaid_in_either_script(five_thousand: list[Sent], shanghai: City) -> None:
    pairs = speech_of(shanghai).pairs
    assert len(pairs) >= 300
    assert len(set(pairs.values())) == len(pairs)
    assert not set(pairs.values()) & {chr(sign) for sign in pairs}
    simplified = re.compile("[" + "".join(chr(sign) for sign in pairs) + "]")
    traditional = re.compile("[" + "".join(pairs.values()) + "]")
    for item in five_thousand:
        written = json.dumps(item.body, ensure_ascii=False)
        text = item.body["text"]
        assert not re.search(r"[{}|@]|None|，，|。。|，。", text), text
        assert 12 <= len(text) <= 400, text
        assert text == text.strip()
        if traditional.search(text):
            assert not simplified.search(text), text
        assert "\\u" not in written


@pytest.mark.parametrize("name", ["shanghai", "boston"])
@pytest.mark.parametrize("storm", [False, True])
def test_the_front_door_takes_everything_but_impossible_readings(
    name: str, storm: bool, request: pytest.FixtureRequest
) -> None:
    city: City = request.getfixturevalue(name)
    register = Register(city)
    length = timedelta(days=1)
    now = DEFAULT_START + length
    ticket_types, reports, readings, refused = set(), 0, 0, 0
    for item in stream(city, 11, start=DEFAULT_START, length=length, rate=0.03, storm=storm):
        raw = msgspec.json.encode(item.body)
        if item.path == READINGS:
            for body in Reader(ReadingBody).many(raw):
                assert isinstance(body, ReadingBody)
                readings += 1
                try:
                    check_reading(body, register, now)
                except Exception as error:
                    assert getattr(error, "code", "") == "value_impossible"
                    refused += 1
            continue
        source, reader = KINDS[item.path]
        id_ = report_id_of(source, item.body["source_id"])
        report = normalise(reader.one(raw), register, source, max(item.at, now), report_id=id_)
        assert report.text and (report.occurred_at is None or report.occurred_at <= item.at.astimezone(UTC))
        ticket_types.add(report.ticket_type)
        reports += 1
    assert 2000 < reports < 3200
    assert refused < 0.01 * max(readings, 1)
    assert {TicketType.COMPLAINT, TicketType.HELP, TicketType.FINDING} <= ticket_types


def test_in_a_storm_many_report_few_sites(shanghai: City) -> None:
    length = timedelta(hours=6)
    calm, storm = (
        list(stream(shanghai, 3, length=length, rate=0.1, storm=storm, mix=REPORTS)) for storm in (False, True)
    )
    assert not any(item.meant and item.meant.storm for item in calm)
    about_it = [item for item in storm if item.meant and item.meant.storm]
    assert len(about_it) > len(storm) / 3
    assert len({item.meant.matter for item in about_it if item.meant}) <= 8
    begin, end = about_it[0].at - DEFAULT_START, about_it[-1].at - DEFAULT_START
    assert timedelta(hours=2) < begin and end < timedelta(hours=4.3)


def test_time_runs_forward_within_the_length(shanghai: City) -> None:
    length = timedelta(hours=2)
    moments = [item.at for item in stream(shanghai, 2, length=length, rate=0.2)]
    assert moments == sorted(moments)
    assert moments[0] >= DEFAULT_START and moments[-1] < DEFAULT_START + length
    assert all(moment.tzinfo is not None for moment in moments)


def test_a_city_without_a_speech_of_its_own_is_spoken_for_in_english(boston: City) -> None:
    items = list(itertools.islice(stream(boston, 1, mix=REPORTS), 2000))
    classes = {item.key for item in boston.classes}
    assert {item.meant.class_key for item in items if item.meant and not item.meant.danger} <= classes
    assert len({item.meant.class_key for item in items if item.meant}) >= 60
    assert not any(re.search(r"[{}|@]|[一-鿿]", item.body["text"]) for item in items)
    assert len(set(texts(items))) / len(items) > 0.98
    assert len({item.meant.division for item in items if item.meant}) >= 15


@pytest.mark.parametrize(
    ("rate", "mix"), [(0, Mix()), (-1, Mix()), (1, Mix(hotline=0, police=0, patrol=0)), (1, Mix(sensors=-1))]
)
def test_a_rate_or_mix_without_anything_in_it_is_refused(shanghai: City, rate: float, mix: Mix) -> None:
    with pytest.raises(GrammarFault):
        next(stream(shanghai, 1, rate=rate, mix=mix))


def test_a_mix_of_one_channel_is_that_channel(shanghai: City) -> None:
    only = Mix(hotline=0, police=0, patrol=1, sensors=0)
    assert {item.path for item in itertools.islice(stream(shanghai, 1, mix=only), 200)} == {PATROL}


def test_the_start_may_stand_in_any_zone(shanghai: City) -> None:
    start = datetime.fromisoformat("2026-10-08T08:00:00+08:00")
    assert start == DEFAULT_START
    one, two = (list(itertools.islice(stream(shanghai, 1, start=at), 50)) for at in (start, DEFAULT_START))
    assert one == two
