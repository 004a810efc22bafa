"""The same reporter, the same matter, no new fact: a repeat (重复件). The agent gives the earlier answer; whether there
is something new after all is a person's to say. Source: design §6.5; domain notes §B4.
"""

import unicodedata
from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from schemas.facts import Reporter, ReportReceived

NOTHING_NEW = 0.6  # share of a report's word pairs that an earlier one has already


class Earlier(Struct, frozen=True):
    """A report that hangs on the order already, with who sent it."""

    report_id: UUID
    report: ReportReceived
    reporter: Reporter


def repeat_of(report: ReportReceived, reporter: Reporter | None, earlier: Iterable[Earlier]) -> UUID | None:
    """The first earlier report on the same order by the same person that says as much; None when there is none. A new
    picture or document is a new fact."""
    if reporter is None or report.attachments:
        return None
    said = pairs(f"{report.title}{report.text}")
    for one in earlier:
        if same_person(reporter, one.reporter):
            before = pairs(f"{one.report.title}{one.report.text}")
            if not said or len(said & before) >= NOTHING_NEW * len(said):
                return one.report_id
    return None


def same_person(one: Reporter, other: Reporter) -> bool:
    """By the number of an identity document, else by telephone; a name alone tells nobody apart."""
    if one.person_id and other.person_id:
        return one.person_id == other.person_id
    return bool(one.phone) and digits(one.phone) == digits(other.phone)


def digits(phone: str | None) -> str:
    """A telephone number as it is compared: its last eleven digits."""
    return "".join(c for c in unicodedata.normalize("NFKC", phone or "") if c.isdigit())[-11:]


def pairs(text: str) -> frozenset[str]:
    """The pairs of neighbouring letters and digits in a text, whatever its width, case and punctuation."""
    plain = [c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum()]
    return frozenset(a + b for a, b in zip(plain, plain[1:], strict=False))
