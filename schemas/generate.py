"""Writes what is generated from the facts and the topic table: `python -m schemas.generate`.

`schemas/generated/json/<Fact>.json` is the JSON Schema of each fact, `schemas/generated/asyncapi.json` the AsyncAPI
document of all topics; the tables of docs/messages.md are filled in between their marks. The same code gives the same
bytes, and a test fails when the files are behind it.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from schemas.asyncapi import asyncapi
from schemas.codec import FACTS
from schemas.envelope import TYPE_PREFIX
from schemas.topics import DAY_MS, MAIN, TOPICS
from schemas.webhooks import WEBHOOKS

__all__ = ["FOLDER", "PAGE", "documents", "fact_schema", "main", "page", "stale", "webhook_schema", "write"]

FOLDER = Path(__file__).resolve().parent / "generated"
PAGE = FOLDER.parents[1] / "docs" / "messages.md"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def fact_schema(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a fact; all it needs stands in its own `$defs`.

    Unknown fields are allowed, because a later version may add some. Raises KeyError for a fact that is none.
    """
    return _published(name, FACTS[name])


def webhook_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a message that other platforms are sent. Raises KeyError for one that is none."""
    return _published(f"webhooks.{name}", WEBHOOKS[name])


def _published(name: str, kind: Any) -> dict[str, Any]:
    schema = msgspec.json.schema(kind)
    head = {"$schema": DIALECT, "$id": f"urn:paidan:schema:{TYPE_PREFIX}{name}", "title": name}
    described: dict[str, Any] = on_one_line(head | schema)
    return described


def on_one_line(node: Any) -> Any:
    """A copy of a schema whose descriptions hold no line breaks: a docstring's indent says nothing to a reader."""
    if isinstance(node, Mapping):
        return {
            key: " ".join(value.split()) if key == "description" and isinstance(value, str) else on_one_line(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [on_one_line(item) for item in node]
    return node


def documents() -> dict[str, str]:
    """Every generated file: path below `schemas/generated` → text. The OpenAPI files are not among them: they come
    from the services, which this package does not know."""
    found = {f"json/{name}.json": _text(fact_schema(name)) for name in sorted(FACTS)}
    found |= {f"json/webhooks/{name}.json": _text(webhook_schema(name)) for name in sorted(WEBHOOKS)}
    found["asyncapi.json"] = _text(on_one_line(asyncapi()))
    return found


def _text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def page(text: str) -> str:
    """The text of docs/messages.md with both its tables filled in anew.

    Raises ValueError when a mark is missing."""
    for name, table in (("topics", _topic_table()), ("facts", _fact_table())):
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
        before, _, rest = text.partition(start)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"docs/messages.md has no marks for the table of {name}")
        text = before + start + table + end + after
    return text


def _topic_table() -> str:
    rows = ["| topic | key | partitions | kept | written by | read by | holds |", "|---|---|---|---|---|---|---|"]
    for topic in TOPICS:
        writers = ", ".join(topic.writers)
        readers = ", ".join(topic.readers)
        days = topic.retention_ms // DAY_MS
        cells = (f"`{topic.name}`", topic.key, topic.partitions, f"{days} days", writers, readers, topic.about)
        rows.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _fact_table() -> str:
    rows = ["| fact | on | says |", "|---|---|---|"]
    for name, kind in FACTS.items():
        topics = ", ".join(f"`{topic.name}`" for topic in MAIN if kind in topic.carries)
        says = " ".join((kind.__doc__ or "").split())
        rows.append(f"| [{name}](../schemas/generated/json/{name}.json) | {topics} | {says} |")
    return "\n".join(rows) + "\n"


def write(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Write `files` (path → text) below `folder`; answers the paths whose content changed."""
    changed = []
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists() or place.read_text(encoding="utf-8") != text:
            place.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def stale(folder: Path, files: Iterable[str]) -> list[Path]:
    """JSON Schemas in `folder` of facts that no longer exist."""
    known = {folder / path for path in files}
    return sorted(place for place in (folder / "json").glob("*.json") if place not in known)


def main() -> None:
    """Bring `schemas/generated` and docs/messages.md up to date and say what changed."""
    files = documents()
    for place in stale(FOLDER, files):
        place.unlink()
        print(f"removed {place.relative_to(FOLDER)}")
    filled = page(PAGE.read_text(encoding="utf-8"))
    changed = [*write(FOLDER, files), *write(PAGE.parent, {PAGE.name: filled})]
    print("\n".join(f"wrote {path}" for path in changed) or "everything was up to date")


if __name__ == "__main__":
    main()
