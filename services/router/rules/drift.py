"""Has the city moved away from what the model was trained on? Its classes and its sureness, then and now."""

from collections.abc import Mapping


def apart(now: Mapping[str, float], then: Mapping[str, float]) -> float:
    """How far two mixes of majors are apart, in 0–1: the share that would have to change its major (total variation).
    Each is taken as shares of its own sum; 0 when either is empty."""
    total_now, total_then = sum(now.values()), sum(then.values())
    if not total_now or not total_then:
        return 0.0
    names = now.keys() | then.keys()
    return sum(abs(now.get(name, 0.0) / total_now - then.get(name, 0.0) / total_then) for name in names) / 2
