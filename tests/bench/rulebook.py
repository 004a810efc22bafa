"""How fast a large duty rulebook is: `python -m tests.bench.rulebook [--rows 20000]`.

Writes the rulebook of Shanghai once more for each street (a row a class, and rows for a time, a source and an attribute
in between), up to so many rows; then prints how long it takes to load and check it, and how long a match takes when
nothing was asked before and when everything was. Nothing is asserted.
"""

import argparse
import os
import random
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time

from schemas.city import City
from schemas.vocabulary import Source, TicketType, Tier
from services.chassis.city import load
from services.router.rules.atlas import Atlas
from services.router.rules.match import match
from services.router.rules.question import Question

CITY = Path(__file__).parents[2] / "deploy" / "cities" / "shanghai"
NOW = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)
EXTRA = ('hours = ["22:00", "06:00"]', 'sources = ["police"]', 'attributes = { confidential = ["yes"] }')
NUMBER = 20_000
ROW = """
[[rule]]
rule_id = "local-{number}"
areas = ["{area}"]
classes = ["{key}"]
{extra}
lead = "{lead}"
assists = ["committee", "police"]
tier = "street"
why = "街镇事权清单第 {number} 项"
"""


def text_of(city: City, base: str, rows: int) -> str:
    """The rulebook of the city, and rows of its streets behind it until there are so many."""
    leads = ("urban_management", "housing", "market", "mediation", "street_office")
    parts, left = [base], rows - len(city.rules)
    for number, (area, key, extra) in enumerate(_rows(city)):
        if number >= left:
            break
        parts.append(ROW.format(number=number, area=area, key=key, extra=extra, lead=leads[number % len(leads)]))
    return "".join(parts)


def _rows(city: City) -> Iterator[tuple[str, str, str]]:
    """Areas, classes and what a row asks for beside them; each once. Streets first, then the committees below them."""
    offices = {unit.division for unit in city.units if unit.function == "street_office"}
    streets = [one.code for one in city.divisions if one.tier is Tier.STREET and one.code in offices]
    for extra in ("", *EXTRA):
        for area in streets:
            for item in city.classes:
                yield area, item.key, extra


def questions(city: City, atlas: Atlas, number: int) -> list[Question]:
    """Questions about every class all over the city, by day and night, from everywhere."""
    drawn = random.Random(7)
    codes = [one.code for one in city.divisions if one.tier in (Tier.COMMITTEE, Tier.STREET)]
    return [
        Question(
            class_key=drawn.choice(atlas.keys),
            ticket_type=drawn.choice(list(TicketType)),
            division=drawn.choice(codes),
            source=drawn.choice(list(Source)),
            at=NOW.replace(hour=drawn.randrange(24)).astimezone(atlas.zone),
            confidential=drawn.random() < 0.2,
        )
        for _ in range(number)
    ]


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=20_000)
    rows = asked.parse_args().rows
    plain = load(CITY)
    text = text_of(plain, (CITY / "rulebook.toml").read_text("utf-8"), rows)
    print(f"{rows} rows, {len(text) / 1e6:.1f} MB; load {os.getloadavg()[0]:.2f}")
    spans, used = [], []
    for _ in range(3):
        began, before = perf_counter(), process_time()
        city = load(CITY, rulebook=text)
        spans.append(perf_counter() - began)
        used.append(process_time() - before)
    print(f"load and check the whole pack: {min(spans):.2f} s at best of 3, {min(used):.2f} s of processor time")
    atlas, before = Atlas.of(plain), process_time()
    atlas = atlas.under(city.rules, city.rulebook_version)
    print(f"index it: {process_time() - before:.2f} s of processor time, {len(city.rules)} rows")
    for name in ("asked for the first time", "asked again"):
        taken = []
        before = process_time()
        for question in questions(city, atlas, NUMBER):
            began = perf_counter()
            match(atlas, question)
            taken.append((perf_counter() - began) * 1e6)
        used = (process_time() - before) / NUMBER * 1e6
        cuts = statistics.quantiles(taken, n=100)
        told = f"p50 {cuts[49]:.1f} µs, p99 {cuts[98]:.1f} µs, {used:.1f} µs of processor time each (asking included)"
        print(f"match, {name}: {told}")


if __name__ == "__main__":
    main()
