"""A city's authored corpus (`cities/NAME/corpus/*.toml`), said many times in many frames: rows for training.

The phrases were written for this project from general knowledge of what callers say; no row of any real ticket is in
them. Rows of one phrase are one group, so that a split never tests a phrase on itself.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from deploy.model.rows import Row
from deploy.simulator.grammar import GrammarFault, Phrase, Rand, pick
from deploy.stack.trouble import Trouble
from schemas.city import City
from schemas.vocabulary import TicketType, Tier
from services.router.rules.text import plain

FOLDER, FRAMES = "corpus", "frames.toml"
TIMES = 14  # how often a phrase is said
_BARE = 0.18  # of them without a frame
_DEFAULT = "complaint"
_OTHER = {"complaint": "help", "help": "complaint"}
_KINDS = ("say", "ask", "wish")
_WORD_TIMES, _WORD_WEIGHT = 3, 0.7


class Frames:
    """How a ticket is written around what is the matter."""

    def __init__(self, said: Mapping[str, Any], city: City, rand: Rand) -> None:
        self._rand = rand
        self.lists = {name: tuple(items) for name, items in said["lists"].items()}
        self._open = said["openings"]["any"]
        self._bodies = {kind: tuple(said["bodies"][kind]) for kind in _KINDS}
        self._stories, self._wishes = said["stories"]["any"], said["wishes"]
        self._places = said["places"]
        self.tails = tuple(said["tails"]["any"])
        self._names: dict[Tier, list[str]] = {}
        for division in city.divisions:
            self._names.setdefault(division.tier, []).append(division.name)

    def place(self) -> str:
        """A place as callers name it."""
        rand, places = self._rand, self._places
        blanks = {
            "road": pick(places["roads"], rand) + pick(places["kinds"], rand),
            "road2": pick(places["roads"], rand) + pick(places["kinds"], rand),
            "lane": str(int(rand() * 3000) + 1),
            "small": str(int(rand() * 40) + 1),
            "room": str(int(rand() * 2000) + 101),
            "estate": pick(places["estates"], rand),
        }
        for name, tier in (("district", Tier.DISTRICT), ("street", Tier.STREET), ("committee", Tier.COMMITTEE)):
            blanks[name] = pick(self._names.get(tier) or [""], rand)
        return str(pick(places["spots"], rand)).format(**blanks)

    def ticket(self, said: str, kind: str, usual: str) -> tuple[str, str]:
        """A whole ticket and its type; `usual` is what the class usually is."""
        rand = self._rand
        if rand() < _BARE:
            return said, usual if kind == "say" else _type(kind, usual)
        ticket = self._type(kind, usual)
        blanks = {
            "place": self.place(),
            "said": said,
            "when": pick(self.lists["when"], rand),
            "since": pick(self.lists["since"], rand),
            "digits": str(1000 + int(rand() * 9000)),
        }
        parts = [str(pick(self._bodies[kind], rand)).format(**blanks)]
        if kind == "say":
            parts.append(str(pick(self._stories, rand)).format(**blanks))
        parts.append(pick(self._wishes[ticket], rand))
        opening = str(pick(self._open, rand)).format(**blanks)
        return opening + pick(("，", "。", "，"), rand).join(part for part in parts if part) + "。", ticket

    def _type(self, kind: str, usual: str) -> str:
        if kind != "say" or usual not in _OTHER:
            return _type(kind, usual)
        chance = self._rand()
        return usual if chance < 0.68 else _OTHER[usual] if chance < 0.88 else str(TicketType.INFORMANT)


def _type(kind: str, usual: str) -> str:
    return {"ask": "consultation", "wish": "suggestion"}.get(kind, usual)


def corpus_rows(folder: Path, city: City, seed: int = 20260101, times: int = TIMES) -> list[Row]:
    """All rows of the corpus below the pack `folder`, the same for the same seed; none if the pack has no corpus.

    Raises Trouble that names the file and the cause for a class that the city does not have or a phrase that cannot be
    said.
    """
    where = folder / FOLDER
    if not (where / FRAMES).is_file():
        return []
    rand = Random(seed).random
    frames = Frames(_toml(where / FRAMES), city, rand)
    known = {item.key for item in city.classes}
    rows: list[Row] = []
    for path in sorted(where.glob("*.toml")):
        if path.name == FRAMES:
            continue
        for key, entry in _toml(path).items():
            if key not in known:
                raise Trouble(f"{path}: the city has no class {key!r}", "use a key of its classes.csv")
            for kind in _KINDS:
                for number, line in enumerate(entry.get(kind, "").strip().splitlines()):
                    group = f"{path.stem}/{key}#{kind}{number}"
                    rows += _said(path, line, group, key, kind, entry.get("type", _DEFAULT), frames, rand, times)
    return rows


def word_rows(city: City, folder: Path, seed: int = 20260102) -> list[Row]:
    """The words of the classes, each said a few times in the frames of the corpus: what the lexicon knows, the model
    shall know too. None if the pack has no corpus."""
    where = folder / FOLDER / FRAMES
    if not where.is_file():
        return []
    rand = Random(seed).random
    frames = Frames(_toml(where), city, rand)
    rows: list[Row] = []
    for item in city.classes:
        for word in dict.fromkeys((item.name, *item.words)):
            for _ in range(_WORD_TIMES):
                text, _ = frames.ticket(word + pick(frames.tails, rand), "say", _DEFAULT)
                rows.append(
                    Row(plain(text), item.key, "", f"words/{item.key}/{word}", _WORD_WEIGHT, "classes.csv", drill=True)
                )
    return rows


def _said(
    path: Path, line: str, group: str, key: str, kind: str, usual: str, frames: Frames, rand: Rand, times: int
) -> list[Row]:
    try:
        phrase = Phrase(line.strip(), frames.lists)
        found = [frames.ticket(phrase.say(rand), kind, usual) for _ in range(times)]
    except (GrammarFault, KeyError, TypeError) as error:
        raise Trouble(f"{path}: {error} in {line!r}", "mend the phrase") from error
    return [Row(plain(text), key, ticket, group, 1.0, f"corpus/{path.name}") for text, ticket in found]


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Trouble(f"{path}: {error}", "mend the file") from error
