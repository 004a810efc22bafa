"""Every fault of a report has its code; everything else becomes a fact."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from schemas.city import City
from schemas.codec import decode, encode
from schemas.envelope import Record
from schemas.facts import ReportReceived
from schemas.geo import wgs84_to_gcj02
from schemas.refusals import Refused
from schemas.vocabulary import Crs, Source, TicketType
from services.intake.rules.bodies import HotlineTicket, PatrolFinding, PoliceCall, Reader, ReportBody, digest_text
from services.intake.rules.normalise import normalise
from services.intake.rules.register import Register

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
ID = UUID(int=7)


def taken(
    register: Register, imported: bool = False, kind: type[ReportBody] = HotlineTicket, **said: Any
) -> ReportReceived:
    body = Reader(kind).one(json.dumps({"text": "井盖缺失", **said}).encode())
    digest_text(body)
    return normalise(body, register, Source.HOTLINE, NOW, report_id=ID, imported=imported)


def at(**ago: float) -> str:
    return (NOW - timedelta(**ago)).isoformat()


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("nothing_said", {"text": ""}),
    ("nothing_said", {"text": " \n\t ", "title": " ", "address": "  ", "district": "长宁区"}),
    ("answer_missing", {"answered": {"text": ""}}),
    ("answer_missing", {"answered": {"text": " \u3000\n", "by": "坐席"}}),
    ("text_too_long", {"text": "字" * 10_001}),
    ("text_unreadable", {"text": "a\0b"}),
    ("text_unreadable", {"text": "a\ud800b"}),
    ("text_unreadable", {"reporter": {"name": "王\0"}}),
    ("text_unreadable", {"attachments": [{"url": "https://a/\udfff"}]}),
    ("ticket_type_unknown", {"ticket_type": "wish"}),
    ("ticket_type_unknown", {"ticket_type": "HELP"}),
    ("coordinates_incomplete", {"lon": 121.4}),
    ("coordinates_incomplete", {"lat": 31.2}),
    ("coordinates_outside", {"lon": 116.4, "lat": 39.9}),
    ("coordinates_outside", {"lon": 0, "lat": 0}),
    ("coordinates_outside", {"lon": 1e300, "lat": 31.2}),
    ("coordinates_outside", {"lon": float("nan"), "lat": 31.2}),
    ("coordinates_outside", {"lon": float("inf"), "lat": float("-inf"), "crs": "gcj02"}),
    ("coordinates_outside", {"lon": 116.4, "lat": 39.9, "crs": "gcj02"}),
    ("coordinates_swapped", {"lon": 31.2, "lat": 121.4}),
    ("coordinates_swapped", {"lon": 31.2, "lat": 121.4, "crs": "gcj02"}),
    ("time_in_future", {"occurred_at": at(minutes=-2, seconds=-1)}),
    ("time_in_future", {"occurred_at": "9999-12-31T23:59:59-12:00"}),
    ("time_too_old", {"occurred_at": at(days=30, seconds=1)}),
    ("time_too_old", {"occurred_at": "0001-01-01T00:00:00+23:00"}),
    ("source_due_invalid", {"source_due": at(seconds=1)}),
    ("invalid", {"source_due": "9999-12-31T23:59:59-12:00"}),
    ("invalid", {"occurred_at": "2026-03-02T01:00:00"}),
    ("invalid", {"received_at": at(days=400)}),
    ("phone_invalid", {"reporter": {"phone": "call me"}}),
    ("phone_invalid", {"reporter": {"phone": "138-1234-5678 ext. 9"}}),
    ("phone_invalid", {"reporter": {"phone": "13812345678\n13812345678"}}),
    ("phone_invalid", {"reporter": {"phone": "1" * 30}}),
    ("device_unknown", {"device_id": "W9"}),
    ("class_unknown", {"class_key": "T/part/9999"}),
    ("invalid", {"crs": "bd09"}),
    ("invalid", {"text": 5}),
    ("invalid", {"subject": "字" * 201}),
    ("invalid", {"attachments": [{"url": "javascript:alert(1)"}]}),
    ("invalid", {"attachments": [{"url": "https://a"}] * 21}),
]


@pytest.mark.parametrize(("code", "said"), REFUSED, ids=[f"{n}-{code}" for n, (code, _) in enumerate(REFUSED)])
def test_each_fault_has_its_code(register: Register, code: str, said: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        taken(register, **said)
    assert refused.value.code == code


@pytest.mark.parametrize("field", ["occurred_at", "received_at"])
def test_an_import_may_be_old_but_of_a_time_that_can_be_reckoned_with(register: Register, field: str) -> None:
    with pytest.raises(Refused) as refused:
        taken(register, imported=True, **{field: "1900-12-31T23:59:59+00:00"})
    assert refused.value.code == "time_too_old"
    assert taken(register, imported=True, **{field: "1901-01-01T00:00:00+00:00"})


TAKEN: list[dict[str, Any]] = [
    {"text": "字" * 10_000},
    {"text": "", "address": "虹桥路1号"},
    {"text": "", "device_id": "W1"},
    {"text": "", "lon": 121.4, "lat": 31.2},
    {"text": "a\\u0000b is a backslash, not a NUL"},
    {"occurred_at": at(minutes=-1)},
    {"occurred_at": at(days=29)},
    {"source_due": at(days=-5)},
    {"reporter": {"phone": "+86 138 1234 5678"}},
    {"reporter": {"phone": "１３８１２３４５６７８"}},
    {"reporter": {"phone": ""}},
    {"class_key": "T/part/0101"},
    {"ticket_type": None, "unknown_field": 1},
]


@pytest.mark.parametrize("said", TAKEN)
def test_what_is_in_order_comes_in(register: Register, said: dict[str, Any]) -> None:
    report = taken(register, **said)
    assert report.report_id == ID
    again = decode(Record("reports.normal", 0, 0, None, encode(report)))
    assert again == report


def test_gcj02_becomes_wgs84(register: Register) -> None:
    lon, lat = wgs84_to_gcj02(121.4, 31.2)
    report = taken(register, lon=lon, lat=lat, crs="gcj02")
    assert report.lon == pytest.approx(121.4, abs=1e-7) and report.lat == pytest.approx(31.2, abs=1e-7)
    assert report.crs is Crs.WGS84
    plain = taken(register, lon=lon, lat=lat, crs="cgcs2000")
    assert (plain.lon, plain.lat) == (lon, lat)


def test_an_import_may_lie_years_back_but_not_ahead(register: Register) -> None:
    report = taken(register, imported=True, received_at="2015-07-01T08:00:00-04:00", occurred_at="2014-01-01T00:00:00Z")
    assert report.imported and report.received_at == datetime(2015, 7, 1, 12, tzinfo=UTC)
    assert report.occurred_at == datetime(2014, 1, 1, tzinfo=UTC)
    with pytest.raises(Refused, match="time_in_future"):
        taken(register, imported=True, received_at=at(minutes=-3))
    with pytest.raises(Refused, match="time_in_future"):
        taken(register, imported=True, received_at=at(days=400), occurred_at=at(days=399))


def test_an_informant_is_confidential_unless_he_says_otherwise(register: Register) -> None:
    def confidential(**said: Any) -> bool:
        reporter = taken(register, **said).reporter
        assert reporter is not None
        return reporter.confidential

    assert confidential(ticket_type="informant", reporter={"name": "李"})
    assert not confidential(ticket_type="informant", reporter={"name": "李", "confidential": False})
    assert not confidential(ticket_type="complaint", reporter={"name": "李"})
    assert confidential(ticket_type="complaint", reporter={"name": "李", "confidential": True})


def test_110_classes_are_known(register: Register) -> None:
    assert taken(register, kind=PoliceCall, police_class="P2").police_class == "P2"
    with pytest.raises(Refused, match="police_class_unknown"):
        taken(register, kind=PoliceCall, police_class="P9")


def test_a_finding_is_a_finding(register: Register) -> None:
    assert taken(register, kind=PatrolFinding).ticket_type is TicketType.FINDING


def test_text_and_phone_are_kept_in_one_form(register: Register) -> None:
    report = taken(register, text="  井盖  缺失\n", reporter={"phone": " ０２１－１２３４５６７８ "})
    assert report.text == "井盖  缺失"
    assert report.reporter is not None and report.reporter.phone == "021-12345678"


def test_the_digest_is_of_what_was_said_not_how() -> None:
    read = Reader(HotlineTicket).one
    one = digest_text(read(b'{"text":"a","lon":121.40,"unknown":1}'))
    assert one == digest_text(read(b'{ "lon": 121.4, "text": "\\u0061" , "title": ""}'))
    assert one != digest_text(read(b'{"text":"b","lon":121.4}'))


WORDS = st.text(max_size=30) | st.sampled_from(
    ["", "着火", "T/part/0101", "W1", "informant", "13812345678", "\ud800", "\0"]
)
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | st.sampled_from(
    ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", NOW.isoformat(), "2026-03-02", "now"]
)
NUMBERS = st.floats() | st.integers() | st.sampled_from([121.4, 31.2, None])
REPORTER = st.dictionaries(st.sampled_from(["name", "phone", "confidential", "address"]), WORDS | st.booleans())
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    **{name: WORDS for name in structs.asdict(PoliceCall()) if name not in ("lon", "lat", "attachments", "answered")},
    **{name: MOMENTS for name in ("source_due", "occurred_at", "received_at")},
    "lon": NUMBERS,
    "lat": NUMBERS,
    "crs": st.sampled_from(["wgs84", "gcj02", "cgcs2000", "bd09"]),
    "reporter": REPORTER | st.none(),
    "answered": st.fixed_dictionaries({"text": WORDS}) | st.none(),
    "attachments": st.lists(st.fixed_dictionaries({"url": WORDS}), max_size=3),
}
BODIES = st.fixed_dictionaries({}, optional=FIELDS)
ANY = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(said=BODIES | ANY, kind=st.sampled_from([HotlineTicket, PoliceCall, PatrolFinding]), imported=st.booleans())
def test_nothing_but_a_refusal_is_ever_raised(
    register: Register, said: Any, kind: type[ReportBody], imported: bool
) -> None:
    try:
        body = Reader(kind).one(json.dumps(said).encode())
        digest_text(body)
        report = normalise(body, register, Source.HOTLINE, NOW, report_id=ID, imported=imported)
    except Refused:
        return
    assert decode(Record("reports.normal", 0, 0, None, encode(report))) == report


@settings(max_examples=300, deadline=None)
@given(raw=st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_at_all_raise_anything_else(raw: bytes) -> None:
    for read in (Reader(HotlineTicket).one, Reader(PoliceCall).many):
        try:
            read(raw)
        except Refused as refused:
            assert refused.code in {"malformed", "invalid", "bulk_empty", "text_unreadable"}


def test_deep_nesting_is_malformed_not_a_crash() -> None:
    for raw in (b"[" * 100_000, b'{"a":' * 100_000):
        with pytest.raises(Refused, match="malformed"):
            Reader(HotlineTicket).one(raw)


def test_the_city_is_untouched(city: City, register: Register) -> None:
    assert register.classes == {item.key for item in city.classes}


@pytest.mark.parametrize(("said", "wanted"), [("", None), ("  ", None), ("\u3000", None), ("H 1", "H 1")])
def test_an_id_of_blanks_is_none(register: Register, said: str, wanted: str | None) -> None:
    assert HotlineTicket(source_id=said).own_id == (wanted or "")
    assert taken(register, source_id=said).source_id == wanted


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "1899-12-31T00:00:00Z"])
def test_an_import_of_a_time_that_cannot_be_meant_is_refused(register: Register, when: str) -> None:
    with pytest.raises(Refused) as refused:
        taken(register, imported=True, received_at=when)
    assert refused.value.code == "time_too_old"
