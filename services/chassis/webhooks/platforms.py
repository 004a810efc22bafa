"""The platforms that are told by webhook and heard by webhook: one private TOML file, read anew when it changes.

    [[platform]]
    name = "city:hangzhou"
    url = "https://handovers.example.gov.cn/paidan"   # none: it is heard, and asks for itself
    sign_with = ["whsec_…"]     # our signatures; two while the key is being changed
    accept = ["whsec_…"]        # theirs; two while the key is being changed

    [[platform]]
    name = "night-desk"         # people, told by mail: a [[channel]] of the policy says of what
    mail = ["night@city.gov.cn"]

    [mail]                      # the server that takes the letters
    host = "smtp.city.gov.cn"
    port = 465
    sender = "paidan@city.gov.cn"
    user = "paidan"
    password = "…"
    tls = "tls"                 # or "starttls"; "none" only on this machine

Nothing else decides where a message goes: no report, body or answer can name an address.
"""

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from schemas.ids import platform_name
from services.chassis.logs import logger
from services.chassis.webhooks.office import Office, Tls
from services.chassis.webhooks.signing import secret_of

log = logger(__name__)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
Address = Annotated[str, Meta(max_length=254, pattern=r"^[^@\s<>,;\"]+@[^@\s<>,;\"]+$")]
_Words = Annotated[tuple[str, ...], Meta(max_length=2)]


class Platform(Struct, frozen=True):
    """One other platform: where it wants to be told, what we sign with, whose signatures count as its own; or people
    who are told by `mail`, through the `office`."""

    name: str
    url: str
    sign_with: tuple[bytes, ...]
    accept: tuple[bytes, ...]
    mail: tuple[str, ...] = ()
    office: Office | None = None


class _Row(Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=50)]
    url: Annotated[str, Meta(max_length=500)] = ""
    sign_with: _Words = ()
    accept: _Words = ()
    mail: Annotated[tuple[Address, ...], Meta(max_length=20)] = ()


class _Mail(Struct, frozen=True, forbid_unknown_fields=True):
    host: Annotated[str, Meta(min_length=1, max_length=200)]
    port: Annotated[int, Meta(ge=1, le=65535)]
    sender: Address
    tls: Tls = "tls"
    user: str = ""
    password: str = ""


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    platform: tuple[_Row, ...] = ()
    mail: _Mail | None = None


def read_platforms(text: str) -> dict[str, Platform]:
    """The platforms of a file's text, by name. Raises ValueError with the first fault; it never shows a secret."""
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(str(error)) from None
    found: dict[str, Platform] = {}
    office = _office(file.mail)
    for row in file.platform:
        if row.name != platform_name(row.name) or not row.name.isprintable() or "/" in row.name:
            cause = "a name is in lower case, half-width, without a slash or blanks around it"
            raise ValueError(f"platform {row.name!r}: {cause}")
        if row.name in found:
            raise ValueError(f"platform {row.name!r} stands twice")
        keys = _keys(row, row.sign_with), _keys(row, row.accept)
        if row.mail and (row.url or office is None):
            cause = "told by mail or by webhook, not both" if row.url else "mail needs a [mail] table with the server"
            raise ValueError(f"platform {row.name!r}: {cause}")
        found[row.name] = Platform(row.name, _url(row), *keys, row.mail, office if row.mail else None)
    return found


def _office(mail: _Mail | None) -> Office | None:
    if mail is None:
        return None
    if mail.tls == "none" and mail.host not in _LOOPBACK:
        raise ValueError("mail: without TLS only to this machine; use tls or starttls")
    return Office(mail.host, mail.port, mail.sender, mail.tls, mail.user, mail.password)


def _url(row: _Row) -> str:
    if not row.url:
        return ""
    parts = urlsplit(row.url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.fragment or parts.username:
        raise ValueError(f"platform {row.name!r}: url must be https, with a host and without a name or a fragment")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError(f"platform {row.name!r}: http is for this machine alone; use https")
    if not row.sign_with:
        raise ValueError(f"platform {row.name!r}: a url needs sign_with")
    return row.url


def _keys(row: _Row, words: tuple[str, ...]) -> tuple[bytes, ...]:
    try:
        return tuple(secret_of(word) for word in words)
    except ValueError as error:
        raise ValueError(f"platform {row.name!r}: {error}") from None


class Platforms:
    """The platforms as the file says now. A file that is not there names none; one that became unreadable leaves what
    was known, and says so in the log."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: Any = None
        self._known: Mapping[str, Platform] = {}
        seen = self._look()
        if seen is not None:
            self._known, self._seen = read_platforms(file.read_text(encoding="utf-8")), seen

    def _look(self) -> Any:
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def now(self) -> Mapping[str, Platform]:
        """All of them, by name."""
        seen = self._look()
        if seen == self._seen:
            return self._known
        self._seen = seen
        try:
            self._known = {} if seen is None else read_platforms(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            log.error("the platforms' file cannot be read; going on with what was known", error=str(error))
        return self._known

    def told(self) -> frozenset[str]:
        """The names of those that want to be told."""
        return frozenset(name for name, platform in self.now().items() if platform.url)


def open_platforms(file: Path) -> Platforms:
    """The platforms for a process that starts; prints the fault of an unfit file and ends the process with 2."""
    try:
        return Platforms(file)
    except (OSError, ValueError) as error:
        print(f"PAIDAN_PLATFORMS_FILE {file}: {error}", file=sys.stderr)
        raise SystemExit(2) from None
