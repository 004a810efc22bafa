"""The forms a screen draws are those of the bodies: what a form can say, the body takes."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta, Struct, field

from services.dispatch.rules import words
from services.dispatch.rules.acts import ON_ASSIGNMENT, ON_ORDER
from services.dispatch.rules.acts.asked import Body, UnitId
from services.dispatch.rules.forms import Form, forms
from services.dispatch.rules.screens import screens

BODIES: dict[str, Any] = {
    **{f"assignment {name}": one.body for name, one in ON_ASSIGNMENT.items()},
    **{f"order {name}": one.body for name, one in ON_ORDER.items()},
}
FORMS = forms(BODIES)


class Colour(StrEnum):
    RED = "red"


class Everything(Body, frozen=True, kw_only=True):
    """A body with every kind of field."""

    word: Annotated[str, Meta(min_length=1, max_length=20)]
    prose: str = ""
    yes: bool = False
    colour: Colour | None = None
    which: Literal["a", "b"] = "a"
    count: Annotated[int, Meta(ge=1, le=3)] = 1
    at: datetime | None = None
    report_id: UUID | None = None
    other_id: UUID | None = None
    unit: UnitId
    units: Annotated[tuple[UnitId, ...], Meta(min_length=1)] = ()
    renamed: str = field(default="", name="class")
    odd: dict[str, int] = {}


def fields(form: Form) -> dict[str, Any]:
    return {one["name"]: one for one in form}


def test_every_kind_of_field_is_known_by_its_type() -> None:
    asked = fields(forms({"x": Everything})["x"]["fields"])
    assert {name: one["kind"] for name, one in asked.items()} == {
        **{"word": "text", "prose": "long", "yes": "flag", "colour": "choice", "which": "choice", "count": "number"},
        **{"at": "moment", "report_id": "report", "other_id": "id", "unit": "unit", "units": "unit", "class": "long"},
        "odd": "other",
    }
    assert {name for name, one in asked.items() if one["required"]} == {"word", "unit", "units"}
    assert {name for name, one in asked.items() if one.get("many")} == {"units"}
    assert (asked["word"]["min"], asked["word"]["max"]) == (1, 20) and (
        asked["count"]["min"],
        asked["count"]["max"],
    ) == (1, 3)
    assert [option["value"] for option in asked["which"]["options"]] == ["a", "b"]
    assert asked["colour"]["options"] == [{"value": "red", "zh": "red", "en": "Red"}]


def test_a_choice_between_bodies_asks_which_and_then_what_that_one_needs() -> None:
    class Later(Struct, tag_field="kind", tag="later"):
        until: datetime

    class Never(Struct, tag_field="kind", tag="never"):
        reason: str

    [which] = forms({"x": Later | Never})["x"]["fields"]  # type: ignore[dict-item]
    assert (which["name"], which["kind"], which["required"]) == ("kind", "variant", True)
    assert {one["value"]: [part["name"] for part in one["fields"]] for one in which["options"]} == {
        "later": ["until"],
        "never": ["reason"],
    }


@pytest.mark.parametrize("name", BODIES)
def test_what_a_form_requires_is_enough_for_the_body_and_nothing_less_is(name: str) -> None:
    sample = {
        "flag": True,
        "number": 1,
        "moment": "2026-03-02T09:00:00Z",
        "report": str(UUID(int=1)),
        "id": str(UUID(int=1)),
    }

    def value(one: dict[str, Any]) -> Any:
        if one["kind"] in ("choice", "variant"):
            return one["options"][0]["value"]
        said: Any = sample.get(one["kind"], "x" * one.get("min", 1))
        if one["kind"] == "group":
            said = {part["name"]: value(part) for part in one["fields"] if part["required"]}
        return [said] if one.get("many") else said

    form: Form = FORMS[name]["fields"]
    required = {one["name"]: value(one) for one in form if one["required"]}
    for one in form:
        if one["kind"] == "variant":
            required |= {part["name"]: value(part) for part in one["options"][0]["fields"] if part["required"]}
    msgspec.convert(required, BODIES[name], strict=False)
    for left_out in required:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({k: v for k, v in required.items() if k != left_out}, BODIES[name], strict=False)


def test_nobody_is_asked_when_it_happened_and_nothing_is_without_a_label() -> None:
    assert all(one["name"] != "occurred_at" for form in FORMS.values() for one in form["fields"])
    assert words.plain("pull_in") == ("pull in", "Pull in")
    assert all(form["zh"] and form["en"] for form in FORMS.values())


def test_each_kind_of_request_asks_what_it_needs_and_offers_its_own_reasons() -> None:
    [kind] = screens()["assignment"]["request"]["fields"]
    asked = {one["value"]: fields(one["fields"]) for one in kind["options"]}
    assert kind["kind"] == "variant" and set(asked) == {"return", "extension", "deferral", "parking"} | {
        *("class_correction", "explanation"),
    }
    assert [option["value"] for option in asked["class_correction"]["reason"]["options"]] == ["wrong_class"]
    assert "until" not in asked["return"] and not asked["return"]["suggested_unit"]["required"]
    assert asked["extension"]["until"]["required"] and not asked["extension"]["evidence"]["required"]
    assert asked["parking"]["evidence"]["required"] and asked["parking"]["basis"]["required"]


def test_everything_on_a_screen_has_chinese_words() -> None:
    def bare(one: dict[str, Any], name: str) -> list[str]:
        own = [name] if one["zh"].isascii() else []
        return own + [f"{name}: {x}" for x in nested(one)]

    def nested(one: dict[str, Any]) -> list[str]:
        inner = [(part, part["name"]) for part in one.get("fields", [])]
        inner += [(option, str(option["value"])) for option in one.get("options", [])]
        return [found for part, name in inner for found in bare(part, name)]

    missing = [found for group in screens().values() for action, form in group.items() for found in bare(form, action)]
    assert missing == [], "words.py says what people call these"
