"""What the checker says of any rulebook is what trying every case by hand shows."""

from datetime import datetime
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.city import DutyRule
from schemas.vocabulary import Source, TicketType
from services.chassis.city import CityFaults, load
from services.chassis.city.faults import FaultList
from services.chassis.city.files import toml_rows, toml_table
from services.router.rules.atlas import Atlas
from services.router.rules.match import ranking
from services.router.rules.question import Question
from tests.city import small

AREAS = ("C", "D1", "D2", "S1", "S2", "S3", "K1")
WORDS = ("T/event/01", "T/event/02", "major:环境", "T/service/03")
CLASSES = ("T/event/01", "T/event/02", "T/service/03", "T/event/04")
HOURS = ("", 'hours = ["8:00", "18:00"]', 'hours = ["22:00", "6:00"]')


def listed(name: str, values: tuple[str, ...]) -> str:
    return f"{name} = [{', '.join(f'{value!r}' for value in values)}]" if values else ""


def few(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


row = st.tuples(
    few(AREAS).map(lambda found: listed("areas", found)),
    few(WORDS).map(lambda found: listed("classes", found)),
    few(("hotline", "police")).map(lambda found: listed("sources", found)),
    few(("help", "complaint")).map(lambda found: listed("ticket_types", found)),
    st.sampled_from(HOURS),
    st.sampled_from(('lead = "centre"', 'lead = "police"')),
)


def rulebook(rows: list[tuple[str, ...]], fallback: bool) -> str:
    parts = ['version = "1"']
    if fallback:
        parts += ["[[rule]]", 'rule_id = "all"', 'lead = "centre"']
    for number, lines in enumerate(rows):
        parts += ["[[rule]]", f'rule_id = "r{number}"', *filter(None, lines)]
    return "\n".join(parts) + "\n"


def tried(directory: Path, text: str) -> tuple[set[str], set[tuple[str, str]], bool]:
    """By hand: rules that decide something, pairs that contradict each other, and whether anything is left open."""
    atlas = Atlas.of(load(directory))
    city = atlas.city
    faults = FaultList()
    rules = toml_table(toml_rows(directory, "x", faults, text), "rule", DutyRule, "rule_id", faults).items
    atlas = atlas.under(rules, "tried")
    deciding, clashes, gap = set(), set(), False
    types = (TicketType.HELP, TicketType.COMPLAINT, TicketType.PRAISE)
    sources = (Source.HOTLINE, Source.POLICE, Source.PATROL)
    for division, key, source, kind, hour in product(city.divisions, CLASSES, sources, types, (7, 12, 20, 23)):
        at = datetime(2026, 10, 8, hour, tzinfo=atlas.zone)
        fitting = list(ranking(atlas, Question(key, kind, division.code, source, at)))
        gap = gap or not fitting
        equals = [rule for rank, rule in fitting if rank == fitting[0][0]]
        deciding |= {rule.rule_id for rule in equals[:1]}
        pairs = ((one, two) for number, one in enumerate(equals) for two in equals[number + 1 :])
        clashes |= {(one.rule_id, two.rule_id) for one, two in pairs if one.outcome != two.outcome}
    return deciding, clashes, gap


@given(st.lists(row, max_size=5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_checker_finds_what_trying_everything_finds(rows: list[tuple[str, ...]], fallback: bool) -> None:
    text = rulebook(rows, fallback)
    with TemporaryDirectory() as folder:
        directory = small.write(Path(folder))
        deciding, clashes, gap = tried(directory, text)
        try:
            load(directory, rulebook=text)
            causes = []
        except CityFaults as trouble:
            causes = [fault.cause for fault in trouble.faults]
    causes = [cause for cause in causes if "no unit of function" not in cause and "no [[rule]]" not in cause]
    unreachable = {cause.split("'")[1] for cause in causes if "unreachable" in cause}
    told = {(cause.split("'")[3], cause.split("'")[1]) for cause in causes if "contradicts" in cause}
    known = {f"r{number}" for number in range(len(rows))} | ({"all"} if fallback else set())
    assert told == clashes
    assert unreachable == known - deciding - {one for pair in clashes for one in pair}
    assert any("no rule for class" in cause for cause in causes) == (gap and bool(known))
