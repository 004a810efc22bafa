"""Watches what the trained model says, and how far that is from the rows it was trained on, as metrics."""

from collections import Counter, deque
from collections.abc import Iterable

from services.chassis import metrics
from services.router.rules.atlas import Atlas
from services.router.rules.classify import Classified
from services.router.rules.drift import apart

WINDOW = 2_000  # reports that "now" is made of
ENOUGH = 200  # before which nothing is said


class DriftWatch:
    """The last reports that the model judged, in this process."""

    def __init__(self, atlas: Atlas) -> None:
        self._card = atlas.model.card if atlas.model else None
        self._limit = atlas.thresholds.classify_confidence
        self._seen: deque[tuple[str, float]] = deque(maxlen=WINDOW)

    def see(self, found: Iterable[Classified]) -> None:
        """Count classified reports, and say how far the model's last ones are from its training."""
        for one in found:
            by = "model" if one.learned else "words"
            metrics.CLASSIFIED.labels(by, "yes" if one.confidence >= self._limit else "no").inc()
            if one.learned:
                metrics.CLASS_CONFIDENCE.observe(one.confidence)
                self._seen.append((one.major, one.confidence))
        if self._card is None or len(self._seen) < ENOUGH:
            return
        majors = Counter(major for major, _ in self._seen)
        mean = sum(confidence for _, confidence in self._seen) / len(self._seen)
        metrics.MODEL_DRIFT.labels("majors").set(apart(majors, self._card.majors))
        metrics.MODEL_DRIFT.labels("confidence").set(mean - self._card.confidence)
