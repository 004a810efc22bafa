"""How long a delivery that failed waits: bounded, longer each time on average, and for about a day in all."""

from hypothesis import given
from hypothesis import strategies as st

from services.chassis.webhooks.backoff import ATTEMPTS, FIRST_S, LONGEST_S, is_last, pause_after

draws = st.floats(0, 1, exclude_max=True)
attempts = st.integers(1, 10_000)


@given(attempts, draws, st.floats(0, 1e9))
def test_a_pause_is_bounded_whatever_the_receiver_asks(attempt: int, draw: float, asked: float) -> None:
    assert FIRST_S * 0.75 <= pause_after(attempt, draw, asked) <= LONGEST_S * 1.25


@given(attempts, draws)
def test_on_average_it_never_gets_shorter(attempt: int, draw: float) -> None:
    # evenly spread around its middle, so that the middle is what is to be expected
    assert pause_after(attempt, 0.5) <= pause_after(attempt + 1, 0.5)
    around = pause_after(attempt, draw) + pause_after(attempt, 1 - draw)
    assert abs(around / 2 - pause_after(attempt, 0.5)) < 1e-9


@given(attempts, st.floats(0, LONGEST_S), draws)
def test_what_the_receiver_asks_for_is_kept(attempt: int, asked: float, draw: float) -> None:
    assert pause_after(attempt, draw, asked) >= asked


@given(attempts, st.integers(0, 99), st.integers(0, 99))
def test_what_failed_together_does_not_come_again_together(attempt: int, one: int, other: int) -> None:
    assert (pause_after(attempt, one / 100) < pause_after(attempt, other / 100)) is (one < other)


def test_it_is_tried_for_about_a_day_then_a_person_looks() -> None:
    total = sum(pause_after(attempt, 0.5) for attempt in range(1, ATTEMPTS))
    assert 23 * 3600 < total < 26 * 3600
    assert [is_last(attempt) for attempt in (1, ATTEMPTS - 1, ATTEMPTS)] == [False, False, True]
