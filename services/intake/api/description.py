"""How the paths are described in `/openapi.json`: bodies are read by msgspec, so their schemas come from there."""

from typing import Any

import msgspec
from msgspec import Struct

from schemas.refusals import REFUSALS

_REF = "#/components/schemas/{name}"
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": "a repeat with the same key gets the same number; in bulk it counts per position",
}


class Problem(Struct, frozen=True):
    """RFC 9457; `code` is stable."""

    type: str
    code: str
    status: int
    title: str
    title_zh: str
    detail: str


def description(kind: Any, answer: Any, refusals: tuple[str, ...], *, bulk: bool = False) -> dict[str, Any]:
    """The keyword arguments of a FastAPI route for a body of `kind` (None: no body) and an `answer`."""
    extra: dict[str, Any] = {}
    if kind is not None:
        content: dict[str, Any] = {"application/json": {"schema": _schema(kind)}}
        if bulk:
            content["application/x-ndjson"] = {"schema": {"type": "string", "description": "one JSON object a line"}}
        extra["requestBody"] = {"required": True, "content": content}
        extra["parameters"] = [_KEY]
    by_status: dict[int, list[str]] = {}
    for code in refusals:
        by_status.setdefault(REFUSALS[code].status, []).append(code)
    responses: dict[int | str, dict[str, Any]] = {
        status: {
            "description": ", ".join(codes),
            "content": {"application/problem+json": {"schema": _schema(Problem)}},
        }
        for status, codes in by_status.items()
    }
    ok = 200 if kind is None else 202
    responses[ok] = {"description": "safe", "content": {"application/json": {"schema": _schema(answer)}}}
    return {"responses": responses, "openapi_extra": extra, "status_code": ok}


def _schema(kind: Any) -> dict[str, Any]:
    (schema,), parts = msgspec.json.schema_components([kind], ref_template=_REF)
    _COMPONENTS.update(parts)
    return dict(schema)


_COMPONENTS: dict[str, Any] = {}


def components() -> dict[str, Any]:
    """The schemas that the descriptions refer to."""
    return dict(_COMPONENTS)
