"""How well and how fast places are found in text: `python -m tests.bench.router_locate [--show N]`.

Right: the answer lies in the street-town that was meant. Wrong but confident: another street-town (or district) at or
above the pack's `locate_confidence`, so that no person would have looked. Writes nothing; prints the table that
docs/results/router.md holds.
"""

import argparse
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

from msgspec import Struct

from schemas.facts import ReportReceived
from schemas.vocabulary import Source
from services.chassis.city import load
from services.router.rules.atlas import Atlas
from services.router.rules.locate import Located, locate
from services.router.rules.text import wording
from tests.bench.place_sentences import Sentence, sentences

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SHANGHAI = Path(__file__).parents[2] / "deploy" / "cities" / "shanghai"
_ROUNDS = 5


class Score(Struct):
    """Counts of one set of sentences."""

    of: int = 0
    right: int = 0  # whatever the confidence
    sure: int = 0  # right, at or above the threshold
    wrong: int = 0  # wrong, at or above the threshold

    def __str__(self) -> str:
        return f"{self.of:6d}  {self.right / self.of:7.2%}  {self.sure / self.of:7.2%}  {self.wrong / self.of:7.2%}"


def report_of(sentence: Sentence) -> ReportReceived:
    """The report that an agent would have sent."""
    return ReportReceived(
        source=Source.HOTLINE,
        received_at=NOW,
        text=sentence.text,
        address=sentence.address,
        district=sentence.district,
    )


def judge(found: Located, sentence: Sentence, atlas: Atlas, score: Score) -> str:
    """Count one answer; says `right`, `wrong` (confident) or `open`."""
    code = found.place.division if found.place else ""
    confident = found.confidence >= atlas.thresholds.locate_confidence
    score.of += 1
    if code and atlas.street_of(code) == sentence.street:
        score.right += 1
        score.sure += confident
        return "right"
    if code and confident and not atlas.covers(code, sentence.street):
        score.wrong += 1
        return "wrong"
    return "open"


def measure(told: Iterable[Sentence], atlas: Atlas, show: int = 0) -> tuple[Score, dict[str, Score]]:
    """The scores of a set: as a whole, and by kind of noise (or way of saying)."""
    whole, parts, shown = Score(), {}, Counter[str]()
    for sentence in told:
        report = report_of(sentence)
        found = locate(report, wording(report), atlas)
        verdict = judge(found, sentence, atlas, whole)
        for part in sentence.noise or (sentence.kind,):
            judge(found, sentence, atlas, parts.setdefault(part, Score()))
        if verdict != "right" and shown[verdict] < show:
            shown[verdict] += 1
            place = found.place.name if found.place else "-"
            meant = f"{atlas.divisions[sentence.street].name} {sentence.noise}"
            print(f"  {verdict} {meant}: {sentence.address}|{sentence.text}")
            print(f"    → {place} {found.confidence:.2f} {found.because}")
    return whole, parts


def speed(told: list[Sentence], atlas: Atlas) -> float:
    """Microseconds of processor time for one report in a batch: normal form and place, the best of several rounds."""
    reports = [report_of(one) for one in told]
    best = float("inf")
    for _ in range(_ROUNDS):
        begin = process_time()
        for one in reports:
            locate(one, wording(one), atlas)
        best = min(best, process_time() - begin)
    return best / len(reports) * 1e6


def main() -> None:
    """Measure both sets and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", type=int, default=0, help="print that many answers that were not right, of each kind")
    parser.add_argument("--seed", type=int, default=5)
    said = parser.parse_args()
    atlas = Atlas.of(load(SHANGHAI))
    print(f"{'':28}{'of':>6}  {'right':>7}  {'sure':>7}  {'wrong':>7}")
    for name, noisy in (("clean", False), ("noisy", True)):
        told = list(sentences(atlas.city, said.seed, noisy=noisy))
        whole, parts = measure(told, atlas, said.show)
        print(f"{name:28}{whole}   {speed(told, atlas):.1f} µs a report")
        for part, score in sorted(parts.items()):
            print(f"  {part:26}{score}")


if __name__ == "__main__":
    main()
