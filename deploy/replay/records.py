"""The City of Boston's published 311 requests of 2011, as rows that can be sent and compared.

Reads the whole file of the portal and the excerpt that ships. Free text, addresses and names are not kept: of the title
only whether it is the standard title of the request's type.
"""

import csv
import gzip
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

ZONE = ZoneInfo("America/New_York")
FULL_FILE = Path("311") / "boston311_2011H2.csv.gz"
EXCERPT = Path(__file__).resolve().parents[1] / "cities" / "boston" / "excerpt.csv"
EXCERPT_COLUMNS = (
    "case_enquiry_id", "open_dt", "target_dt", "closed_dt", "ontime", "case_status", "own_title", "subject", "reason",
    "type", "queue", "department", "neighborhood", "source",
)  # fmt: skip
_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")


class Record(Struct, frozen=True, gc=False):
    """One published request, times in UTC. `own_title`: it still carries the standard title of its type, so it was
    opened as that type; False means that it was opened as something else or titled by hand. `on_time` is the published
    flag, None where none is published."""

    case_id: str
    opened: datetime
    target: datetime | None
    closed: datetime | None
    on_time: bool | None
    own_title: bool
    type: str
    reason: str
    subject: str
    queue: str
    department: str
    neighbourhood: str
    channel: str
    lon: float | None = None
    lat: float | None = None


def read(path: Path, rows: int | None = None) -> Iterator[Record]:
    """The first `rows` records of a file (all if None), plain or gzipped, in file order. Raises FileNotFoundError, and
    ValueError naming the line of a row that cannot be read."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as text:
        for number, row in enumerate(csv.DictReader(text)):
            if rows is not None and number >= rows:
                return
            try:
                yield record_of(row)
            except (KeyError, ValueError) as trouble:
                raise ValueError(f"{path}:{number + 2}: {trouble}") from trouble


def source_of(data: Path | None) -> Path:
    """The file to replay: the full one below a data folder, or the excerpt that ships where no folder is named."""
    return data / FULL_FILE if data else EXCERPT


def record_of(row: dict[str, str]) -> Record:
    """A row of either file. Raises KeyError for a column that is missing, ValueError for a time that is none."""
    flag = row["ontime"].strip()
    return Record(
        case_id=row["case_enquiry_id"],
        opened=_moment(row["open_dt"]) or _missing("open_dt"),
        target=_moment(row["target_dt"]),
        closed=_moment(row["closed_dt"]),
        on_time={"ONTIME": True, "OVERDUE": False}[flag] if flag else None,
        own_title=row["own_title"] == "yes" if "own_title" in row else row["case_title"] == row["type"],
        type=tidy(row["type"]),
        reason=tidy(row["reason"]),
        subject=tidy(row["subject"]),
        queue=tidy(row["queue"]),
        department=tidy(row["department"]),
        neighbourhood=tidy(row["neighborhood"]),
        channel=tidy(row["source"]),
        lon=_number(row.get("longitude", "")),
        lat=_number(row.get("latitude", "")),
    )


def tidy(text: str) -> str:
    """The text with single blanks; "no value" is often one blank in the published file."""
    return " ".join(text.split())


def code_of(type_name: str) -> str:
    """The class code of a request type: its name in lower case, words joined by hyphens."""
    return _NOT_A_LETTER.sub("-", type_name.lower()).strip("-")


def _moment(text: str) -> datetime | None:
    """A published time (wall clock of Boston, without zone) in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC) if text.strip() else None


def _number(text: str) -> float | None:
    return float(text) if text.strip() else None


def _missing(column: str) -> datetime:
    raise ValueError(f"{column} is empty")
