"""The quiet few (沉没的少数): demands that few people raise and that drown in the mass.

An order counts points: for its age one at `quiet_days` and one more each time that has doubled; two where it is severe,
two where it is of people who cannot shout; one where it came back after it was closed, one where the same person says
it again and again. With NEEDED points it is told. So what is severe is told after `quiet_days`, and anything that one
voice alone keeps asking for is told in the end. Source: domain notes §A6 (静安 12345 智能分析).
"""

import re
from datetime import datetime
from math import log2
from zlib import crc32

from msgspec import Struct

from schemas.city import Warnings
from schemas.vocabulary import GRAVITY, Urgency

SEVERE, VULNERABLE, AGAIN, MOVED = 1, 2, 4, 8  # marks of a matter, each a bit; MOVED: others came by a merger
DANGER, ACCUSES = 16, 32  # marks too: a report of it was vetoed (`rules.veto`), or accuses somebody
KINDS_FROM, KINDS = 6, 24  # one of these bits stands for the kind of danger; two kinds may share one
NEEDED = 3


class Quiet(Struct, frozen=True):
    """Why an order is one of the quiet few."""

    points: int
    reasons: tuple[str, ...]
    days: float
    why: str


def marks_of(
    urgency: Urgency, class_listed: bool, text: str, vulnerable: re.Pattern[str] | None, *, danger: str, accuses: bool
) -> int:
    """The marks that a report brings: by its urgency, its class (`severe` of the pack), the words of its text, the kind
    of danger to life that it is ("" none), and whether it accuses somebody (an informant) or a unit of the city."""
    severe = class_listed or GRAVITY[urgency] >= GRAVITY[Urgency.URGENT]
    weak = vulnerable is not None and vulnerable.search(text) is not None
    said = (SEVERE if severe else 0) | (VULNERABLE if weak else 0)
    kind = DANGER | 1 << KINDS_FROM + crc32(danger.encode()) % KINDS if danger else 0
    return said | kind | (ACCUSES if accuses else 0)


def one_danger(marks: int, others: int) -> bool:
    """Whether both matters are dangers of one kind."""
    return bool(marks & others & DANGER) and bool((marks & others) >> KINDS_FROM)


def quiet(
    *, opened_at: datetime, voices: int, reports: int, marks: int, now: datetime, limits: Warnings
) -> Quiet | None:
    """Whether an order that is open is one of the quiet few; None if not."""
    days, voices = (now - opened_at).total_seconds() / 86_400, voices + (1 if marks & MOVED else 0)
    if days < limits.quiet_days or voices > limits.quiet_voices:
        return None
    age = 1 + int(log2(days / limits.quiet_days))
    found = [(age, "age", f"已 {days:.0f} 天未解决 | unsolved for {days:.0f} days")]
    if marks & SEVERE:
        found.append((2, "severe", "情况严重 | severe"))
    if marks & VULNERABLE:
        found.append((2, "vulnerable", "涉及弱势人群 | of people who cannot shout"))
    if marks & AGAIN:
        found.append((1, "again", "办结后又重办 | came back after it was closed"))
    if reports > voices:
        found.append((1, "repeated", f"同一人反复反映 {reports} 次 | said {reports} times by the same"))
    points = sum(each for each, _, _ in found)
    if points < NEEDED:
        return None
    alone = "仅一人反映" if voices == 1 else f"仅 {voices} 人反映"
    chinese = "，".join([alone, *(told.partition(" | ")[0] for *_, told in found)])
    english = ", ".join([f"{voices} voice(s)", *(told.partition(" | ")[2] for *_, told in found)])
    return Quiet(points, tuple(name for _, name, _ in found), days, f"{chinese} | {english}")
