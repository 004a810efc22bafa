"""The files of a city pack as rows with line numbers: CSV, TOML tables and GeoJSON features, turned into structs.

Knows how things are written, not what they mean: references and rules are checked elsewhere.
"""

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from services.chassis.city.faults import FaultList

T = TypeVar("T", bound=msgspec.Struct)
_CLOCK = re.compile(r"^\d{1,2}:\d{2}$")
_FEATURE = re.compile(r'"type"\s*:\s*"Feature"')
_TABLE = re.compile(r"^[ \t]*\[\[[ \t]*\w+[ \t]*\]\]", re.MULTILINE)
_PLACE_IN_ERROR = re.compile(r"\s*\(at line (\d+), column \d+\)|\s*\(at end of document\)")


@dataclass
class Table(Generic[T]):
    """The readable rows of one file with their lines; `keys` also holds those of unreadable rows, so that one broken
    row is one fault and not one more for each reference to it."""

    file: str
    rows: list[tuple[int, T]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    present: bool = False

    def __iter__(self) -> Iterator[tuple[int, T]]:
        return iter(self.rows)

    @property
    def items(self) -> tuple[T, ...]:
        """The rows without their lines."""
        return tuple(item for _, item in self.rows)


@dataclass(frozen=True)
class CsvShape(Generic[T]):
    """How a CSV file maps to a struct: `lists` are columns separated by |, `empties` may be empty without default,
    `times` hold a local time of day, `optional` may be absent altogether; `needed` says whether the file may not."""

    file: str
    struct: type[T]
    key: str
    columns: tuple[str, ...]
    lists: tuple[str, ...] = ()
    empties: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    needed: bool = True


def text_of(directory: Path, file: str, faults: FaultList) -> str | None:
    """The text of a file (UTF-8, a byte-order mark is allowed), or None with the fault noted."""
    try:
        raw = (directory / file).read_bytes()
    except FileNotFoundError:
        faults.add(file, 0, "file is missing")
        return None
    except OSError as trouble:
        faults.add(file, 0, f"cannot be read: {trouble.strerror}")
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as trouble:
        faults.add(file, raw.count(b"\n", 0, trouble.start) + 1, "not UTF-8")
        return None


def csv_rows(
    directory: Path, file: str, columns: tuple[str, ...], faults: FaultList, optional: tuple[str, ...] = ()
) -> list[tuple[int, list[str]]]:
    """Rows of a CSV file, cells in the order of `columns` whatever the header's order, empty for an `optional` column
    that is absent; [] with faults noted."""
    text = text_of(directory, file, faults)
    if text is None:
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        header = [cell.strip() for cell in next(reader, [])]
        absent = [column for column in optional if column not in header]
        if not _header_fits(file, [*header, *absent], columns, faults):
            return []
        order = [(header + absent).index(column) for column in columns]
        straight = order == list(range(len(order)))
        blank = [""] * len(absent)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                faults.add(file, reader.line_num, f"{len(cells)} cells where the header has {len(header)}")
                continue
            whole = cells + blank
            rows.append((reader.line_num, whole if straight else [whole[position] for position in order]))
    except csv.Error as trouble:
        faults.add(file, reader.line_num, f"not CSV: {trouble}")
    return rows


def _header_fits(file: str, header: list[str], columns: tuple[str, ...], faults: FaultList) -> bool:
    missing = [column for column in columns if column not in header]
    unknown = [column for column in header if column not in columns]
    twice = sorted({column for column in header if header.count(column) > 1})
    for cause, names in (("missing", missing), ("unknown", unknown), ("repeated", twice)):
        if names:
            faults.add(file, 1, f"{cause} column: {', '.join(names)}")
    return not (missing or twice)


def csv_table(directory: Path, shape: CsvShape[T], faults: FaultList) -> Table[T]:
    """A CSV file as structs; a row with a fault is left out and each of its faulty cells is noted."""
    table: Table[T] = Table(shape.file)
    if not shape.needed and not (directory / shape.file).exists():
        return table
    rows = csv_rows(directory, shape.file, shape.columns, faults, shape.optional)
    table.present = bool(rows)
    columns, lists, empties = shape.columns, frozenset(shape.lists), frozenset(shape.empties)
    key = columns.index(shape.key)
    for line, cells in rows:
        values: dict[str, Any] = {}
        for column, cell in zip(columns, cells, strict=True):
            if column in lists:
                if cell:
                    values[column] = [part.strip() for part in cell.split("|") if part.strip()]
            elif cell or column in empties:
                values[column] = clock_times(cell.strip()) if column in shape.times else cell.strip()
        table.keys.add(cells[key].strip())
        item = struct_of(shape.struct, values, shape.file, line, faults, strict=False)
        if item is not None:
            table.rows.append((line, item))
    return table


def struct_of(
    struct: type[T], values: dict[str, Any], file: str, line: int, faults: FaultList, *, strict: bool = True
) -> T | None:
    """One struct from plain values, or None with a fault for each missing, unknown or wrongly typed field."""
    try:
        item = msgspec.convert(values, struct, strict=strict)
        if not strict or all(name in struct.__struct_fields__ for name in values):  # a CSV header is checked already
            return item
    except msgspec.ValidationError:
        pass
    before = len(faults.found)
    known = {info.name: info for info in msgspec.structs.fields(struct)}
    for name in values.keys() - known.keys():
        faults.add(file, line, f"unknown field {name!r}")
    for name, info in known.items():
        if name not in values:
            if info.required:
                faults.add(file, line, f"{name}: missing")
            continue
        try:
            msgspec.convert(values[name], info.type, strict=strict)
        except msgspec.ValidationError as trouble:
            faults.add(file, line, f"{name}: {trouble}")
    if len(faults.found) == before:
        faults.add(file, line, f"cannot be read as {struct.__name__}")
    return None


@dataclass
class Document:
    """A TOML file: its values and where each [[table]] starts; `starts` says it where not all of it could be read."""

    file: str
    values: dict[str, Any] = field(default_factory=dict)
    starts: dict[str, list[int]] = field(default_factory=dict)
    text: str = ""
    present: bool = False
    whole: bool = True  # whether all of it could be read

    def line_of(self, name: str) -> int:
        """Line of the top-level `name = …`, or of the first `[name]` or `[[name]]`; 1 where there is none."""
        value = re.compile(rf"^\s*{re.escape(name)}\s*=")
        header = re.compile(rf"^\s*\[\[?\s*{re.escape(name)}\s*\]")
        top = True
        for number, line in enumerate(self.text.split("\n"), 1):
            if header.match(line) or (top and value.match(line)):
                return number
            top = top and not re.match(r"^\s*\[\[?\s*\w+\s*\]", line)
        return 1

    def tables(self, name: str, faults: FaultList) -> list[tuple[int, dict[str, Any]]]:
        """The [[name]] tables with the lines of their headers."""
        found = self.values.get(name, [])
        if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
            faults.add(self.file, self.line_of(name), f"{name} must be written as [[{name}]] tables")
            return []
        header = re.compile(rf"^[ \t]*\[\[[ \t]*{re.escape(name)}[ \t]*\]\]", re.MULTILINE)
        lines = self.starts.get(name, []) if not self.whole else _lines_of(self.text, header)
        lines += [self.line_of(name)] * (len(found) - len(lines))
        return list(zip(lines, found, strict=False))

    def allow(self, names: tuple[str, ...], faults: FaultList) -> None:
        """Note every top-level name that is not one of these."""
        for name in self.values.keys() - set(names):
            faults.add(self.file, self.line_of(name), f"unknown name {name!r}")

    def word(self, name: str, faults: FaultList, default: str | None = None) -> str:
        """A top-level string; without default its absence is a fault."""
        value = self.values.get(name, default)
        if isinstance(value, str) and (value or default == ""):
            return value
        if self.present:
            cause = "missing" if value is None else "must be a string that is not empty"
            faults.add(self.file, self.line_of(name), f"{name}: {cause}")
        return ""


def toml_document(directory: Path, file: str, faults: FaultList) -> Document:
    """A TOML file; empty, with the fault noted, when it cannot be read."""
    text = text_of(directory, file, faults)
    if text is None:
        return Document(file, whole=False)
    try:
        return Document(file, tomllib.loads(text), text=text, present=True)
    except tomllib.TOMLDecodeError as trouble:
        faults.add(file, *_place(trouble, text, 1))
        return Document(file, whole=False)


def toml_rows(directory: Path, file: str, faults: FaultList, text: str | None = None) -> Document:
    """A TOML file of [[tables]], or a `text` that takes its place. Each table that cannot be read is one fault, and the
    others are read all the same."""
    text = text_of(directory, file, faults) if text is None else text
    if text is None:
        return Document(file, whole=False)
    try:
        return Document(file, tomllib.loads(text), text=text, present=True)
    except tomllib.TOMLDecodeError as trouble:
        pieces = _pieces(text)
        document = Document(file, text=text, whole=False)
        before = len(faults.found)
        for start, piece in pieces:
            sound = _add_piece(document, start, piece, faults)
            document.present = document.present or (start == 1 and sound)
        if len(faults.found) == before:  # the pieces are sound, but not together
            faults.add(file, *_place(trouble, text, 1))
        return document


def _place(trouble: tomllib.TOMLDecodeError, text: str, start: int) -> tuple[int, str]:
    """Line and cause of what cannot be read in a text that begins in line `start`."""
    at = _PLACE_IN_ERROR.search(str(trouble))
    line = int(at.group(1)) if at and at.group(1) else text.count("\n") + 1
    return start + line - 1, f"not TOML: {_PLACE_IN_ERROR.sub('', str(trouble))}"


def _pieces(text: str) -> list[tuple[int, str]]:
    """A TOML text cut before each [[table]], with the line where each piece begins."""
    starts = [found.start() for found in _TABLE.finditer(text)]
    if not starts or starts[0] > 0:
        starts.insert(0, 0)
    ends = [*starts[1:], len(text)]
    pieces, line = [], 1
    for start, end in zip(starts, ends, strict=True):
        pieces.append((line, text[start:end]))
        line += text.count("\n", start, end)
    return pieces


def _add_piece(document: Document, start: int, piece: str, faults: FaultList) -> bool:
    """What one piece says, put to what others said. Whether it could be read; noted where not."""
    try:
        values = tomllib.loads(piece)
    except tomllib.TOMLDecodeError as trouble:
        faults.add(document.file, *_place(trouble, piece.rstrip("\n"), start))
        return False
    for name, value in values.items():
        if isinstance(value, list) and isinstance(document.values.get(name, []), list):
            document.values.setdefault(name, []).extend(value)
            document.starts.setdefault(name, []).append(start)
        else:
            document.values[name] = value
    return True


def _lines_of(text: str, header: re.Pattern[str]) -> list[int]:
    """The lines in which a header stands."""
    lines, line, at = [], 1, 0
    for found in header.finditer(text):
        line += text.count("\n", at, found.start())
        at = found.start()
        lines.append(line)
    return lines


def toml_table(document: Document, name: str, struct: type[T], key: str, faults: FaultList) -> Table[T]:
    """The [[name]] tables of a document as structs; their own `line` field, where they have one, is filled."""
    table: Table[T] = Table(document.file, present=document.present)
    has_line = "line" in struct.__struct_fields__
    for line, values in document.tables(name, faults):
        given = {field_name: clock_times(value) for field_name, value in values.items()}
        if has_line and "line" in given:
            faults.add(document.file, line, "unknown field 'line'")
        if has_line:
            given["line"] = line
        table.keys.add(str(values.get(key, "")))
        item = struct_of(struct, given, document.file, line, faults)
        if item is not None:
            table.rows.append((line, item))
    return table


def clock_times(value: Any) -> Any:
    """`"9:00"` as `"09:00:00"`, which is what a time of day is read from, and `"24:00"` as the midnight it is; lists
    inside out, the rest as it is."""
    if isinstance(value, list):
        return [clock_times(part) for part in value]
    if isinstance(value, str) and _CLOCK.match(value):
        return "00:00:00" if value == "24:00" else f"{value:0>5}:00"
    return value


def features_of(directory: Path, file: str, faults: FaultList) -> list[tuple[int, dict[str, Any]]]:
    """The features of a GeoJSON collection with the line each starts on. The file may be absent: a pack may have no
    polygons."""
    if not (directory / file).exists():
        return []
    text = text_of(directory, file, faults)
    if text is None:
        return []
    try:
        collection = json.loads(text)
        features = collection["features"]
        if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
            raise TypeError
    except json.JSONDecodeError as trouble:
        faults.add(file, trouble.lineno, f"not JSON: {trouble.msg}")
        return []
    except (KeyError, TypeError):
        faults.add(file, 1, "not a GeoJSON FeatureCollection")
        return []
    lines = [text.count("\n", 0, found.start()) + 1 for found in _FEATURE.finditer(text)]
    lines += [1] * (len(features) - len(lines))
    return list(zip(lines, features, strict=False))
