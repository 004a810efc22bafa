"""When something happened, as far as a client may say so."""

from datetime import datetime, timedelta

import pytest

from schemas.refusals import Refused
from services.dispatch.rules.moment import AHEAD, occurred
from tests.rules.dispatch.town import T0

EARLIER = T0 - timedelta(hours=1)
S = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (None, T0),  # nothing said: now
        (T0, T0),
        (T0 - S, T0 - S),
        (EARLIER, EARLIER),  # exactly the milestone before
        (T0 + S, T0),  # a clock that runs a little fast is taken as now
        (T0 + AHEAD, T0),
        (T0 + AHEAD + S, "time_in_future"),
        (T0 + timedelta(days=1), "time_in_future"),
        (EARLIER - S, "time_backwards"),
        (EARLIER - timedelta(days=3650), "time_backwards"),
    ],
)
def test_a_moment_is_taken_moved_to_now_or_refused(said: datetime | None, answer: datetime | str) -> None:
    if isinstance(answer, datetime):
        assert occurred(said, T0, EARLIER) == answer
        return
    with pytest.raises(Refused) as refused:
        occurred(said, T0, EARLIER)
    assert refused.value.code == answer


def test_a_database_clock_a_little_behind_the_last_milestone_does_not_refuse_the_present() -> None:
    assert occurred(None, T0, T0 + S) == T0 + S
    assert occurred(T0 + S, T0, T0 + S) == T0 + S
