"""Reads lexicon.toml: danger words, what puts them at a distance, and the words they are only a piece of."""

from msgspec import structs

from schemas.city import Danger, Setting
from services.chassis.city.patterns import expand
from services.chassis.city.shapes import LEXICON, DangerRow, Draft


def words_of(draft: Draft, table_name: str) -> tuple[str, ...]:
    """The words of [negation] or [harmless], patterns written out."""
    draft.lexicon.allow(("danger", "setting", "negation", "harmless"), draft.faults)
    table = draft.lexicon.values.get(table_name, {})
    words = table.get("words", []) if isinstance(table, dict) else None
    line = draft.lexicon.line_of(table_name)
    if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
        draft.faults.add(LEXICON, line, f"{table_name}.words: must be a list of words")
        return ()
    return _expanded(draft, line, words)


def dangers_of(draft: Draft) -> tuple[Danger, ...]:
    """Danger words: each written once, with platforms that exist, and not taken back by themselves."""
    seen: dict[tuple[str, tuple[str, ...]], int] = {}
    found: list[Danger] = []
    for line, row in draft.dangers:
        _check_platforms(draft, line, row)
        if not row.words:
            draft.faults.add(LEXICON, line, "words: empty")
        near, unless = _expanded(draft, line, row.near), _expanded(draft, line, row.unless)
        for word in _expanded(draft, line, row.words):
            if (word, near) in seen:
                cause = f"danger word {word!r} stands already in line {seen[word, near]}"
                draft.faults.add(LEXICON, line, cause)
            seen.setdefault((word, near), line)
            if any(other in word for other in unless):
                cause = f"danger word {word!r} contains a word that takes it back: never fires"
                draft.faults.add(LEXICON, line, cause)
            found.append(Danger(word, row.kind, row.platforms, near, unless))
    return tuple(found)


def settings_of_danger(draft: Draft, dangers: tuple[Danger, ...]) -> tuple[Setting, ...]:
    """What puts danger words at a distance; kinds that are spared must exist."""
    kinds = {danger.kind for danger in dangers}
    found: list[Setting] = []
    for line, row in draft.settings_of_danger:
        for kind in row.spares:
            if kind not in kinds:
                draft.faults.add(LEXICON, line, f"setting {row.name!r} spares {kind!r}, which no danger word is of")
        words, but = _expanded(draft, line, row.words), _expanded(draft, line, row.but)
        if not words:
            draft.faults.add(LEXICON, line, f"setting {row.name!r} has no words")
        found.append(structs.replace(row, words=words, but=but))
    return tuple(found)


def _check_platforms(draft: Draft, line: int, row: DangerRow) -> None:
    if not row.platforms:
        draft.faults.add(LEXICON, line, f"danger words of kind {row.kind!r} name no platform to be told")
    known = draft.platforms()
    for platform in row.platforms:
        if draft.knows_platforms() and platform not in known:
            cause = f"unknown platform {platform!r} of kind {row.kind!r}: no unit of the whole city has this phone"
            draft.faults.add(LEXICON, line, cause)


def _expanded(draft: Draft, line: int, patterns: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for pattern in patterns:
        try:
            found |= dict.fromkeys(expand(pattern))
        except ValueError as trouble:
            draft.faults.add(LEXICON, line, str(trouble))
    return tuple(found)
