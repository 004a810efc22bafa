"""How right and how fast classes are told: `python -m tests.bench.router_classify [--picture FILE.svg]`.

Three sets that the shipped model was not trained on: tickets of the city simulator (another author's phrases, with
second demands, wrong districts and odd scripts), tickets as agents sum them up, and callers in their own words, who
avoid the usual names of things. Then CPU time a ticket, and lines a second on the pipe. With PAIDAN_DATA naming the
folder of the unlicensed hotline set (messages/train7376_segmented.csv.gz) also macro F1 on its seven classes, five-
fold, equal texts on one side; without it that is said and left out. Writes nothing but the picture.
"""

import argparse
import csv
import gc
import gzip
import os
import random
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

import numpy as np

from deploy.model.curve import drawn
from deploy.model.fitting import choose_terms, fit, matrix, torn
from deploy.model.judging import Judged, judge
from deploy.model.measures import Told, by_class, softmax
from deploy.model.rows import Row, read_csv
from deploy.simulator.grammar import pick
from deploy.simulator.places import Places
from deploy.simulator.speech import speech_of
from deploy.simulator.texts import Matter, Writer
from schemas.city import City
from schemas.facts import ReportReceived
from schemas.ids import placed_id
from schemas.vocabulary import Source
from services.chassis.city import load
from services.router.rules.atlas import Atlas
from services.router.rules.classify import classify
from services.router.rules.hearing import hear
from services.router.rules.text import plain, wording

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
SHANGHAI, HELD = ROOT / "deploy" / "cities" / "shanghai", ROOT / "tests" / "city"
SEVEN = Path("messages") / "train7376_segmented.csv.gz"
BATCH, FOLDS = 500, 5


def simulated(city: City, count: int, seed: int = 5) -> list[Row]:
    """Tickets of the simulator, every class alike often as it has phrases; the class is that of the first demand."""
    speech, rand = speech_of(city), random.Random(seed).random
    places = Places(city, speech)
    writer = Writer(speech, places, rand, "b")
    rows = []
    for n in range(count):
        problem = pick(speech.problems, rand)
        matter = Matter(n, problem, places.spot(rand), pick(problem.types, rand))
        body, _ = writer.ticket(matter, n, NOW)
        text = plain(f"{body.get('title', '')}\n{body['text']}")
        rows.append(Row(text, problem.class_key, body["ticket_type"], origin="simulator"))
    return rows


def table(sets: dict[str, Judged]) -> None:
    """The figures of several sets, a line each."""
    print("set | rows | right | among three | automatic | right of these | rest among three | coverage at 97 %")
    for name, one in sets.items():
        figures = (one.right, one.among_three, one.automatic, one.automatic_right, one.rest_among_three)
        print(" | ".join([name, str(one.rows), *(f"{x:.1%}" for x in figures), f"{one.coverage_at_97:.1%}"]))


def cheapest(work: Callable[[], object], tickets: int, rounds: int = 15) -> float:
    """Microseconds of CPU a ticket in the quietest of some rounds."""
    found = []
    for _ in range(rounds):
        begin = process_time()
        work()
        found.append(process_time() - begin)
    return min(found) / tickets * 1e6


def speed(city: City, rows: Sequence[Row]) -> None:
    """What a ticket costs in batches as the router has them, and one by one."""
    atlas = Atlas.of(city)
    reports = [
        ReportReceived(source=Source.HOTLINE, received_at=NOW, report_id=placed_id("bench", 0, n), text=row.text)
        for n, row in enumerate(rows[:BATCH])
    ]
    texts = [wording(report) for report in reports]
    said = [text.partition("\n")[2] for text in texts]

    def whole() -> None:
        for report, text, one in zip(reports, texts, hear(said, atlas.model), strict=True):
            classify(report, text, atlas, one)

    def words() -> None:
        for report, text in zip(reports, texts, strict=True):
            classify(report, text, atlas)

    gc.freeze()  # as the services do
    count = len(reports)
    print(f"{count} tickets of {sum(map(len, said)) / count:.0f} characters; µs of CPU a ticket, batch of {count}")
    print(f"{cheapest(lambda: list(hear(said, atlas.model)), count):8.1f}  the model alone")
    print(f"{cheapest(whole, count):8.1f}  model, words (with their search) and 110 class together")
    print(f"{cheapest(words, count):8.1f}  words alone")
    print(
        f"{cheapest(lambda: [next(hear([text], atlas.model)) for text in said], count, 5):8.1f}  the model, one by one"
    )


