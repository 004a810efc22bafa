"""The mail server, and what a letter says; apart from the sending, which needs an SMTP client's memory."""

from typing import Literal

from msgspec import Struct

Tls = Literal["tls", "starttls", "none"]


class Office(Struct, frozen=True):
    """The mail server that takes our letters, and under which address they go out."""

    host: str
    port: int
    sender: str
    tls: Tls = "tls"
    user: str = ""
    password: str = ""


class Letter(Struct, frozen=True):
    """What a letter says."""

    subject: str
    text: str
