"""What Kafka holds: reports by id, and dead letters by code."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC

from kafka import KafkaConsumer, TopicPartition

from deploy.audit.findings import Seen
from schemas.codec import Unreadable, decode
from schemas.envelope import Record, place_of
from schemas.facts import ReportReceived
from schemas.ids import placed_id, report_id_of
from schemas.topics import DLQ, MAIN, REPORTS


@dataclass
class OnKafka:
    """Reports seen, and dead letters by topic and code."""

    reports: dict[str, Seen] = field(default_factory=dict)
    dead_letters: Counter[str] = field(default_factory=Counter)


def read(bootstrap: str) -> OnKafka:
    """All reports and dead letters that Kafka holds up to now."""
    found = OnKafka()
    topics = [topic.name for topic in REPORTS.values()]
    for record in _all(bootstrap, topics):
        report = _report(record)
        if report is not None:
            found.reports.setdefault(_id(record, report), Seen(report.source, report.received_at.astimezone(UTC)))
    for record in _all(bootstrap, [topic.name + DLQ for topic in MAIN]):
        code = dict(record.headers).get("x-error-code", b"?").decode(errors="replace")
        found.dead_letters[f"{record.topic.removesuffix(DLQ)} {code}"] += 1
    return found


def _all(bootstrap: str, topics: list[str]) -> Iterator[Record]:
    """Every record of the topics between their beginnings and their present ends."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, max_poll_records=5000)
    try:
        parts = [TopicPartition(t, p) for t in topics for p in consumer.partitions_for_topic(t) or ()]
        if not parts:
            return
        begins, ends = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
        consumer.assign(parts)
        for part in parts:
            consumer.seek(part, begins[part])
        left = {part for part in parts if ends[part] > begins[part]}
        while left:
            for part, messages in consumer.poll(timeout_ms=500).items():
                for m in messages:
                    if m.offset < ends[part]:
                        yield Record(m.topic, m.partition, m.offset, m.key, m.value, tuple(m.headers), m.timestamp)
            left = {part for part in left if consumer.position(part) < ends[part]}
    finally:
        consumer.close()


def _report(record: Record) -> ReportReceived | None:
    try:
        fact = decode(record)
    except Unreadable:
        return None
    return fact if isinstance(fact, ReportReceived) else None


def _id(record: Record, report: ReportReceived) -> str:
    if report.report_id is not None:
        return str(report.report_id)
    if report.source_id:
        return str(report_id_of(report.source, report.source_id))
    return str(placed_id(*place_of(record)))
