"""When something happened, as far as a client may say so.

A phone without a network tells later what it did; its clock may run fast. Ahead by up to two minutes is taken as now,
more is refused; a time before the milestone it follows is refused (design §6.6: times are monotone), and so is one that
lies further back than the city's policy lets a phone keep it.
"""

from datetime import datetime, timedelta

from schemas.refusals import Refused

AHEAD = timedelta(minutes=2)


def occurred(said: datetime | None, now: datetime, not_before: datetime) -> datetime:
    """The moment to record: what was said, or now. Never before `not_before`, never after now.

    Raises Refused: `time_in_future`, `time_backwards`.
    """
    if said is None:
        return max(now, not_before)
    if said > now + AHEAD:
        raise Refused("time_in_future", f"{said.isoformat()} is ahead by more than two minutes")
    if said < not_before:
        raise Refused("time_backwards", f"{said.isoformat()} lies before {not_before.isoformat()}")
    return max(min(said, now), not_before)


def check_age(said: datetime | None, now: datetime, late: timedelta) -> None:
    """Raises Refused `time_too_old` for what happened longer ago than `late`."""
    if said is not None and said < now - late:
        raise Refused("time_too_old", f"{said.isoformat()} lies more than {late / timedelta(hours=1):g} hours back")
