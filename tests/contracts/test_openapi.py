"""The OpenAPI documents are those of the apps, whole in themselves, and hold the paths that others rely on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.generate import FOLDER
from tests.contracts.openapi import COMMAND, generate_openapi

RELIED_ON = {
    "intake": {
        *(
            f"POST /v1/{path}{bulk}"
            for path in ("hotline/tickets", "police/calls", "patrol/findings")
            for bulk in ("", "/bulk")
        ),
        *("POST /v1/sensors/readings", "POST /v1/sensors/readings/bulk", "GET /v1/reports/{}"),
    },
    "router": {"GET /v1/explain/{}", "GET /v1/rulebook", "GET /v1/devices"},
    "dispatch": {
        *("GET /v1/orders", "GET /v1/orders/{}", "GET /v1/orders/{}/history", "POST /v1/orders/{}/actions/{}"),
        *("POST /v1/assignments/{}/actions/{}", "GET /v1/me/queue", "GET /v1/triage", "GET /v1/history"),
        *("GET /v1/stream", "GET /v1/reports/{}"),
    },
    "supervision": {"GET /v1/clocks/{}", "GET /v1/breaches", "GET /v1/due", "GET /v1/board", "GET /v1/rungs"},
}


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return generate_openapi()


def document(service: str) -> dict[str, Any]:
    """The document as it lies in the project."""
    found: dict[str, Any] = json.loads((FOLDER / f"openapi-{service}.json").read_text(encoding="utf-8"))
    return found


def operations(service: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document(service)["paths"].items():
        bare = "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
        for method, operation in methods.items():
            yield f"{method.upper()} {bare}", operation


def test_the_files_are_those_of_the_apps(generated: dict[str, str]) -> None:
    behind = [
        name
        for name, text in generated.items()
        if not (FOLDER / name).is_file() or (FOLDER / name).read_text(encoding="utf-8") != text
    ]
    assert not behind, f"run: {COMMAND}"


@pytest.mark.parametrize("service", sorted(RELIED_ON))
def test_the_paths_that_others_rely_on_are_there(service: str) -> None:
    assert RELIED_ON[service] <= {name for name, _ in operations(service)}


@pytest.mark.parametrize("service", sorted(RELIED_ON))
def test_a_document_refers_to_nothing_outside_itself(service: str) -> None:
    whole = document(service)
    for pointer in set(references(whole)):
        assert pointer.startswith("#/"), pointer
        node: Any = whole
        for part in pointer[2:].split("/"):
            assert part in node, pointer
            node = node[part]


@pytest.mark.parametrize("service", sorted(RELIED_ON))
def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(service: str) -> None:
    found = [operation for _, operation in operations(service)]
    names = [operation["operationId"] for operation in found]
    assert len(set(names)) == len(names)
    assert all(operation.get("summary") for operation in found)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)
