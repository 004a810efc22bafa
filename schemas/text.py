"""Text in one normal form, the same wherever a report is read: what intake lets overtake and what the router then looks
at closely must be found by the same signs."""

import unicodedata

from schemas.facts import ReportReceived
from schemas.script import SIMPLIFIED


def _table() -> list[str]:
    table = [chr(code) for code in range(0x10000)]
    for code in range(0xFF01, 0xFF5F):
        table[code] = chr(code - 0xFEE0)
    for code in range(0x20):
        table[code] = " "
    table[0x0A] = "\n"
    table[0x3000] = table[0xA0] = table[0x7F] = table[0xFEFF] = " "
    for code in range(0xD800, 0xE000):
        table[code] = "\ufffd"
    for mark, simple in SIMPLIFIED.items():
        table[ord(mark)] = simple
    return [mark.lower() if mark.isascii() else mark for mark in table]


_TABLE = _table()


def plain(text: str) -> str:
    """The text in its normal form: half-width, simplified script, lower case, no control signs but line ends.

    Deterministic and idempotent. Signs outside the table (emoji) stay as they are, lone surrogates become U+FFFD.
    """
    text = text.translate(_TABLE)
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text).translate(_TABLE)
    return text


def wording(report: ReportReceived) -> str:
    """What a report says, plain, in three parts: address (always the first line), title, text."""
    address = report.address.replace("\n", " ")
    return plain(f"{address}\n{report.title}\n{report.text}")
