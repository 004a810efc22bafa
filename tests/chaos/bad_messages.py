"""Bad messages of every kind for every topic, made from the topics' golden examples, and what must become of each.

The same generator feeds `make chaos` and the quick tests.
"""

import json
import random
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from msgspec import Struct

from schemas.topics import MAIN, REPORTS_NORMAL, REPORTS_URGENT, SENSORS_READINGS, Topic

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "examples"
MARK = "chaos-number"  # a header of our own, by which a letter is known again
NEAR_LIMIT = 1_040_000  # bytes, with what Kafka adds still below the topics' 1,048,576
READ = tuple(topic for topic in MAIN if topic.readers)  # what nobody of ours reads buries nothing
CONSUMERS = {
    "reports.urgent": ("router-urgent",),
    "reports.normal": ("router-normal",),
    "sensors.readings": ("router-readings",),
    "routing.decided.urgent": ("dispatch-urgent",),
    "routing.decided.normal": ("dispatch-normal",),
    "orders.events": ("router-orders", "supervision"),
    "supervision.events": ("dispatch-deadlines",),
}
OPEN = (REPORTS_URGENT, REPORTS_NORMAL, SENSORS_READINGS)
Headers = list[tuple[str, bytes | None]]
Change = Callable[["Example", random.Random], tuple[bytes | None, Headers]]


class Example(Struct):
    """A good message of a topic."""

    topic: str
    key: bytes
    headers: Headers
    value: dict[str, Any]


class Bad(Struct):
    """A bad message: what is sent, and the code its dead letters must have."""

    number: int
    kind: str
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    code: str

    @property
    def buried(self) -> bytes:
        """Its bytes in the dead letters; no value at all lies there as no bytes."""
        return self.value or b""


def examples(topic: Topic) -> list[Example]:
    """The golden examples of a topic. What would change the system if it were read (an order's facts) is among them:
    every change below makes it unreadable."""
    found = []
    for path in sorted((EXAMPLES / topic.name).glob("*/*.json")):
        said = json.loads(path.read_text(encoding="utf-8"))
        headers: Headers = [(name, text.encode()) for name, text in said["headers"].items()]
        if headers and "Tick" not in path.parent.name:
            found.append(Example(topic.name, said["key"].encode(), headers, said["value"]))
    return found


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _retyped(example: Example, kind: bytes) -> Headers:
    return [(name, kind if name == "ce_type" else value) for name, value in example.headers]


