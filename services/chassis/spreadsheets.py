"""Lists as CSV that spreadsheets open as they are meant."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

BOM = b"\xef\xbb\xbf"  # with it spreadsheets read Chinese


def csv_lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Lines of CSV in UTF-8; a cell that a spreadsheet would take for a formula is told to be text."""
    out = io.StringIO()
    csv.writer(out).writerows(
        [f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell for cell in row]
        for row in rows
    )
    return out.getvalue().encode()
