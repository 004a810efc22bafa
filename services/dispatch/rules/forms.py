"""What a screen must ask for each action: the fields of its body, read from the body's own type.

A page that draws these forms needs no change when an action is added. `occurred_at` is never asked: whoever sends late
says it.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import inspect

from services.dispatch.rules import words
from services.dispatch.rules.words import Words

Form = list[dict[str, Any]]
UNASKED = frozenset({"occurred_at"})
_IDS = {"report_id": "report", "report_ids": "report", "photos": "photo"}  # what an id of that name is of
LONG = 200  # a text that may be longer gets several lines


def forms(bodies: Mapping[str, type]) -> dict[str, dict[str, Any]]:
    """Each action with its words and fields. A field has `name`, `kind` (text, long, flag, choice, number, moment,
    unit, report, photo, id, variant, group, other), `required`, words, and, where they hold, `many`, `min`, `max`,
    `options`, `fields`."""
    return {
        action: {**_words(words.ACTIONS, action), "fields": _form(inspect.type_info(body))}
        for action, body in bodies.items()
    }


def parted(
    form: Form, by: str, asked: Mapping[str, Mapping[str, bool]], options: Mapping[str, Mapping[Any, Collection[Any]]]
) -> Form:
    """A form in which the choice `by` decides what else is asked. `asked` names the fields that only some values ask
    for, and whether they must be filled in; `options` what can be chosen in a field with each value."""
    [leading] = [one for one in form if one["name"] == by]
    some = {name for fields in asked.values() for name in fields}
    variants = []
    for option in leading["options"]:
        value, fields = option["value"], []
        for one in form:
            if one["name"] == by or (one["name"] in some and one["name"] not in asked[value]):
                continue
            part = one | ({"required": asked[value][one["name"]]} if one["name"] in some else {})
            if one["name"] in options:
                part["options"] = [o for o in one["options"] if o["value"] in options[one["name"]][value]]
            fields.append(part)
        variants.append(option | {"fields": fields})
    return [leading | {"kind": "variant", "options": variants}]


def _form(shape: inspect.Type) -> Form:
    """The fields of a body; of a choice between bodies, one field that says which, with each one's own fields."""
    if isinstance(shape, inspect.StructType):
        return [_field(field) for field in shape.fields if field.encode_name not in UNASKED]
    if isinstance(shape, inspect.UnionType):
        variants = [part for part in shape.types if isinstance(part, inspect.StructType) and part.tag is not None]
        if len(variants) == len(shape.types):
            name = variants[0].tag_field or "type"
            options = [
                {"value": part.tag, **_words(words.CHOICES, str(part.tag)), "fields": _form(part)} for part in variants
            ]
            return [
                {"name": name, "kind": "variant", "required": True, **_words(words.FIELDS, name)} | {"options": options}
            ]
    raise TypeError(f"not a body: {shape}")


_LISTS = inspect.VarTupleType | inspect.ListType | inspect.SetType | inspect.FrozenSetType


def _field(field: inspect.Field) -> dict[str, Any]:
    shape, optional = _bare(field.type)
    said = {"name": field.encode_name, "required": field.required and not optional}
    if isinstance(shape, _LISTS):
        described = _described(field.encode_name, shape.item_type)
        said |= {"many": True, "required": said["required"] or bool(shape.min_length)}
    else:
        described = _described(field.encode_name, shape)
    return said | _words(words.FIELDS, field.encode_name) | described


def _bare(shape: inspect.Type) -> tuple[inspect.Type, bool]:
    """A type without `None`, and whether it had it."""
    if isinstance(shape, inspect.UnionType):
        rest = [part for part in shape.types if not isinstance(part, inspect.NoneType)]
        if len(rest) == 1:
            return rest[0], len(rest) < len(shape.types)
    return shape, False


def _described(name: str, shape: inspect.Type) -> dict[str, Any]:
    """Kind and limits of one value."""
    said: dict[str, Any] = {}
    if isinstance(shape, inspect.Metadata):
        said = shape.extra_json_schema or {}
        shape = shape.type
    match shape:
        case inspect.BoolType():
            return {"kind": "flag"}
        case inspect.EnumType():
            return _choice(shape.cls.__name__, (member.value for member in shape.cls))
        case inspect.LiteralType():
            return _choice("", shape.values)
        case inspect.IntType() | inspect.FloatType():
            return _limits("number", shape.ge, shape.le)
        case inspect.DateTimeType():
            return {"kind": "moment"}
        case inspect.UUIDType():
            return {"kind": _IDS.get(name, "id")}
        case inspect.StructType():  # its own fields, once or many times
            return {"kind": "group", "fields": _form(shape)}
        case inspect.StrType():
            kind = "long" if shape.max_length is None or shape.max_length > LONG else "text"
            return _limits(said.get("format", kind), shape.min_length, shape.max_length)
        case _:
            return {"kind": "other"}


def _choice(owner: str, values: Iterable[Any]) -> dict[str, Any]:
    """What can be chosen; `owner` is the vocabulary it comes from, where the same value has other words."""
    options = []
    for value in values:
        own = f"{owner}.{value}"
        options.append({"value": value, **_words(words.CHOICES, own if own in words.CHOICES else str(value))})
    return {"kind": "choice", "options": options}


def _limits(kind: str, least: float | None, most: float | None) -> dict[str, Any]:
    given = {"kind": kind, "min": least or None, "max": most}
    return {key: value for key, value in given.items() if value is not None}


def _words(table: Mapping[str, Words], name: str) -> dict[str, str]:
    return (table.get(name) or words.plain(name))._asdict()
