"""A city that is reorganised at a midnight of our choosing: a copy of Shanghai's pack in a time zone made for it, in
which 曹家渡街道 becomes part of 静安寺街道, and its sanitation station part of that one's, which gets another name."""

import csv
import struct
import zoneinfo
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from os import pathsep
from pathlib import Path
from shutil import copytree

from deploy.stack.processes import city_folder

ENDS, STAYS = "310106014", "310106013"  # 曹家渡街道, 静安寺街道
OLD, OLD_NAME = f"{ENDS}-sanitation", "曹家渡市容环卫所"
NEW, NAME_BEFORE, NAME = f"{STAYS}-sanitation", "静安寺市容环卫所", "静安寺城市服务中心"
ZONE = "Test/Reorganised"
Row = dict[str, str]


def write_zone(folder: Path, midnight: datetime) -> date:
    """A time zone in which that moment is a midnight, the nearest to UTC's; the day that begins with it."""
    day = (midnight + timedelta(hours=12)).astimezone(UTC).date()
    offset = round((datetime.combine(day, datetime.min.time(), UTC) - midnight).total_seconds())
    path = folder / ZONE
    path.parent.mkdir(parents=True, exist_ok=True)
    head = struct.pack(">4sc15x6l", b"TZif", b"\0", 0, 0, 0, 0, 1, 4)  # one kind of local time, a name of four bytes
    path.write_bytes(head + struct.pack(">lbb", offset, 0, 0) + b"LOC\0")
    return day


def zone_path(folder: Path) -> str:
    """Where Python finds time zones, ours first."""
    return pathsep.join((str(folder), *zoneinfo.TZPATH))


def write_pack(folder: Path, day: date) -> Path:
    """The pack of the city that is reorganised on that day."""
    copytree(city_folder("shanghai"), folder)
    settings = folder / "city.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace('timezone = "Asia/Shanghai"', f'timezone = "{ZONE}"'), encoding="utf-8")
    _rewrite(folder / "divisions.csv", day, _division)
    _rewrite(folder / "units.csv", day, _unit)
    return folder


def _division(row: Row) -> Row | None:
    if row["code"] == STAYS:
        return row | {"aliases": f"曹家渡街道|曹家渡|{ENDS}"}
    return row | {"parent": STAYS} if row["parent"] == ENDS else row


def _unit(row: Row) -> Row | None:
    function = row["unit_id"].removeprefix(f"{ENDS}-")
    if row["division"] == ENDS:
        return {"successor": f"{STAYS}-{function}"}
    if row["unit_id"] == NEW:
        return row | {"name": NAME}
    return row | {"parent": f"{STAYS}-street_office"} if row["parent"] == f"{ENDS}-street_office" else row


def _rewrite(path: Path, day: date, changed: Callable[[Row], Row | None]) -> None:
    """Each row that changes ends the day before, and goes on changed, or with nothing but a successor."""
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        rows, names = list(reader), list(reader.fieldnames or ())
    last = (day - timedelta(days=1)).isoformat()
    with path.open("w", encoding="utf-8", newline="") as lines:
        names = list(dict.fromkeys((*names, "valid_from", "valid_to", *(["successor"] if "unit_id" in names else []))))
        writer = csv.DictWriter(lines, names, restval="", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            new = None if row.get("code") == ENDS else changed(row)
            if new == row:
                writer.writerow(row)
                continue
            writer.writerow(row | {"valid_to": last} | ({"successor": new["successor"]} if _ends(new) else {}))
            if new is not None and not _ends(new):
                writer.writerow(new | {"valid_from": day.isoformat()})


def _ends(row: Row | None) -> bool:
    return row is not None and row.keys() == {"successor"}
