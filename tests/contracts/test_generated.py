"""What is generated is in step with the facts and the topic table."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from schemas.codec import FACTS
from schemas.generate import FOLDER, PAGE, documents, page, stale, write
from schemas.topics import TOPICS

HINT = "run: python -m schemas.generate"


def test_files_are_byte_for_byte_what_the_generator_gives() -> None:
    files = documents()
    behind = [
        path
        for path, text in files.items()
        if not (FOLDER / path).is_file() or (FOLDER / path).read_bytes() != text.encode()
    ]
    assert not behind, HINT
    assert not stale(FOLDER, files), HINT


def test_the_generator_gives_the_same_twice() -> None:
    assert documents() == documents()


def test_every_schema_is_a_valid_schema_of_its_dialect() -> None:
    for name in FACTS:
        schema = json.loads((FOLDER / "json" / f"{name}.json").read_text(encoding="utf-8"))
        assert schema["$schema"].endswith("2020-12/schema")
        Draft202012Validator.check_schema(schema)


def test_the_asyncapi_document_names_every_topic_with_its_writers_and_readers() -> None:
    document = json.loads((FOLDER / "asyncapi.json").read_text(encoding="utf-8"))
    channels = {channel["address"]: (id_, channel) for id_, channel in document["channels"].items()}
    assert set(channels) == {topic.name for topic in TOPICS}
    for topic in TOPICS:
        id_, channel = channels[topic.name]
        binding = channel["bindings"]["kafka"]
        assert (binding["partitions"], binding["topicConfiguration"]["retention.ms"]) == (
            topic.partitions,
            topic.retention_ms,
        )
        here = [op for op in document["operations"].values() if op["channel"]["$ref"] == f"#/channels/{id_}"]
        for action, actors in (("send", topic.writers), ("receive", topic.readers)):
            assert sorted(op["tags"][0]["name"] for op in here if op["action"] == action) == sorted(actors)
        if topic.carries:
            assert set(channel["messages"]) == {kind.__name__ for kind in topic.carries}


def test_write_says_only_what_changed_and_stale_finds_what_is_no_fact_any_more(tmp_path: Path) -> None:
    files = {"json/One.json": "1\n", "json/Two.json": "2\n"}
    assert write(tmp_path, files) == list(files)
    (tmp_path / "json" / "Two.json").write_text("other", encoding="utf-8")
    (tmp_path / "json" / "Gone.json").write_text("3", encoding="utf-8")
    assert write(tmp_path, files) == ["json/Two.json"]
    assert stale(tmp_path, files) == [tmp_path / "json" / "Gone.json"]


def test_the_tables_of_the_page_are_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, HINT
    for topic in TOPICS:
        assert f"| `{topic.name}` | {topic.key} |" in text


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="table of topics"):
        page("# Messages\n")