def _noise(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    return rand.randbytes(rand.randint(1, 400)).replace(b"{", b"["), e.headers


def _truncated(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    whole = _text(e.value)
    return whole[: rand.randint(1, len(whole) - 1)], e.headers


def _wrong_type(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    return _text(rand.choice([[e.value], "text", 17, True, {name: {"no": "sense"} for name in e.value}])), e.headers


def _missing(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    return b"{}" if rand.random() < 0.5 else b'{"not": "a field"}', e.headers


def _oversized(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    return _text({**e.value, "padding": "路" * (NEAR_LIMIT // 3)})[:NEAR_LIMIT], e.headers


def _unknown_type(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    return _text(e.value), _retyped(e, rand.choice([b"paidan.v1.Nonsense", b"", b"\xff\xfe", b"other.v1.OrderOpened"]))


def _future(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    return _text(e.value), _retyped(e, b"paidan.v%d.OrderOpened" % rand.randint(2, 9))


def _nul(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    return _in_a_text(e, b"a\\u0000b"), e.headers


def _surrogate(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    return _in_a_text(e, rand.choice([b"\\ud800", b"\\udc00x", b"\xed\xa0\x80", b"\xff"])), e.headers


def _in_a_text(e: Example, content: bytes) -> bytes:
    """The example with `content` in every text that no enumeration, id or time limits."""
    free = ("text", "address", "reason", "note", "detail", "title", "gateway", "because", "policy", "unit", "rule")
    marked = json.dumps(_marked(e.value, free), ensure_ascii=False).encode()
    if b"@@" not in marked:
        return b'{"unknown": "' + content + b'"'
    return marked.replace(b"@@", content)


def _marked(value: Any, free: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {n: "@@" if n in free and isinstance(v, str) else _marked(v, free) for n, v in value.items()}
    return [_marked(v, free) for v in value] if isinstance(value, list) else value


def _wrong_topic(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    others = [x for topic in MAIN if not topic.name.startswith(e.topic[:6]) for x in examples(topic)]
    other = rand.choice(others)
    return _text(other.value), other.headers


def _naive(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    whole = _text(e.value)
    for end in (b'Z"', b'+08:00"', b'+00:00"'):
        whole = whole.replace(end, b'"')
    return whole, e.headers


def _deep(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    depth = rand.choice([2_000, 50_000])
    return _text(e.value)[:-1] + b', "deep": ' + b"[" * depth + b"]" * depth + b"}", e.headers


def _huge(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    return _text(_numbers(e.value)).replace(b'"@@"', b"1e400"), e.headers


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _numbers(v) for name, v in value.items()}
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    return "@@" if isinstance(value, int | float) and not isinstance(value, bool) else value


def _empty(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    return b"", e.headers


def _tombstone(e: Example, rand: random.Random) -> tuple[None, Headers]:
    return None, e.headers


def _typeless(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    return _text(e.value), [(name, value) for name, value in e.headers if name != "ce_type"]


def _null_header(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    return b'{"half": ', [*e.headers, ("traced", None)]


def _odd_headers(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    strange = [("x-attempt", b"many"), ("x-first-failed-at", b"\xff"), ("x-replay-of", b"/@\xff"), ("ce_id", b"\xfe")]
    return b"not json", [*e.headers, *strange, ("路", "沪".encode())]


def _extreme_time(e: Example, rand: random.Random) -> tuple[bytes, Headers]:
    moment = rand.choice(["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"])
    return _text(_times(e.value, moment)), e.headers


def _times(value: Any, moment: str) -> Any:
    if isinstance(value, dict):
        return {n: moment if n in ("received_at", "at") else _times(v, moment) for n, v in value.items()}
    return [_times(v, moment) for v in value] if isinstance(value, list) else value


CHANGES: dict[str, Change] = {
    "noise": _noise,
    "truncated": _truncated,
    "wrong_type": _wrong_type,
    "missing": _missing,
    "oversized": _oversized,
    "unknown_type": _unknown_type,
    "future_version": _future,
    "nul": _nul,
    "surrogate": _surrogate,
    "wrong_topic": _wrong_topic,
    "naive_time": _naive,
    "deep": _deep,
    "huge_number": _huge,
    "empty": _empty,
    "tombstone": _tombstone,
    "typeless": _typeless,
    "null_header": _null_header,
    "odd_headers": _odd_headers,
    "extreme_time": _extreme_time,
}
CODES = {"future_version": "version", "tombstone": "unreadable", "typeless": "unreadable"}
RARE = {"oversized": 6}  # so many a topic at most


def kinds_of(topic: Topic) -> list[str]:
    """The kinds that make sense for a topic: direct producers may leave out the type, and only they make up times."""
    drop = {"typeless"} if topic in OPEN else {"extreme_time"}
    return [kind for kind in CHANGES if kind not in drop]


def _fits(kind: str, e: Example) -> bool:
    """Whether an example has what the kind spoils."""
    if kind == "huge_number":
        return b'"@@"' in _text(_numbers(e.value))
    if kind == "naive_time":
        return _naive(e, random.Random(0))[0] != _text(e.value)
    return True


def bad(number: int, kind: str, topic: Topic, rand: random.Random) -> Bad | None:
    """One bad message; None when no example of the topic has what the kind spoils."""
    fitting = [e for e in examples(topic) if _fits(kind, e)]
    if not fitting:
        return None
    example = rand.choice(fitting)
    value, headers = CHANGES[kind](example, rand)
    key = rand.choice([example.key, b"\xff\xfe\x00", None if value is not None else b""])
    mark = (MARK, str(number).encode())
    return Bad(number, kind, topic.name, key, value, [*headers, mark], CODES.get(kind, "schema"))


def bad_messages(count: int, rand: random.Random) -> Iterator[Bad]:
    """That many, all kinds on all topics in turn, in random order."""
    pairs = [(kind, topic) for topic in READ for kind in kinds_of(topic)]
    rand.shuffle(pairs)
    made: dict[tuple[str, str], int] = {}
    number = 0
    for kind, topic in cycle(pairs):
        if number == count:
            return
        done = made.get((kind, topic.name), 0)
        if done >= RARE.get(kind, count):
            continue
        found = bad(number, kind, topic, rand)
        if found is not None:
            made[kind, topic.name] = done + 1
            number += 1
            yield found
