"""Re-make the files of this pack that come out of the published records: `python build.py --data DIR [--out DIR]`.

Writes classes.csv, rulebook.toml, policy.toml and excerpt.csv; the other files are written by hand. DIR holds the file
named in SOURCES.md. The same records always give the same bytes.

Deadlines are inferred from requests opened from July to October; November and December are kept back to measure. A
rule is kept for a type when it gives at least a share of the published targets within a minute: the strictest of SHARES
that leaves COVERAGE of the rows it was inferred from with a rule. Requests that do not carry the standard title of
their type were opened as something else: where only they follow no rule, they get a class of their own.
"""

import argparse
import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path

from deploy.replay.records import EXCERPT_COLUMNS, FULL_FILE, ZONE, Record, code_of, read, tidy
from schemas.city import CalendarData, WorkingHours
from schemas.vocabulary import LimitUnit
from services.supervision.rules.calendar import Calendar
from services.supervision.rules.clock import due

HERE = Path(__file__).parent
KEPT_BACK_FROM = datetime(2011, 11, 1, tzinfo=ZONE)
COVERAGE = 0.93
SHARES = (0.98, 0.975, 0.97, 0.965, 0.96, 0.955, 0.95)
FEWEST = 3  # rows that make a rule
WITHIN = timedelta(minutes=1)
HOURS = WorkingHours("office", ((time(8, 30), time(17)),))
BULK_UNTIL = "2011-11-10T11:17:00-05:00"  # last target for a request of 11:15:37, none for one of 11:19:05 or later

EXCERPT_ROWS = 500
PARTS = {"Street Lights", "Signs & Signals", "Highway Maintenance", "Bridge Maintenance", "Catchbasin", "Fire Hydrant",
         "Sidewalk Cover / Manhole", "Water Issues", "Operations", "Trees"}  # fmt: skip
SERVICES = {"Administrative & General Requests", "Alert Boston", "Cemetery", "Current Events", "Notification",
            "Employee & General Comments", "Office of The Parking Clerk", "Programs", "Recycling", "Sanitation",
            "Traffic Management & Engineering", "Volunteer & Corporate Groups"}  # fmt: skip
FUNCTIONS = {"PWDx": "public_works", "ISD": "inspections", "PARK": "parks", "BTDT": "transportation", "INFO": "centre",
             "PROP": "property", "BWSC": "water_sewer"}  # fmt: skip
WORDS = {
    "street-light-outages": "street light out|streetlight out|lamp post out|street lamp",
    "street-light-knock-downs": "light pole down|lamp post knocked down",
    "request-for-pothole-repair": "pothole|pot hole",
    "sidewalk-repair-make-safe": "broken sidewalk|sidewalk hole|trip hazard",
    "missed-trash-recycling-yard-waste-bulk-item": "missed trash|trash not picked up|recycling not picked up",
    "schedule-a-bulk-item-pickup": "bulk item|pick up a couch|pick up a mattress",
    "tree-emergencies": "tree down|fallen tree|fallen branch|limb down",
    "graffiti-removal": "graffiti|tagging",
    "traffic-signal-repair": "traffic light|traffic signal|walk signal",
    "pick-up-dead-animal": "dead animal|dead raccoon|dead squirrel",
    "abandoned-vehicles": "abandoned car|abandoned vehicle",
    "rodent-activity": "rats|rodents",
    "heat-excessive-insufficient": "no heat|not enough heat",
    "bed-bugs": "bedbugs|bed bug",
    "parking-enforcement": "illegally parked|double parked|parked in front of my driveway",
    "sign-repair": "bent sign|damaged sign",
    "missing-sign": "sign is missing|no sign",
    "overflowing-or-un-kept-dumpster": "dumpster overflowing",
    "watermain-break": "water main break",
    "fire-hydrant": "hydrant",
    "catchbasin": "catch basin|storm drain",
    "request-for-snow-plowing": "not plowed|snow plow",
    "requests-for-street-cleaning": "dirty street|street sweeping",
    "chronic-dampness-mold": "mold|dampness",
}

Rule = tuple[LimitUnit, int]
Group = tuple[str, bool]  # type, own title

CLASS_COLUMNS = (
    "standard", "kind", "code", "name", "name_en", "major", "words", "not_words", "verification", "photos",
)  # fmt: skip


