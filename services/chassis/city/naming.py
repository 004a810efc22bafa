"""What a text of a rulebook is called: what its writer calls it, and what nobody can forget to raise."""

import re
import tomllib
from hashlib import blake2b

_HEADER = re.compile(r"^[ \t]*\[", re.MULTILINE)


def version_of(text: str) -> str:
    """The version that a text names, with a digest of the text behind it: two texts never share one. Line ends and
    blanks at the ends of lines make no difference; a text that names none has the digest only."""
    first = _HEADER.search(text)
    try:
        named = tomllib.loads(text[: first.start()] if first else text).get("version", "")
    except tomllib.TOMLDecodeError:
        named = ""
    bare = "\n".join(line.rstrip() for line in text.splitlines()).strip()
    return f"{named}+{blake2b(bare.encode(), digest_size=4).hexdigest()}"
