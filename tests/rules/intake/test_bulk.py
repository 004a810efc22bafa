"""Lists and NDJSON: each item stands for itself."""

import json

import pytest

from schemas.refusals import Refused
from services.intake.rules.bodies import BULK_LIMIT, HotlineTicket, Reader

READ = Reader(HotlineTicket).many


def codes(raw: bytes) -> list[str]:
    return [item.code if isinstance(item, Refused) else item.text for item in READ(raw)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'[{"text":"a"},{"text":"b"}]', ["a", "b"]),
        (b'  \n[{"text":"a"}]  ', ["a"]),
        (b'{"text":"a"}\n{"text":"b"}\n', ["a", "b"]),
        (b'{"text":"a"}\r\n\r\n{"text":"b"}', ["a", "b"]),
        (b'{"text":"a"}\nnonsense\n{"text":"b"}', ["a", "malformed", "b"]),
        (b'{"text":"a"}', ["a"]),
        (b'[{"text":"a"},5,{"text":6},[]]', ["a", "invalid", "invalid", "invalid"]),
        (b'[{"text":"a"},{"lon":NaN,"text":"b"}]', ["a", "b"]),
    ],
)
def test_each_item_for_itself(raw: bytes, expected: list[str]) -> None:
    assert codes(raw) == expected


def test_a_lone_surrogate_does_not_spoil_its_neighbours() -> None:
    items = READ(json.dumps([{"text": "a"}, {"text": "b\ud800"}, {"text": "c"}]).encode())
    assert [item.text for item in items if not isinstance(item, Refused)] == ["a", "b\ud800", "c"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "bulk_empty"),
        (b"  \n ", "bulk_empty"),
        (b"[]", "bulk_empty"),
        (b'[{"text":"a"},', "malformed"),
        (json.dumps([{"text": "a"}] * (BULK_LIMIT + 1)).encode(), "bulk_too_many"),
        (b'{"text":"a"}\n' * (BULK_LIMIT + 1), "bulk_too_many"),
    ],
)
def test_the_list_as_a_whole(raw: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        READ(raw)
    assert refused.value.code == code


def test_a_thousand_are_taken() -> None:
    assert len(READ(b'{"text":"a"}\n' * BULK_LIMIT)) == BULK_LIMIT