def pipe(rows: Sequence[Row], lines: int = 10_000) -> None:
    """Lines a second of CPU through `paidan classify`, its start left out."""
    text = "\n".join(row.text.replace("\n", " ") for row in (list(rows) * (lines // len(rows) + 1))[:lines])
    command = [sys.executable, "-m", "deploy.cli", "classify"]
    took = []
    for said in ("路灯不亮", text):
        begin = _spent()
        subprocess.run(command, input=said.encode(), stdout=subprocess.DEVNULL, check=True, cwd=ROOT)
        took.append(_spent() - begin)
    print(f"paidan classify: {lines / (took[1] - took[0]):,.0f} lines/s of CPU (start {took[0]:.1f} s)")


def _spent() -> float:
    """Seconds of CPU that the commands run so far have spent."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seven(path: Path, terms: int = 60_000) -> None:
    """Macro F1 on the seven classes by the same training."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts, names = [plain(row["seg"]) for row in rows], sorted({row["label"] for row in rows})
    truth = np.array([names.index(row["label"]) for row in rows])
    groups: dict[str, int] = {}
    group = np.array([groups.setdefault(text.replace(" ", ""), len(groups)) for text in texts])
    fold = np.random.default_rng(0).permutation(len(groups))[group] % FOLDS
    scores = np.zeros((len(rows), len(names)))
    every = torn(texts)
    for number in range(FOLDS):
        train, test = fold != number, fold == number
        ones = np.ones(int(train.sum()))
        chosen = choose_terms(
            torn([t for t, used in zip(texts, train, strict=True) if used]), truth[train], ones, terms
        )
        examples = matrix(every, chosen)
        weights, bias = fit(examples[np.flatnonzero(train)], truth[train], len(names), ones)
        scores[test] = examples[np.flatnonzero(test)] @ weights + bias
    found = by_class(Told(softmax(scores), truth), names)
    print(f"seven classes, {len(rows)} rows, five-fold: macro F1 {np.mean([one.f1 for one in found]):.4f}")
    for one in found:
        print(f"  {one.key}: {one.rows} rows, F1 {one.f1:.3f}")


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--only", choices=["right", "speed", "seven"])
    said = parser.parse_args()
    city = load(SHANGHAI)
    keys = [item.key for item in city.classes]
    rows = simulated(city, 3_000)
    if said.only in (None, "right"):
        sets = {"simulator": rows}
        sets |= {name: read_csv(HELD / f"held_back_{name}.csv", keys) for name in ("tickets", "callers")}
        judged = {name: judge(city, city.model, part) for name, part in sets.items()}
        judged |= {f"{name}, words alone": judge(city, b"", part) for name, part in sets.items()}
        table(judged)
        if said.picture:
            curves = {name: one.curve for name, one in judged.items() if name in sets}
            curves["simulator, words alone"] = judged["simulator, words alone"].curve
            said.picture.write_text(drawn(curves, "上海 · Shanghai"), encoding="utf-8")
    if said.only in (None, "speed"):
        speed(city, rows)
        pipe(rows)
    if said.only in (None, "seven"):
        data = os.environ.get("PAIDAN_DATA", "")
        if data and (Path(data) / SEVEN).is_file():
            seven(Path(data) / SEVEN)
        else:
            print(f"SKIPPED: PAIDAN_DATA does not name a folder with {SEVEN}; the seven classes were not measured")


if __name__ == "__main__":
    main()
