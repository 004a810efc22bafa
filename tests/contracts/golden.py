"""The golden examples: messages that every later version must decode."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.envelope import Record

FOLDER = Path(__file__).resolve().parents[2] / "schemas" / "examples"


@dataclass(frozen=True)
class Example:
    """One message of one topic. `reads_as` is the body this build writes for it, where it is not the same."""

    topic: str
    fact: str
    name: str
    key: str
    headers: dict[str, str]
    value: Any
    reads_as: Any

    @property
    def record(self) -> Record:
        """The message as Kafka hands it over."""
        return Record(
            topic=self.topic,
            partition=0,
            offset=0,
            key=self.key.encode(),
            value=json.dumps(self.value, ensure_ascii=False).encode(),
            headers=tuple((name, text.encode()) for name, text in self.headers.items()),
        )

    def __str__(self) -> str:
        return f"{self.topic}/{self.fact}/{self.name}"


def examples() -> list[Example]:
    """Every example, in the order of their paths."""
    found = []
    for place in sorted(FOLDER.glob("*/*/*.json")):
        body = json.loads(place.read_text(encoding="utf-8"))
        topic, fact = place.parts[-3:-1]
        value = body["value"]
        found.append(Example(topic, fact, place.stem, body["key"], body["headers"], value, body.get("reads_as", value)))
    return found
