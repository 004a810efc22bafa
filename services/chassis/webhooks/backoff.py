"""When a delivery that failed is tried again. Pure: the attempt and a draw come in, seconds come out."""

FIRST_S = 5.0
LONGEST_S = 300.0  # a hand-over has minutes to be signed: once a platform is back, it must not wait longer
ATTEMPTS = 300  # a little more than a day
_SPREAD = 0.5


def pause_after(attempt: int, draw: float, asked: float = 0.0) -> float:
    """Seconds until the next try after the `attempt`-th (from 1) has failed; `draw` is evenly spread over [0, 1), so
    that what failed together does not come again together. Doubles from 5 s up to 5 min on average; `asked` is what
    the receiver's Retry-After wants, followed up to 5 min. Never more than 6 min 15 s."""
    mean = min(LONGEST_S, FIRST_S * 2.0 ** min(attempt - 1, 30))
    return max(mean * (1 + _SPREAD * (draw - 0.5)), min(asked, LONGEST_S))


def is_last(attempt: int) -> bool:
    """Whether the `attempt`-th try was the last one before a delivery is a dead letter."""
    return attempt >= ATTEMPTS
