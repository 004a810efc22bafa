"""Deterministic ids and the numbers people read out over a telephone line.

A repeat anywhere has the same id as the first, so it is seen as one. Numbers are derived from ids and need no counter.
"""

import hashlib
import hmac
import unicodedata
from uuid import UUID, SafeUUID

NAMESPACE = UUID("6f0c2c1e-5d7b-5b1e-9a53-0c1f6d0a9e11")
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECK = _ALPHABET + "*~$=U"
_READ = {c: i for i, c in enumerate(_CHECK)} | {"O": 0, "I": 1, "L": 1}
_NAMESPACE_BYTES = NAMESPACE.bytes
_blank, _put, _UNSAID = object.__new__, object.__setattr__, SafeUUID.unknown
_CLEAR = ~((0xF000 << 64) | (0xC000 << 48))
_MARK = (5 << 76) | (0x8000 << 48)


def uuid5(namespace: UUID, name: str) -> UUID:
    """A name-based UUID (RFC 9562 §5.5), the same as the standard library's at a third of the cost; ids are made for
    every message, so the constructor's checks of what cannot be wrong are left out."""
    space = _NAMESPACE_BYTES if namespace is NAMESPACE else namespace.bytes
    digest = hashlib.sha1(space + name.encode(), usedforsecurity=False).digest()
    made = _blank(UUID)
    _put(made, "int", int.from_bytes(digest[:16], "big") & _CLEAR | _MARK)
    _put(made, "is_safe", _UNSAID)
    return made


def report_id_of(source: str, source_id: str) -> UUID:
    """The id of a report that its sender numbered; the same (source, source id) always gives the same id."""
    return uuid5(NAMESPACE, f"report\x1f{source}\x1f{source_id}")


def keyed_report_id(principal: str, key: str) -> UUID:
    """The id of a report without a sender's number, sent over REST with an idempotency key."""
    return uuid5(NAMESPACE, f"key\x1f{principal}\x1f{key}")


def placed_id(topic: str, partition: int, offset: int) -> UUID:
    """The id of a message known only by where it lies: an unnumbered report from Kafka, or an unreadable message."""
    return uuid5(NAMESPACE, f"at\x1f{topic}\x1f{partition}\x1f{offset}")


def alarm_report_id(device_id: str, rule: str, raised_at: str) -> UUID:
    """The id of the report that an alarm becomes; `raised_at` is the RFC 3339 time of the reading that raised it."""
    return uuid5(NAMESPACE, f"alarm\x1f{device_id}\x1f{rule}\x1f{raised_at}")


def order_id_of(report_id: UUID) -> UUID:
    """The id of the order that a first report opens."""
    return uuid5(NAMESPACE, f"order\x1f{report_id.hex}")


def successor_id(order_id: UUID) -> UUID:
    """The id of the one order that follows a closed one when its matter comes up again."""
    return uuid5(NAMESPACE, f"successor\x1f{order_id.hex}")


def part_id(order_id: UUID, place: int) -> UUID:
    """The id of the order that a split makes; `place` counts the parts of an order from 0."""
    return uuid5(NAMESPACE, f"split\x1f{order_id.hex}\x1f{place}")


def proposal_id_of(one: UUID, other: UUID) -> UUID:
    """The id of the question whether two orders are one matter, whichever is named first: asked once, for ever."""
    first, second = sorted((one.hex, other.hex))
    return uuid5(NAMESPACE, f"proposal\x1f{first}\x1f{second}")


def handover_id_of(order_id: UUID, seq: int) -> UUID:
    """The id of a hand-over to another platform, offered by the order's fact `seq`."""
    return uuid5(NAMESPACE, f"handover\x1f{order_id.hex}\x1f{seq}")


def rung_id_of(clock_id: UUID, rung: str, due: str, times: int) -> UUID:
    """The id of what a rung of the ladder opens: of (clock, rung, due as RFC 3339 in UTC), the `times`-th time."""
    return uuid5(clock_id, f"rung\x1f{rung}\x1f{due}\x1f{times}")


def supervision_id_of(order_id: UUID, seq: int) -> UUID:
    """The id of a supervision by hand, opened by the order's fact `seq`."""
    return uuid5(NAMESPACE, f"supervision\x1f{order_id.hex}\x1f{seq}")


def case_id_of(principal: str, key: str) -> UUID:
    """The id of a special case, opened by a principal under an idempotency key."""
    return uuid5(NAMESPACE, f"case\x1f{principal}\x1f{key}")


def meeting_id_of(case_id: UUID, seq: int) -> UUID:
    """The id of a meeting about a special case, recorded by its fact `seq`."""
    return uuid5(NAMESPACE, f"meeting\x1f{case_id.hex}\x1f{seq}")


def commitment_id_of(meeting_id: UUID, place: int) -> UUID:
    """The id of what a unit committed to in a meeting; `place` counts them from 0."""
    return uuid5(NAMESPACE, f"commitment\x1f{meeting_id.hex}\x1f{place}")


def assignment_id_of(order_id: UUID, unit: str, ordinal: int) -> UUID:
    """The id of a unit's part of an order; `ordinal` counts the assignments of that order from 0."""
    return uuid5(NAMESPACE, f"assignment\x1f{order_id.hex}\x1f{unit}\x1f{ordinal}")


def clock_id_of(order_id: UUID, round_: int, stage: str, owner: str) -> UUID:
    """The id of a clock: (order, round, stage, assignment or report); `owner` is that id as text, or "". A commitment's
    is of (special case, how often it was asked for, stage, commitment)."""
    return uuid5(NAMESPACE, f"clock\x1f{order_id.hex}\x1f{round_}\x1f{stage}\x1f{owner}")


def fact_id(cause: UUID, kind: str, ordinal: int = 0) -> UUID:
    """The id of a fact: the id of what caused it, its type, and its place among those of that type."""
    return uuid5(cause, f"{kind}\x1f{ordinal}")


def number_of(id_: UUID) -> str:
    """The number people use for a report or an order: 50 bits of the id in Crockford base32, a dash after five
    characters, and a check sign (mod 37), e.g. `7K3M9-QX2TB-C`. Source: Crockford, Base 32 (2019)."""
    value = ((id_.int >> 80) << 2) | (id_.int & 3)
    check = _CHECK[value % 37]
    digits = "".join(_ALPHABET[(value >> shift) & 31] for shift in range(45, -1, -5))
    return f"{digits[:5]}-{digits[5:]}-{check}"


def read_number(text: str) -> str | None:
    """A number as typed (any case, blanks, missing dashes, O for 0, I or L for 1) in its proper form; None if its
    check sign is wrong."""
    marks = [c for c in text.upper() if c not in " -"]
    if len(marks) != 11 or any(c not in _READ for c in marks):
        return None
    value = 0
    for c in marks[:10]:
        if _READ[c] > 31:
            return None
        value = value << 5 | _READ[c]
    if value % 37 != _READ[marks[10]]:
        return None
    digits = "".join(_ALPHABET[_READ[c]] for c in marks[:10])
    return f"{digits[:5]}-{digits[5:]}-{_CHECK[value % 37]}"


def code_of(number: str, secret: bytes) -> str:
    """The six digits that, with the number, open the citizen page: an HMAC of the number under the city's secret."""
    digest = hmac.digest(secret, number.encode(), hashlib.sha256)
    return f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06d}"


def platform_name(text: str) -> str:
    """Another platform's name as it is compared and stored: one width, one case, no blanks around."""
    return unicodedata.normalize("NFKC", text).strip().casefold()
