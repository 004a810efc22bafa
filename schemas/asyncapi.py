"""The AsyncAPI 3.0 document of all topics, out of the topic table: what flows where, who sends it, who receives it.

Source: AsyncAPI 3.0.0 specification and its Kafka bindings 0.5.0.
"""

from typing import Any

import msgspec
from msgspec import Struct

from schemas.codec import FACTS
from schemas.envelope import TYPE_PREFIX
from schemas.topics import DLQ, MAIN, TOPICS, Topic

__all__ = ["asyncapi"]

_BINDING = "0.5.0"
_DEAD = "DeadLetter"
_ATTRIBUTES = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {"type": "string", "format": "uuid", "description": "The same for every repeat of this message"},
    "ce_type": {"type": "string", "description": f"{TYPE_PREFIX} and the name of the fact"},
    "ce_source": {"type": "string", "description": "Who announces it"},
    "ce_subject": {"type": "string", "description": "What it is about; equals the key"},
    "ce_time": {"type": "string", "format": "date-time"},
    "content-type": {"type": "string", "const": "application/json"},
    "traceparent": {"type": "string", "description": "W3C trace context, where the sender has one"},
}
_REASON = {
    "x-orig-topic": "The topic it was read from",
    "x-orig-partition": "Its partition there",
    "x-orig-offset": "Its offset there",
    "x-orig-ts": "Its timestamp there, in milliseconds since the epoch",
    "x-error-code": "A stable code: unreadable, schema, version, key_reused or failed",
    "x-error-cause": "The cause in words, at most 300 characters",
    "x-consumer": "Who could not handle it",
    "x-attempt": "How often it has come here",
    "x-first-failed-at": "When it came here first",
    "x-failed-at": "When it came here this time",
}


def asyncapi() -> dict[str, Any]:
    """The document as plain data, in a fixed order."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:paidan:topics",
        "info": {
            "title": "Paidan 派单: topics",
            "version": TYPE_PREFIX.rstrip(".").rsplit(".", 1)[-1],
            "description": "CloudEvents 1.0 in Kafka binary mode: attributes in headers, the fact as JSON in the "
            "value. Changes only add; unknown fields are to be ignored.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "machine": {
                "host": "127.0.0.1:29092",
                "protocol": "kafka",
                "description": "The one-machine stack; its ports move together with PAIDAN_PORT_BASE",
            }
        },
        "channels": {_channel_id(topic): _channel(topic) for topic in TOPICS},
        "operations": _operations(),
        "components": {
            "schemas": _schemas(),
            "messages": {**{name: _message(FACTS[name]) for name in sorted(FACTS)}, _DEAD: _dead_letter()},
            "messageTraits": {
                "cloudEvents": _trait(required=[name for name in _ATTRIBUTES if name != "traceparent"]),
                "cloudEventsOptional": _trait(required=[]),
            },
        },
    }


def _channel_id(topic: Topic) -> str:
    return topic.name.replace(".", "_")


def _carried(topic: Topic) -> list[str]:
    return [_DEAD] if topic.name.endswith(DLQ) else [kind.__name__ for kind in topic.carries]


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": topic.about + (" (open to outside producers)" if topic.open_to_producers else ""),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _carried(topic)},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": topic.retention_ms,
                    "max.message.bytes": topic.max_message_bytes,
                },
                "bindingVersion": _BINDING,
            }
        },
        "x-key": topic.key,
    }


def _operations() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for topic in TOPICS:
        for action, actors in (("send", topic.writers), ("receive", topic.readers)):
            for actor in actors:
                found[f"{actor}_{action}_{_channel_id(topic)}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{_channel_id(topic)}"},
                    "summary": f"{actor} {'writes' if action == 'send' else 'reads'} {topic.name}",
                    "tags": [{"name": actor}],
                    "messages": [
                        {"$ref": f"#/channels/{_channel_id(topic)}/messages/{name}"} for name in _carried(topic)
                    ],
                }
    return found


def _schemas() -> dict[str, Any]:
    kinds = [FACTS[name] for name in sorted(FACTS)]
    _, found = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    return {name: found[name] for name in sorted(found)}


def _message(kind: type[Struct]) -> dict[str, Any]:
    name = kind.__name__
    topics = [topic for topic in MAIN if kind in topic.carries]
    optional = any(topic.default is kind for topic in topics)
    return {
        "name": TYPE_PREFIX + name,
        "title": name,
        "summary": (kind.__doc__ or name).split(". ")[0].split(";")[0],
        "contentType": "application/json",
        "traits": [{"$ref": f"#/components/messageTraits/{'cloudEventsOptional' if optional else 'cloudEvents'}"}],
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {"kafka": {"key": _key(topics[0].key), "bindingVersion": _BINDING}},
    }


def _trait(required: list[str]) -> dict[str, Any]:
    headers: dict[str, Any] = {"type": "object", "properties": _ATTRIBUTES}
    return {"headers": headers | ({"required": required} if required else {})}


def _key(key: str) -> dict[str, Any]:
    return {"type": "string", "description": key}


def _dead_letter() -> dict[str, Any]:
    properties = {name: {"type": "string", "description": about} for name, about in _REASON.items()}
    return {
        "name": _DEAD,
        "title": _DEAD,
        "summary": "Key, value and headers as they came, whatever they were, with where from and why",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": properties, "required": list(_REASON)},
        "payload": {"description": "The bytes as they came"},
        "bindings": {"kafka": {"key": _key("as it came"), "bindingVersion": _BINDING}},
    }
