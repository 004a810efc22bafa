"""Every golden example decodes for ever and says the same when written again; every fact and field has one."""

import enum
import json
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from schemas import vocabulary
from schemas.codec import FACTS, Unreadable, decode, encode, id_of
from schemas.envelope import TYPE_PREFIX, Record
from schemas.generate import fact_schema
from schemas.topics import BY_NAME, MAIN
from tests.contracts.golden import FOLDER, Example, examples

ALL = examples()
SCHEMAS = {name: fact_schema(name) for name in FACTS}
FORMATS = FormatChecker(["uuid"])


@FORMATS.checks("date-time", raises=ValueError)
def is_moment(value: object) -> bool:
    """RFC 3339: a time without an offset is none."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


VALIDATORS = {name: Draft202012Validator(schema, format_checker=FORMATS) for name, schema in SCHEMAS.items()}
each = pytest.mark.parametrize("example", ALL, ids=str)


@each
def test_decodes_and_says_the_same_when_written_again(example: Example) -> None:
    fact = decode(example.record)
    assert type(fact).__name__ == example.fact
    assert json.loads(encode(fact)) == example.reads_as
    assert decode(msgspec.structs.replace(example.record, value=encode(fact))) == fact


@each
def test_fits_its_json_schema(example: Example) -> None:
    VALIDATORS[example.fact].validate(example.value)


@each
def test_lies_on_a_topic_that_carries_it_under_the_key_of_that_topic(example: Example) -> None:
    topic = BY_NAME[example.topic]
    assert FACTS[example.fact] in topic.carries
    named = example.value.get(topic.key) or example.value.get("case_id")
    if named is not None:
        assert example.key == named
    if topic.key == "bucket":
        for reading in example.value["readings"]:
            assert example.key == str(zlib.crc32(reading["device_id"].encode()) % 64)


@each
def test_headers_are_those_of_a_cloud_event_or_absent_where_others_may_write(example: Example) -> None:
    if not example.headers:
        assert BY_NAME[example.topic].default is FACTS[example.fact]
        return
    assert example.headers["ce_type"] == TYPE_PREFIX + example.fact
    assert example.headers["ce_subject"] == example.key
    assert id_of(example.record) is not None
    assert example.headers["ce_source"] in BY_NAME[example.topic].writers


def test_every_fact_has_a_small_and_a_full_example_on_every_topic_that_carries_it() -> None:
    have = {(e.topic, e.fact, e.name) for e in ALL}
    missing = [
        f"{topic.name}/{kind.__name__}/{name}"
        for topic in MAIN
        for kind in topic.carries
        for name in ("minimal", "full")
        if (topic.name, kind.__name__, name) not in have
    ]
    assert not missing


def test_topics_open_to_others_have_examples_without_headers() -> None:
    for topic in MAIN:
        bare = [e for e in ALL if e.topic == topic.name and not e.headers]
        assert bool(bare) == topic.open_to_producers, topic.name


def _structs(node: Any) -> Iterator[msgspec.Struct]:
    if isinstance(node, msgspec.Struct):
        yield node
        for field in node.__struct_fields__:
            yield from _structs(getattr(node, field))
    elif isinstance(node, tuple):
        for item in node:
            yield from _structs(item)


def test_every_field_of_every_fact_and_of_its_parts_is_used_by_an_example() -> None:
    used: set[tuple[str, str]] = set()
    kinds: dict[str, type[msgspec.Struct]] = dict(FACTS)
    for example in ALL:
        for part in _structs(decode(example.record)):
            kinds[type(part).__name__] = type(part)
            for field in msgspec.structs.fields(part):
                if getattr(part, field.name) != field.default:
                    used.add((type(part).__name__, field.name))
    unused = [
        f"{name}.{field.name}"
        for name, kind in kinds.items()
        for field in msgspec.structs.fields(kind)
        if (name, field.name) not in used
    ]
    assert not unused


def test_some_examples_speak_chinese() -> None:
    spoken = {e.fact for e in ALL if any("一" <= sign <= "鿿" for sign in json.dumps(e.value, ensure_ascii=False))}
    with_words = {
        name
        for name, kind in FACTS.items()
        if any(field.type is str for field in msgspec.structs.fields(kind)) and name != "ClocksSet"
    }
    assert with_words <= spoken


def test_no_value_of_the_vocabulary_is_ever_taken_away() -> None:
    promised = json.loads((FOLDER / "vocabulary.json").read_text(encoding="utf-8"))
    today = {
        name: [member.value for member in kind]
        for name, kind in vars(vocabulary).items()
        if isinstance(kind, type) and issubclass(kind, enum.StrEnum) and kind is not enum.StrEnum
    }
    assert today == promised, "add new values to schemas/examples/vocabulary.json; never take one away"


NOW = "2026-10-08T09:12:33+08:00"
BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("source missing", {"received_at": NOW}),
    ("source unknown", {"source": "telegram", "received_at": NOW}),
    ("time without zone", {"source": "hotline", "received_at": "2026-10-08T09:12:33"}),
    ("time is a number", {"source": "hotline", "received_at": 1759885953}),
    ("text too long", {"source": "hotline", "received_at": NOW, "text": "长" * 10_001}),
    ("longitude off the globe", {"source": "hotline", "received_at": NOW, "lon": 181, "lat": 0}),
    ("report_id no id", {"source": "hotline", "received_at": NOW, "report_id": "7"}),
    ("reporter a string", {"source": "hotline", "received_at": NOW, "reporter": "王某"}),
    ("21 attachments", {"source": "hotline", "received_at": NOW, "attachments": [{"url": "u"}] * 21}),
]


@pytest.mark.parametrize("value", [value for _, value in BROKEN], ids=[name for name, _ in BROKEN])
def test_what_the_codec_refuses_the_published_schema_refuses_too(value: dict[str, Any]) -> None:
    with pytest.raises(Unreadable) as refused:
        decode(Record("reports.normal", 0, 0, None, json.dumps(value).encode()))
    assert refused.value.code == "schema"
    with pytest.raises(ValidationError):
        VALIDATORS["ReportReceived"].validate(value)


@pytest.mark.parametrize("count", [0, 501])
def test_a_message_holds_one_to_five_hundred_readings(count: int) -> None:
    reading = {"device_id": "d", "kind": "k", "value": 1, "unit": "u", "at": "2026-10-08T09:12:33Z"}
    value = {"readings": [reading] * count}
    with pytest.raises(Unreadable):
        decode(Record("sensors.readings", 0, 0, None, json.dumps(value).encode()))
    with pytest.raises(ValidationError):
        VALIDATORS["ReadingReceived"].validate(value)
