"""Letters to people by SMTP: one attempt at one message, under an id that never changes.

Nothing of a letter is decided here but its headers: whoever gives the courier its `write` says what it says.
"""

import asyncio
import contextlib
import re
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import aiosmtplib

from services.chassis.logs import logger
from services.chassis.webhooks.office import Letter, Office
from services.chassis.webhooks.outcome import Outcome

log = logger(__name__)
_ADDRESS = re.compile(r"\S+@\S+")
_PERMANENT = 500  # SMTP replies from here on are no for good


def sealed(office: Office, to: Sequence[str], id_: str, letter: Letter, now: datetime) -> EmailMessage:
    """The message. Its Message-ID is the delivery's id: a repeat is seen as one by mail servers and programs that look.
    `Auto-Submitted` keeps out-of-office replies away (RFC 3834)."""
    message = EmailMessage(policy=SMTP)
    message["From"] = office.sender
    message["To"] = ", ".join(to)
    message["Subject"] = " ".join(letter.subject.split())  # one line, whatever came
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{id_}@{office.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message


async def post(office: Office, to: Sequence[str], message: EmailMessage, seconds: float) -> Outcome:
    """One attempt. Refused for good by every recipient, or for what it says, it is `refused`; whatever else goes wrong
    has `failed` and may go right later. A fault of ours (sign-in, sender) is mended by a person, so it failed too."""
    client = aiosmtplib.SMTP(
        hostname=office.host,
        port=office.port,
        username=office.user or None,
        password=office.password or None,
        use_tls=office.tls == "tls",
        start_tls=office.tls == "starttls",
        timeout=seconds,
    )
    try:
        async with asyncio.timeout(seconds):
            await client.connect()
            errors, _ = await client.send_message(message, sender=office.sender, recipients=list(to))
            with contextlib.suppress(aiosmtplib.SMTPException):
                await client.quit()
    except TimeoutError:
        return Outcome("failed", f"no answer within {seconds:g} s")
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [one.code for one in error.recipients]
        return Outcome(_by(min(codes)), f"recipients refused: {sorted(set(codes))}")
    except aiosmtplib.SMTPDataError as error:
        return Outcome(_by(error.code), _unaddressed(f"{error.code} {error.message}"))
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return Outcome("failed", _unaddressed(f"{type(error).__name__}: {error}"))
    finally:
        client.close()  # at once, also when the server hangs or this process ends
    if errors:  # some of several recipients: the others have it, and would get it twice
        log.warning("a letter was refused by some recipients", refused=len(errors), of=len(to))
    return Outcome("delivered")


def _unaddressed(reason: str) -> str:
    """A server's words without the addresses that it repeats."""
    return _ADDRESS.sub("…", reason)


def _by(code: int) -> str:
    return "refused" if code >= _PERMANENT else "failed"
