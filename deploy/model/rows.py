"""Rows that a model learns from: a plain text, what it is about, and where that is known from."""

import csv
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

from deploy.stack.trouble import Trouble
from schemas.model import DataPart
from schemas.vocabulary import TicketType
from services.router.rules.text import plain

COLUMNS = ("text", "class")
LARGEST = 2_000_000  # rows of one file


class Row(Struct, frozen=True):
    """One text. `ticket` may be "" (not known). Rows of one `group` say the same in like words, and never stand on both
    sides of a split; `weight` is what the row counts in training; `origin` names its source. A `drill` row
    teaches, but says next to nothing of how sure the model may be."""

    text: str
    class_key: str
    ticket: str = ""
    group: str = ""
    weight: float = 1.0
    origin: str = ""
    drill: bool = False


def read_csv(path: Path, classes: Iterable[str]) -> list[Row]:
    """The rows of a CSV file (UTF-8) with the columns text, class and, if present, ticket_type and group. Without a
    group equal texts are one.

    Raises Trouble that names file, line and cause for a column that is missing or a class that the city does not have.
    """
    known = set(classes)
    tickets = {str(ticket) for ticket in TicketType}
    rows: list[Row] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise Trouble(f"{path}:1: no column {', '.join(missing)}", "the first line names text and class")
            for row in reader:
                rows.append(_row(path, reader.line_num, row, known, tickets))
                if len(rows) > LARGEST:
                    raise Trouble(f"{path}:{reader.line_num}: more than {LARGEST} rows", "train on a part of them")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Trouble(f"{path}: {error}", "give a CSV file in UTF-8") from error
    return rows


def _row(path: Path, line: int, row: dict[str, str], known: set[str], tickets: set[str]) -> Row:
    text, key, ticket = plain(row["text"] or "").strip(), (row["class"] or "").strip(), row.get("ticket_type") or ""
    if not text:
        raise Trouble(f"{path}:{line}: text is empty", "leave the row out")
    if key not in known:
        raise Trouble(
            f"{path}:{line}: the city has no class {key!r}", "use a key of its classes.csv: standard/kind/code"
        )
    if ticket and ticket not in tickets:
        raise Trouble(
            f"{path}:{line}: no ticket type {ticket!r}", f"use one of {', '.join(sorted(tickets))}, or nothing"
        )
    return Row(text, key, ticket, row.get("group") or text, 1.0, path.name)


def part_of(name: str, rows: Sequence[Row]) -> DataPart:
    """Rows as a model card names them."""
    digest = blake2b(digest_size=8)
    for row in rows:
        digest.update(f"{row.class_key}\x1f{row.ticket}\x1f{row.text}\n".encode())
    return DataPart(name, len(rows), digest.hexdigest())
