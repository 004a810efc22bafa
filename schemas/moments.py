"""Which moments can be meant at all: one rule for bodies, queries, cursors and messages."""

from datetime import UTC, datetime

EARLIEST, LATEST = 1901, 2199  # years, both whole, in UTC
_FIRST, _END = datetime(EARLIEST, 1, 1, tzinfo=UTC), datetime(LATEST + 1, 1, 1, tzinfo=UTC)


def reckonable(moment: datetime) -> bool:
    """Whether calendars, time zones and databases can reckon with it: years 1 and 9999 overflow in another zone. The
    instant counts, not how it is written, so that what is taken at the door can be read behind it. One without a
    zone is none."""
    return moment.tzinfo is not None and _FIRST <= moment < _END