def main() -> None:
    """Command line: where the records are, where to write."""
    parser = argparse.ArgumentParser(description="Re-make the files of this pack that come out of published records.")
    parser.add_argument("--data", type=Path, required=True, help=f"folder that holds {FULL_FILE}")
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    records = list(read(given.data / FULL_FILE))
    calendar = Calendar.of(CalendarData("boston", "", "America/New_York", frozenset(), frozenset(), frozenset(), HOURS))
    known = [record for record in records if record.target and record.opened < KEPT_BACK_FROM]
    rules, share = infer(known, calendar)
    write_classes(given.out, records, rules)
    write_rulebook(given.out, records, known)
    write_policy(given.out, records, rules, share)
    write_excerpt(given.out, given.data / FULL_FILE)


def infer(known: Sequence[Record], calendar: Calendar) -> tuple[dict[Group, Rule], float]:
    """The rule of each type, apart for rows with and without the standard title, and the share it had to reach."""
    groups: dict[Group, list[Record]] = defaultdict(list)
    for record in known:
        groups[record.type, record.own_title].append(record)
    hits = {group: Counter(rule for row in rows for rule in _fitting(row, calendar)) for group, rows in groups.items()}
    best = {group: _best(hits[group], len(rows), _usual(hits)) for group, rows in groups.items() if len(rows) >= FEWEST}
    for share in SHARES:
        rules: dict[Group, Rule] = {}
        for name in {name for name, _ in groups}:
            found = {own: best[name, own] for own in (True, False) if (name, own) in best}
            for own in (True, False):
                rule, reached = found.get(own) or found.get(not own) or (None, 0.0)
                if rule and reached >= share:
                    rules[name, own] = rule
        if sum(len(rows) for group, rows in groups.items() if group in rules) >= COVERAGE * len(known):
            return rules, share
    raise SystemExit("no share leaves enough rows with a rule")


def _usual(hits: Mapping[Group, Counter[Rule]]) -> Counter[Rule]:
    """How many groups each rule alone explains best: what a type follows that a tie leaves open."""
    tops = ([rule for rule, count in found.items() if count == max(found.values())] for found in hits.values())
    return Counter(top[0] for top in tops if len(top) == 1)


def _best(hits: Counter[Rule], rows: int, usual: Counter[Rule]) -> tuple[Rule | None, float]:
    """The rule that gives most of the targets, and the share it gives."""
    if not hits:
        return None, 0.0
    rule, count = min(hits.items(), key=lambda hit: (-hit[1], -usual[hit[0]], hit[0]))
    return rule, count / rows


