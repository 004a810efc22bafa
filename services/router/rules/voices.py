"""How many people speak of a matter: counted without remembering who they are.

A voice is one signed 64-bit number: 12 bits of a hash of who speaks, 16 bits of a hash of the district, and the minute.
Of a city's millions, thousands share each of the 4,096 values, so nobody can be told by it; ten people count as fewer
than ten in one case of a hundred. One person is one voice, however often he calls; of a report that names nobody, the
device or the report itself speaks.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b

from schemas.facts import ReportReceived

KEPT = 64  # the newest voices of a matter; more are counted as so many
_MINUTE = (1 << 32) - 1


def voice_of(report: ReportReceived, district: str) -> int:
    """The voice of a report that says it happens in a district ("" unknown)."""
    who = report.reporter
    named = "".join(filter(str.isdigit, who.phone or "")) or who.person_id if who else ""
    speaker = named or report.device_id or str(report.report_id)
    minute = int(report.received_at.timestamp() // 60) & _MINUTE
    return _hash(speaker) >> 4 << 48 | place_mark(district) << 32 | minute


def place_mark(district: str) -> int:
    """Sixteen bits that stand for a district in a voice."""
    return _hash(f"district\x1f{district}") if district else 0


def heard(*many: Iterable[int]) -> tuple[int, ...]:
    """All these voices, each speaker once with the last he said, the newest first; at most KEPT. In whatever order and
    grouping they are put together, the result is the same."""
    last: dict[int, int] = {}
    for voices in many:
        for voice in voices:
            speaker = voice >> 48
            if speaker not in last or _newest(voice) > _newest(last[speaker]):
                last[speaker] = voice
    return tuple(sorted(last.values(), key=_newest, reverse=True)[:KEPT])


def knows(voices: Iterable[int], voice: int) -> bool:
    """Whether this speaker is among them."""
    return any(other >> 48 == voice >> 48 for other in voices)


def since(voices: Iterable[int], moment: datetime) -> tuple[int, ...]:
    """Those that spoke at a moment or later."""
    first = int(moment.timestamp() // 60)
    return tuple(voice for voice in voices if voice & _MINUTE >= first)


def districts(voices: Iterable[int], known: Iterable[str]) -> tuple[str, ...]:
    """Which of the known districts they spoke of, in their order."""
    marks = {voice >> 32 & 0xFFFF for voice in voices}
    return tuple(district for district in known if place_mark(district) in marks)


def _newest(voice: int) -> tuple[int, int]:
    return voice & _MINUTE, voice


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=2).digest(), "big")
