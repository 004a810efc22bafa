"""What bodies must say: texts that say something, units each once, platforms that exist."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.asking import decoded
from services.dispatch.rules.acts import ON_ASSIGNMENT, ON_ORDER
from services.dispatch.rules.acts.decisions import Decision
from services.dispatch.rules.acts.handing import ON_HANDOVER
from services.dispatch.rules.book import Actor
from services.dispatch.rules.cases.bodies import CASE_BODIES, COMMITMENT_BODIES, Opening
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.handover import is_platform
from services.dispatch.rules.tasks import NewList, Row
from tests.rules.dispatch.acting import Table, act, seen
from tests.rules.dispatch.town import CITY, in_triage

BODIES: dict[str, type[Struct]] = {
    **{name: one.body for name, one in ON_ASSIGNMENT.items()},
    **{name: one.body for name, one in ON_ORDER.items()},
    **{name: one.body for name, one in ON_HANDOVER.items()},
    **{f"case {name}": body for name, body in {**CASE_BODIES, **COMMITMENT_BODIES}.items()},
    "case": Opening,
    "decision": Decision,
    "list": NewList,
    "row": Row,
}
MUST_SAY = {
    *(
        "finish.answer",
        "finish.text",
        "reject.reason",
        "void.reason",
        "dismiss.reason",
        "lead.reason",
        "transfer.reason",
    ),
    *("transfer.platform", "recall.reason", "withdraw.reason", "sign.person", "decline.reason", "request.basis"),
    *("case.title", "case.reason", "case link.reason", "case unlink.reason", "case meeting.matter"),
    *("case meeting.decided", "case meeting.text", "case meeting.name", "case close.conclusion", "case answer.answer"),
    *("case send_back.reason", "case withdraw.reason", "decision.note", "list.title", "row.key"),
}
UNITS = {"unit", "units", "lead", "assists"}  # what names no unit is `unit_unknown`


def texts(shape: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every text in a body that must not be empty, with its type."""
    if isinstance(shape, msgspec.inspect.StructType):
        for field in shape.fields:
            yield from texts(field.type, field.name)
    elif isinstance(shape, msgspec.inspect.VarTupleType):
        yield from texts(shape.item_type, name)
    elif isinstance(shape, msgspec.inspect.UnionType):
        for part in shape.types:
            yield from texts(part, name)
    elif isinstance(shape, msgspec.inspect.Metadata):
        yield from texts(shape.type, name)
    elif isinstance(shape, msgspec.inspect.StrType) and shape.min_length:
        yield name, shape


def required() -> dict[str, Any]:
    found = {}
    for action, body in BODIES.items():
        for name, shape in texts(msgspec.inspect.type_info(body)):
            if name not in UNITS:
                found[f"{action}.{name}"] = shape
    return found


def test_no_text_that_must_say_something_is_taken_for_blanks() -> None:
    found = required()
    assert found.keys() >= MUST_SAY, MUST_SAY - found.keys()
    assert [name for name, shape in found.items() if not shape.pattern] == []


@pytest.mark.parametrize("blank", ["", " ", "   ", "\t\n", "\u3000", "\u00a0\u2003", "\u200b", "\ufeff", "\x01"])
def test_blanks_of_any_kind_are_no_text(blank: str) -> None:
    for body in (ON_ORDER["reject"].body, ON_HANDOVER["decline"].body):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"reason": blank}, body)


@pytest.mark.parametrize("said", ["x", " 重复 ", "👍", "\n已处理\n", "\u200b办"])
def test_whoever_says_something_is_taken_at_his_word(said: str) -> None:
    assert msgspec.convert({"reason": said}, ON_ORDER["reject"].body).reason == said  # type: ignore[attr-defined]


DISPATCHER = Actor("dispatcher@s1", Role.DISPATCHER, "s1")


@pytest.mark.parametrize(
    ("action", "said", "code"),
    [
        ("route", {"lead": "s1-road", "assists": ["s1-road"]}, "unit_taken"),
        ("route", {"lead": "s1-road", "assists": ["s1-clean", "s1-clean"]}, "unit_taken"),
        ("route", {"lead": "s1-road", "assists": ["nobody"]}, "unit_unknown"),
        ("transfer", {"platform": "foo", "reason": "x"}, "platform_unregistered"),
        ("transfer", {"platform": "city:nowhere", "reason": "x"}, "platform_unregistered"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(action: str, said: dict[str, Any], code: str) -> None:
    table = Table(in_triage())
    before = seen(table.order)
    with pytest.raises(Refused) as refused:
        act(table.book, table.order, action, DISPATCHER, **said)
    assert (refused.value.code, seen(table.order)) == (code, before)


@pytest.mark.parametrize("platform", ["110", "１１０", "12345", "119", "120", "one_stop"])
def test_work_is_handed_to_whom_the_field_knows(platform: str) -> None:
    table = Table(in_triage())
    act(table.book, table.order, "transfer", DISPATCHER, platform=platform, reason="x")
    [handover] = table.book.handovers.values()
    assert is_platform(table.book.directory, handover.platform)


@pytest.mark.parametrize(
    ("told", "registered", "known"),
    [((), (), False), (("city:hangzhou",), (), True), ((), ("city:hangzhou",), True), ((), ("city:suzhou",), False)],
)
def test_another_city_is_known_when_it_is_registered(
    told: tuple[str, ...], registered: tuple[str, ...], known: bool
) -> None:
    directory = Directory(CITY, frozenset(told), frozenset(registered))
    assert is_platform(directory, "city:hangzhou") is known


@pytest.mark.parametrize("due", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_list_is_not_due_at_a_moment_that_cannot_be_reckoned_with(due: str) -> None:
    said = {"title": "窨井排查", "class": "GB/T 47678.5/part/01001", "due": due}
    with pytest.raises(Refused) as refused:
        decoded(msgspec.json.Decoder(NewList), msgspec.json.encode(said))
    assert refused.value.code == "invalid"