def _fitting(row: Record, calendar: Calendar) -> Iterator[Rule]:
    """Every rule that gives the target of this row within a minute."""
    if row.target is None or not timedelta(0) <= row.target - row.opened < timedelta(days=1500):
        return
    days = (row.target - row.opened).days
    for unit, first, last in (
        (LimitUnit.NATURAL_DAY, days, days + 1),
        (LimitUnit.BUSINESS_RULE, days * 5 // 7 - 3, days * 5 // 7 + 3),
    ):
        for amount in range(max(first, 1), max(last, 1) + 1):
            if abs(due(row.opened, amount, unit, calendar).at - row.target) < WITHIN:
                yield unit, amount


def kinds(records: Iterable[Record]) -> dict[str, str]:
    """Reason → kind of class."""
    return {
        row.reason: "part" if row.reason in PARTS else "service" if row.reason in SERVICES else "event"
        for row in records
    }


def keys(records: Sequence[Record], rules: Mapping[Group, Rule]) -> Iterator[tuple[str, bool, str, str]]:
    """(type, whether its requests carry the standard title, class key, reason) of every class, in order of names."""
    kind = kinds(records)
    for name, reason in sorted({(row.type, row.reason) for row in records}):
        key = f"BOS/{kind[reason]}/{code_of(name)}"
        yield name, True, key, reason
        if ((name, True) in rules) and (name, False) not in rules:
            yield name, False, f"{key}-refiled", reason


def write_classes(out: Path, records: Sequence[Record], rules: Mapping[Group, Rule]) -> None:
    """classes.csv: one class for each type, one more where refiled requests follow no rule."""
    with (out / "classes.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(CLASS_COLUMNS)
        for name, own, key, reason in keys(records, rules):
            standard, kind, code = key.split("/", 2)
            title = name if own else f"{name} (refiled)"
            words = "|".join(filter(None, (name.lower(), WORDS.get(code, "")))) if own else ""
            table.writerow([standard, kind, code, title, title, reason, words, "", "none", "none"])


def write_rulebook(out: Path, records: Sequence[Record], known: Sequence[Record]) -> None:
    """rulebook.toml: each type to the department that had most of its requests from July to October."""
    rows = [row for row in records if row.opened < KEPT_BACK_FROM and row.department in FUNCTIONS]
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        held[row.type][row.department] += 1
    lists: dict[str, list[str]] = defaultdict(list)
    with (out / "classes.csv").open(encoding="utf-8", newline="") as file:
        for item in csv.DictReader(file):
            count = held.get(item["name"].removesuffix(" (refiled)"))
            function = FUNCTIONS[min(count, key=lambda name: (-count[name], name))] if count else "centre"
            if function != "centre":
                lists[function].append("/".join((item["standard"], item["kind"], item["code"])))
    parts = [RULEBOOK_HEAD]
    for function in sorted(lists):
        parts.append(
            f'[[rule]]\nrule_id = "{function.replace("_", "-")}"\nclasses = [\n{_listed(lists[function])}]\n'
            f'lead = "{function}"\ntier = "city"\nwhy = "held most requests of these types from July to October 2011"\n'
        )
    (out / "rulebook.toml").write_text("\n".join(parts), encoding="utf-8")


def write_policy(out: Path, records: Sequence[Record], rules: Mapping[Group, Rule], share: float) -> None:
    """policy.toml: the inferred totals, classes with the same limit in one row."""
    rows: dict[tuple[Rule, bool], list[str]] = defaultdict(list)
    for name, own, key, _ in keys(records, rules):
        rule = rules.get((name, own)) or (rules.get((name, not own)) if own else None)
        if rule:
            rows[rule, code_of(name) == "schedule-a-bulk-item-pickup"].append(key)
    parts = [POLICY_HEAD.format(share=f"{share:.1%}", coverage=f"{COVERAGE:.0%}")]
    for (rule, bulk), classes in sorted(rows.items(), key=lambda item: (item[0][0][0], item[0][0][1], item[0][1])):
        unit, amount = rule
        name = f"{unit.replace('_', '-')}-{amount}" + ("-bulk-items" if bulk else "")
        parts.append(
            f'[[limit]]\nlimit_id = "{name}"\nstage = "total"\namount = {amount}\nunit = "{unit}"\n'
            f"classes = [\n{_listed(classes)}]\n" + (f"valid_to = {BULK_UNTIL}  # no target since\n" if bulk else "")
        )
    (out / "policy.toml").write_text("\n".join(parts), encoding="utf-8")


def _listed(names: Iterable[str]) -> str:
    return "".join(f'    "{name}",\n' for name in names)


def write_excerpt(out: Path, source: Path) -> None:
    """excerpt.csv: every 116th row of the file, from the middle of the first stride; no free text, no place finer than
    a neighbourhood."""
    with gzip.open(source, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    stride = len(rows) // EXCERPT_ROWS
    with (out / "excerpt.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, EXCERPT_COLUMNS, lineterminator="\n", extrasaction="ignore")
        table.writeheader()
        for row in rows[stride // 2 :: stride][:EXCERPT_ROWS]:
            title = "yes" if row["case_title"] == row["type"] else "no"
            table.writerow({name: tidy(text) for name, text in row.items()} | {"own_title": title})


RULEBOOK_HEAD = """\
# Duty rulebook. Written by build.py out of the published requests; a refiled request goes where its type goes.
version = "2011.2"

[[rule]]
rule_id = "hotline"
lead = "centre"
tier = "city"
why = "no department had most of these requests: the Mayor's 24 Hour Hotline keeps them"
"""

POLICY_HEAD = """\
# Time-limit policy. Written by build.py.
#
# `total`: inferred from requests opened from July to October 2011. A type has a row when one rule gives at least
# {share} of its published targets within a minute: the strictest step that leaves {coverage} of those requests with a
# rule. Types without a row had no consistent target, or none at all. Requests opened in November and December were kept
# back to measure.
#
# `triage` and `accept` are this pack's own; nothing was published about them. They give every order a clock.
version = "2011.2"
day_end = "working_hours"
stages_without_limit = [
    "dispatch", "contact", "arrive", "handle", "verify", "callback", "decide", "answer", "commitment",
]

# own
[[limit]]
limit_id = "triage"
stage = "triage"
amount = 4
unit = "work_hour"

# own: danger to life
[[limit]]
limit_id = "accept-critical"
stage = "accept"
amount = 10
unit = "minute"
urgencies = ["critical"]

# own
[[limit]]
limit_id = "accept"
stage = "accept"
amount = 1
unit = "work_day"
"""

if __name__ == "__main__":
    main()
