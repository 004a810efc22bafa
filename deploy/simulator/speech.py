"""How people of a city speak: problems, openings, places, wishes, read from `speech/<city>/` and compiled.

A city without a folder of its own is spoken for in plain English, its problems made of the words of its classes.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from deploy.simulator.grammar import Phrase
from schemas.city import City

__all__ = ["Problem", "Speech", "speech_of"]

FOLDER = Path(__file__).parent / "speech"
PLAIN = "plain"
_USUAL_TYPES = ("complaint", "complaint", "help", "complaint", "help", "suggestion")


class Problem(Struct, frozen=True, eq=False):
    """One kind of matter with its wordings. `types` are the ticket types it comes as; `police_class` is the 110 class
    code; `kind` names a danger."""

    class_key: str
    wordings: tuple[Phrase, ...]
    types: tuple[str, ...] = _USUAL_TYPES
    weight: float = 2.0
    police_class: str = ""
    kind: str = ""


class Speech(Struct, frozen=True, eq=False):
    """Everything said. `phrases` are the compiled lists by `section.name`; `pairs` turn simplified into traditional
    characters; `roads` are road names by district code."""

    language: str
    comma: str
    stop: str
    lists: Mapping[str, tuple[str, ...]]
    phrases: Mapping[str, tuple[Phrase, ...]]
    surnames: tuple[str, ...]
    calls: tuple[str, ...]
    phone: str
    problems: tuple[Problem, ...]
    police: tuple[Problem, ...]
    dangers: tuple[Problem, ...]
    roads: Mapping[str, tuple[str, ...]]
    pairs: Mapping[int, str]
    storm_classes: tuple[str, ...]
    storm_devices: tuple[str, ...]


def speech_of(city: City) -> Speech:
    """The speech of a city. Raises GrammarFault or KeyError when its files do not fit together or name a class that
    the city does not have."""
    folder = FOLDER / city.name
    if not folder.is_dir():
        folder = FOLDER / PLAIN
    said = _toml(folder / "speech.toml")
    lists = {name: tuple(items) for name, items in said["lists"].items()}
    problems = _problems(folder, lists) or _problems_of_classes(city, said, lists)
    known = {item.key for item in city.classes}
    for problem in problems:
        if problem.class_key not in known:
            raise KeyError(f"{folder}: the city has no class {problem.class_key}")
    roads = _toml(folder / "roads.toml").get("roads", {})
    pairs = _toml(folder / "script.toml").get("pairs", "").split()
    return Speech(
        language=said["language"],
        comma=said["comma"],
        stop=said["stop"],
        lists=lists,
        phrases=_phrases(said, lists),
        surnames=tuple(said["ticket"]["surnames"]),
        calls=tuple(said["ticket"]["calls"]),
        phone=said["ticket"]["phone"],
        problems=problems,
        police=_police(city, folder, problems, lists),
        dangers=_dangers(folder, lists),
        roads={code: tuple(names.split()) for code, names in roads.items()},
        pairs={ord(pair[0]): pair[1] for pair in pairs},
        storm_classes=tuple(said["storm"]["classes"]) or tuple(problem.class_key for problem in problems[:3]),
        storm_devices=tuple(said["storm"]["devices"]),
    )


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _phrases(said: Mapping[str, Any], lists: Mapping[str, Sequence[str]]) -> dict[str, tuple[Phrase, ...]]:
    return {
        f"{section}.{name}": tuple(Phrase(text, lists) for text in texts)
        for section, entries in said.items()
        if section in ("ticket", "call", "finding", "places")
        for name, texts in entries.items()
        if isinstance(texts, list) and name not in ("calls", "surnames")
    }


def _wordings(row: Mapping[str, Any], lists: Mapping[str, Sequence[str]]) -> tuple[Phrase, ...]:
    return tuple(Phrase(line.strip(), lists) for line in row["say"].strip().splitlines())


def _problems(folder: Path, lists: Mapping[str, Sequence[str]]) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            class_key=row["class"],
            wordings=_wordings(row, lists),
            types=tuple(row["types"].split()) if "types" in row else _USUAL_TYPES,
            weight=row.get("weight", 2.0),
        )
        for path in sorted((folder / "problems").glob("*.toml"))
        for row in _toml(path)["problem"]
    )


def _problems_of_classes(
    city: City, said: Mapping[str, Any], lists: Mapping[str, Sequence[str]]
) -> tuple[Problem, ...]:
    """One problem per class, its wordings made of the class's words and the frames of `[classes]`."""
    frames: list[str] = said["classes"]["frames"]
    found = []
    for item in city.classes:
        words = [word for word in (item.name_en or item.name, *item.words) if not set(word) & set("{}|@")]
        if words:
            choice = "{" + "|".join(dict.fromkeys(words)) + "}" if len(set(words)) > 1 else words[0]
            found.append(Problem(item.key, tuple(Phrase(frame.replace("{word}", choice), lists) for frame in frames)))
    return tuple(found)


def _police(
    city: City, folder: Path, problems: tuple[Problem, ...], lists: Mapping[str, Sequence[str]]
) -> tuple[Problem, ...]:
    """What 110 hands over: its own wordings by class code, and those of the classes that its codes name."""
    codes = {item.code: item for item in city.police_classes}
    own = [
        Problem("", _wordings(row, lists), weight=row.get("weight", 2.0), police_class=row["code"])
        for row in _toml(folder / "calls.toml").get("call", [])
    ]
    for problem in own:
        if problem.police_class not in codes:
            raise KeyError(f"{folder}: the city has no 110 class {problem.police_class}")
    by_class = {problem.class_key: problem for problem in problems}
    taken = {problem.police_class for problem in own}
    borrowed = [
        Problem(item.class_key, by_class[item.class_key].wordings, weight=4.0, police_class=item.code)
        for item in city.police_classes
        if item.class_key in by_class and item.code not in taken
    ]
    return (*own, *borrowed)


def _dangers(folder: Path, lists: Mapping[str, Sequence[str]]) -> tuple[Problem, ...]:
    return tuple(
        Problem("", _wordings(row, lists), types=("help",), police_class=row.get("code", ""), kind=row["kind"])
        for row in _toml(folder / "dangers.toml").get("danger", [])
    )
