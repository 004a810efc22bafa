"""Words written short: `(掉|跌)(进|到)(了)?河` stands for eight words. `(a|b)` is one of them, `(a|b)?` one or none."""

import re
from itertools import product

MOST = 5000  # words that one pattern may stand for
_PART = re.compile(r"\(([^()]*)\)(\??)|([^()?]+)")


def expand(pattern: str) -> tuple[str, ...]:
    """The words that a pattern stands for, each once, in the order in which they are written. Raises ValueError with
    the cause for a pattern that is not well formed, stands for the empty word, or for more than MOST."""
    choices: list[tuple[str, ...]] = []
    end, count = 0, 1
    for part in _PART.finditer(pattern):
        if part.start() != end:
            break
        end = part.end()
        group, optional, literal = part.groups()
        choice = (literal,) if group is None else (*group.split("|"), *([""] if optional else []))
        count *= len(choice)
        if count > MOST:
            raise ValueError(f"pattern {pattern!r} stands for more than {MOST} words")
        choices.append(choice)
    if end != len(pattern):
        raise ValueError(
            f"pattern {pattern!r} cannot be read at {pattern[end:]!r}: (a|b) and (a|b)? are what it may say"
        )
    words = tuple(dict.fromkeys("".join(chosen) for chosen in product(*choices)))
    if not all(word.strip() for word in words):
        raise ValueError(f"pattern {pattern!r} stands for an empty word")
    return words
