"""Brings Kafka's topics into line with the one topic table, `schemas.topics.TOPICS`.

Missing topics are made; retention and message size are set where they differ; partitions are only ever raised, because
Kafka cannot take them back (and keys move when they are raised: a planned step). Topics that the table does not know
are left alone.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError

from deploy.stack.trouble import Trouble
from schemas.topics import TOPICS, Topic

__all__ = ["Change", "ensure_topics", "replication_for"]

_PATIENCE = 30.0


@dataclass(frozen=True)
class Change:
    """What was done to one topic."""

    topic: str
    what: str


def _settings(topic: Topic) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(topic.retention_ms),
        "max.message.bytes": str(topic.max_message_bytes),
    }


def replication_for(brokers: int) -> int:
    """Three copies where there are three brokers or more, else as many as there are brokers."""
    return min(3, max(1, brokers))


def ensure_topics(bootstrap: str, topics: Sequence[Topic] = TOPICS, patience: float = _PATIENCE) -> list[Change]:
    """Make and mend topics until every partition has a leader; what was changed. Idempotent.

    Raises Trouble when Kafka does not answer within `patience` seconds or refuses.
    """
    admin = _connected(bootstrap, patience)
    try:
        changes = _create_missing(admin, topics)
        admin.wait_for_topics([topic.name for topic in topics], timeout_ms=int(patience * 1000))
        changes += _raise_partitions(admin, topics)
        changes += _mend_settings(admin, topics)
        return changes
    except KafkaError as error:
        raise Trouble(f"Kafka at {bootstrap} refused the topics ({error})", "see logs/kafka.log") from error
    finally:
        admin.close()


def _connected(bootstrap: str, patience: float) -> KafkaAdminClient:
    until = time.monotonic() + patience
    while True:
        try:
            return KafkaAdminClient(bootstrap_servers=bootstrap, client_id="paidan-topics")
        except KafkaError as error:
            if time.monotonic() > until:
                raise Trouble(f"Kafka at {bootstrap} does not answer ({error})", "see logs/kafka.log") from error
            time.sleep(0.1)


def _create_missing(admin: KafkaAdminClient, topics: Sequence[Topic]) -> list[Change]:
    known = set(admin.list_topics())
    missing = [topic for topic in topics if topic.name not in known]
    if missing:
        copies = replication_for(len(admin.describe_cluster()["brokers"]))
        admin.create_topics(
            {
                topic.name: {
                    "num_partitions": topic.partitions,
                    "replication_factor": copies,
                    "configs": _settings(topic),
                }
                for topic in missing
            }
        )
    return [Change(topic.name, f"created with {topic.partitions} partitions") for topic in missing]


def _raise_partitions(admin: KafkaAdminClient, topics: Sequence[Topic]) -> list[Change]:
    described = admin.describe_topics([topic.name for topic in topics])
    have = {entry["name"]: len(entry["partitions"]) for entry in described}
    more = {topic.name: topic.partitions for topic in topics if topic.partitions > have[topic.name]}
    if more:
        admin.create_partitions(more)
        admin.wait_for_topics(list(more))
    return [Change(name, f"raised from {have[name]} to {count} partitions") for name, count in more.items()]


def _mend_settings(admin: KafkaAdminClient, topics: Sequence[Topic]) -> list[Change]:
    wanted = {topic.name: _settings(topic) for topic in topics}
    asked = [
        ConfigResource(ConfigResourceType.TOPIC, name, configs=dict.fromkeys(settings))
        for name, settings in wanted.items()
    ]
    described: dict[str, dict[str, dict[str, Any]]] = admin.describe_configs(asked, config_filter="all")
    have = next(iter(described.values()))
    changes = []
    mended = []
    for name, settings in wanted.items():
        differing = {key: value for key, value in settings.items() if str(have[name][key]["value"]) != value}
        if differing:
            mended.append(ConfigResource(ConfigResourceType.TOPIC, name, configs=differing))
            changes.append(Change(name, "set " + ", ".join(f"{key}={value}" for key, value in differing.items())))
    if mended:
        admin.alter_configs(mended)
    return changes
