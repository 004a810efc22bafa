"""Who is told of supervisions by mail and webhook, when, and that nobody is named."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.facts import Reporter
from schemas.ladder import Channel
from schemas.vocabulary import RungKind, Urgency
from services.dispatch.rules.channels import TYPE, Word, alike, hears, portions, tell_at, words
from services.dispatch.rules.letters import letter
from tests.rules.dispatch.acting import Table
from tests.rules.dispatch.test_supervisions import CENTRE, OWNER, handled, over, rung, say
from tests.rules.dispatch.town import DIRECTORY, a_plan, a_report, proposed

ZONE = ZoneInfo("Asia/Shanghai")
LINK = "https://paidan.city.example/app/#/order/{number}"
NOON = datetime(2026, 3, 2, 4, 0, 30, tzinfo=UTC)  # 12:00:30 in the city
NIGHT = (time(22), time(7))


def word(**said: Any) -> Word:
    values: dict[str, Any] = {
        "id": uuid4(), "subject": uuid4(), "order_id": UUID(int=1), "event": "supervised", "kind": RungKind.SUPERVISE,
        "level": 1, "urgency": Urgency.NORMAL, "late": False, "units": ("s1-road", "s1"), "at": NOON, "item": {},
    }  # fmt: skip
    return Word(**(values | said))


def told(table: Table) -> list[Word]:
    return words(DIRECTORY, table.book.changes, LINK)


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=ZONE)


MOMENTS = [
    # channel, urgent, late, now → when
    (Channel("c"), False, False, "02T12:00:30", "02T12:00:30"),
    (Channel("c", quiet=NIGHT), False, False, "02T21:59:59", "02T21:59:59"),
    (Channel("c", quiet=NIGHT), False, False, "02T22:00:00", "03T07:00:00"),
    (Channel("c", quiet=NIGHT), False, False, "03T06:59:59", "03T07:00:00"),
    (Channel("c", quiet=NIGHT), False, False, "03T07:00:00", "03T07:00:00"),
    (Channel("c", quiet=NIGHT), True, False, "03T02:00:00", "03T02:00:00"),
    (Channel("c", quiet=(time(12), time(14))), False, False, "02T12:30:00", "02T14:00:00"),
    (Channel("c", digest_minutes=30), False, False, "02T12:00:30", "02T12:30:00"),
    (Channel("c", digest_minutes=30), False, False, "02T12:30:00", "02T12:30:00"),
    (Channel("c", digest_minutes=30), True, False, "02T12:00:30", "02T12:00:30"),
    (Channel("c", digest_minutes=1440), False, False, "02T12:00:30", "03T00:00:00"),
    (Channel("c", digest_minutes=60, quiet=NIGHT), False, False, "02T21:30:00", "03T07:00:00"),
    (Channel("c"), False, True, "02T12:00:30", "02T12:02:00"),
    (Channel("c"), True, True, "02T12:00:30", "02T12:02:00"),
    (Channel("c", quiet=NIGHT), True, True, "03T02:00:30", "03T02:02:00"),
    (Channel("c", quiet=NIGHT), False, True, "03T02:00:30", "03T07:00:00"),
]


@pytest.mark.parametrize(("channel", "urgent", "late", "now", "at"), MOMENTS)
def test_when_a_channel_is_told(channel: Channel, urgent: bool, late: bool, now: str, at: str) -> None:
    said = word(urgency=Urgency.URGENT if urgent else Urgency.NORMAL, late=late)
    assert tell_at(channel, said, local(now).astimezone(UTC), ZONE) == local(at)


TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))
CHANNELS = st.builds(
    Channel,
    name=st.just("c"),
    quiet=st.one_of(st.none(), st.tuples(TIMES, TIMES).filter(lambda pair: pair[0] != pair[1])),
    digest_minutes=st.sampled_from([0, 1, 7, 30, 240, 1440]),
)
NOWS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))
ZONES = st.sampled_from([ZONE, ZoneInfo("America/New_York")])


@given(CHANNELS, st.sampled_from(list(Urgency)), st.booleans(), NOWS, ZONES)
def test_urgent_words_are_never_muted_and_others_never_come_in_quiet_hours(
    channel: Channel, urgency: Urgency, late: bool, now: datetime, zone: ZoneInfo
) -> None:
    at = tell_at(channel, word(urgency=urgency, late=late), now, zone)
    assert now <= at <= now + timedelta(days=2, hours=2)
    if urgency is not Urgency.NORMAL:
        assert at == now or (late and at <= now + timedelta(minutes=2))
    elif channel.quiet is not None:
        starts, ends = channel.quiet
        clock = at.astimezone(zone).time()
        assert not (starts <= clock < ends if starts < ends else clock >= starts or clock < ends)


@given(CHANNELS, NOWS, st.integers(0, 3000))
def test_who_speaks_first_is_told_first(channel: Channel, now: datetime, later: int) -> None:
    then = now + timedelta(seconds=later)
    assert tell_at(channel, word(), now, ZONE) <= max(tell_at(channel, word(), then, ZONE), then)


@pytest.mark.parametrize(
    ("channel", "said", "wants"),
    [
        (Channel("c"), {}, True),
        (Channel("c", units=("s1",)), {}, True),
        (Channel("c", units=("s2",)), {}, False),
        (Channel("c", kinds=(RungKind.URGE,)), {}, False),
        (Channel("c", kinds=(RungKind.URGE,)), {"kind": RungKind.URGE, "level": 0}, True),
        (Channel("c", levels=(2, 3)), {}, False),
        (Channel("c", levels=(2, 3)), {"level": 3}, True),
        (Channel("c", levels=(2, 3)), {"kind": RungKind.URGE, "level": 0}, True),
        (Channel("c", urgencies=(Urgency.CRITICAL,)), {"urgency": Urgency.URGENT}, False),
        (Channel("c", urgencies=(Urgency.CRITICAL,)), {"urgency": Urgency.CRITICAL}, True),
    ],
)
def test_who_wants_what(channel: Channel, said: dict[str, Any], wants: bool) -> None:
    assert hears(DIRECTORY, channel, word(**said)) is wants


def test_each_word_goes_to_those_whose_turn_it_is() -> None:
    table = handled()
    fact = rung(table)
    say(table.later(), table.order.supervisions[0], "answer", OWNER)
    say(table.later(), table.order.supervisions[0], "decision", CENTRE, accepted=False)
    over(table.later(), fact)
    rung(table, kind=RungKind.URGE, level=0, receivers=("owner", "duty_phone"), rung="urge")
    found = told(table)
    assert [(w.event, w.units) for w in found] == [
        ("supervised", ("s1", "s1-road")), ("answered", ("s1",)), ("sent_back", ("s1-road",)),
        ("cleared", ("s1-road", "s1")), ("urged", ("s1-road",)),
    ]  # fmt: skip
    assert len({w.subject for w in found[:4]}) == 1 and found[0].subject == fact.supervision_id
    assert len({w.id for w in found}) == 5


def body_of(*found: Word, digest: bool = False) -> bytes:
    items = [w.item for w in found]
    return msgspec.json.encode({"type": TYPE, "timestamp": NOON, "data": {"digest": digest, "items": items}})


def test_nobody_is_named() -> None:
    """Neither who reported, nor what was said about it, nor who is on duty."""
    reporter = Reporter(name="王某", phone="13912345678")
    report = replace(a_report(reporter=reporter, text="李四家门口井盖缺失"), address="桥头路 7 号")
    table = Table(proposed(report, a_plan("s1-road", urgency=Urgency.URGENT))).later()
    rung(table, receivers=("duty_phone", "dispatching_centre"))
    table.do("supervise", CENTRE, note="请联系王某 13912345678")
    say(table.later(), table.order.supervisions[0], "answer", OWNER, text="已联系王某")
    for found in told(table):
        text = body_of(found).decode() + "".join(letter(body_of(found), ZONE))
        for secret in ("王某", "13912345678", "李四", "桥头路", "周平", "55550101", "person@"):
            assert secret not in text, found.event


def test_a_letter_says_what_to_do_and_where_to_look() -> None:
    table = handled()
    rung(table, level=2, late=True)
    subject, text = letter(body_of(*told(table)), ZONE)
    number = told(table)[0].item["order_number"]
    assert subject == f"[督办 L2] {number} 井盖 桥头街道"
    assert text.splitlines() == [
        "督办 L2 supervised L2 · 迟发 late notice",
        f"工单 order {number} · 井盖 · 桥头街道",
        f"处置 handle 时限 due {table.order.supervisions[0].due.astimezone(ZONE):%Y-%m-%d %H:%M}",  # type: ignore[union-attr]
        "答复单位 answers: 桥头市政",
        f"https://paidan.city.example/app/#/order/{number}",
    ]


def test_a_long_digest_is_cut_and_says_so() -> None:
    table = handled()
    rung(table)
    (one,) = told(table)
    subject, text = letter(body_of(*([one] * 130), digest=True), ZONE)
    assert subject == "[督办汇总 digest] 130 件"
    assert text.count("supervised L1") == 100 and "30 more" in text


def test_one_line_is_enough_for_the_same_deadline_of_many_reporters() -> None:
    table = handled()
    for n in range(3):
        rung(table, clock_id=UUID(int=n + 1))
    rung(table, level=2, rung="supervise-2")
    found = told(table)
    assert len(found) == 4 and len({alike(w.item) for w in found}) == 2


def test_an_imported_past_tells_nothing() -> None:
    table = handled()
    rung(table)
    table.order.imported = True
    assert told(table) == []


def test_portions_lose_nothing() -> None:
    assert [len(part) for part in portions(list(range(1001)), 500)] == [500, 500, 1]


def test_a_channel_without_an_address_is_nobody() -> None:
    from services.dispatch.rules.directory import Directory
    from tests.rules.dispatch.town import CITY

    city = replace(CITY, policy=replace(CITY.policy, channels=(Channel("desk"), Channel("nobody"))))
    directory = Directory(city, frozenset({"city:b", "desk"}), frozenset({"city:b", "desk"}))
    assert [channel.name for channel in directory.channels] == ["desk"]
    assert directory.told == directory.registered == frozenset({"city:b"}), "a channel takes no work over"
