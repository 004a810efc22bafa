"""Laws of numbers: whatever happens to an order, in whatever order it is told."""

from collections import Counter
from datetime import date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.envelope import Record
from services.chassis.sequence import Sequence
from services.supervision.rules.kpi import BUCKETS, KPIS, Kind, Ledger, Measure, fold_ledger, tally
from services.supervision.rules.kpi.changes import changes, corrections, items
from services.supervision.rules.kpi.league import Entry, league, quantile, wilson
from services.supervision.rules.timeline import Timeline, fold
from tests.rules.supervision_numbers.counted import BEARINGS, rows, settled
from tests.rules.supervision_timeline.story import Story
from tests.rules.supervision_timeline.test_laws import stories
from tests.rules.supervision_timeline.toy import START

RECORD = Record("orders.events", 0, 0, None, b"")
moments = st.integers(0, 4000).map(lambda minutes: START + timedelta(minutes=minutes))


def totals(found: list[Measure], through: date | None = None) -> Counter[tuple[object, ...]]:
    """What rows add up to: numerator, denominator and buckets, by number, day and everything it is grouped by."""
    sums: Counter[tuple[object, ...]] = Counter()
    for row in found:
        if through is not None and row.day > through:
            continue
        for item in items(row):
            place = (item.kpi, row.day, row.unit, row.tier, row.district, row.major, row.source)
            sums[(*place, "num")] += item.num
            sums[(*place, "den")] += 1
            if item.bucket is not None:
                sums[(*place, item.bucket)] += 1
    return +sums


@given(story=stories(asks=True), until=moments)
@settings(max_examples=200, deadline=None)
def test_a_numerator_is_never_more_than_its_denominator(story: Story, until: datetime) -> None:
    for row in rows(story, until):
        assert row.num & ~row.den == 0
        for item in items(row):
            kind = next(kpi.kind for kpi in KPIS if kpi.kpi == item.kpi)
            assert item.num >= 0 and (item.num <= 10 or kind is Kind.DURATION)


@given(story=stories(asks=True), until=moments)
@settings(max_examples=200, deadline=None)
def test_no_two_rows_of_an_order_are_the_same_row(story: Story, until: datetime) -> None:
    keys = [row.key for row in rows(story, until)]
    assert len(keys) == len(set(keys))


@given(story=stories(asks=True), until=moments, data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_order_of_arrival_and_any_repeats_count_the_same(
    story: Story, until: datetime, data: st.DataObject
) -> None:
    arrivals = data.draw(st.permutations(story.facts + story.facts[: len(story.facts) // 2]))
    sequence = Sequence({}, ())
    timeline: Timeline | None = None
    ledger: Ledger | None = None
    for fact in arrivals:
        for ready in sequence.take(fact, RECORD):
            timeline, ledger = fold(timeline, ready), fold_ledger(ledger, ready)
    assert timeline is not None and ledger is not None
    assert tally(timeline, ledger, settled(timeline, until), BEARINGS) == rows(story, until)


@given(story=stories(asks=True), early=moments, later=moments, cut=st.integers(1, 12), frozen=st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_a_frozen_number_and_its_corrections_are_what_the_facts_say(
    story: Story, early: datetime, later: datetime, cut: int, frozen: int
) -> None:
    """Frozen as it stood after some facts, corrected by the rest: the sum is what all facts together count."""
    early, later = min(early, later), max(early, later)
    before, after = rows(story, early, min(cut, len(story.facts))), rows(story, later)
    through = date(2026, 3, 2) + timedelta(days=frozen)
    sums = totals(before, through)
    for one in corrections(changes(before, after), through):
        row = one.row
        place = (one.kpi, row.day, row.unit, row.tier, row.district, row.major, row.source)
        sums[(*place, "num")] += one.num
        sums[(*place, "den")] += one.den
        if one.bucket is not None:
            sums[(*place, one.bucket)] += one.den
    assert {key: value for key, value in sums.items() if value} == dict(totals(after, through))


@given(story=stories(asks=True), early=moments, later=moments)
@settings(max_examples=200, deadline=None)
def test_what_was_decided_stays_decided_as_time_goes_on(story: Story, early: datetime, later: datetime) -> None:
    """Time alone adds items, and takes none away; only facts do."""
    early, later = min(early, later), max(early, later)
    then, now = totals(rows(story, early)), totals(rows(story, later))
    before = {key: value for key, value in then.items() if key[-1] == "den"}
    kept = ("close_in_time",)  # its first miss may be found on an earlier day
    assert all(now[key] >= value for key, value in before.items() if key[0] not in kept)


entries = st.lists(
    st.integers(1, 500).flatmap(lambda den: st.tuples(st.integers(0, den), st.just(den))), min_size=1, max_size=40
).map(lambda found: [Entry(f"u{place}", float(num), den) for place, (num, den) in enumerate(found)])


@given(found=entries, better=st.sampled_from(["more", "less"]))
@settings(max_examples=200, deadline=None)
def test_few_tickets_never_top_a_list_and_an_estimate_lies_between_its_own_and_the_common(
    found: list[Entry], better: str
) -> None:
    placed = league(found, better, 20)  # type: ignore[arg-type]
    assert [place.unit for place in placed if place.rank is not None] == [
        place.unit for place in placed if place.den >= 20
    ]
    assert len(placed) == len(found)
    mean = sum(entry.num for entry in found) / sum(entry.den for entry in found)
    for place in placed:
        low, high = sorted((place.rate, mean))
        assert low - 1e-9 <= place.estimate <= high + 1e-9
        assert -1e-9 <= place.low <= place.rate + 1e-9 and place.rate - 1e-9 <= place.high <= 1 + 1e-9
    ranked = [place.estimate for place in placed if place.rank is not None]
    assert ranked == sorted(ranked, reverse=better == "more") or max(
        abs(a - b) for a, b in zip(ranked, sorted(ranked, reverse=better == "more"), strict=True)
    ) < 1e-8  # fmt: skip


def test_three_perfect_tickets_stand_below_a_hundred_good_ones_even_where_few_are_ranked() -> None:
    many = [Entry(f"m{place}", 90 + place % 9, 100) for place in range(20)]
    placed = league([*many, Entry("three", 3, 3), Entry("poor", 40, 100)], "more", 1)
    three = next(place for place in placed if place.unit == "three")
    best = next(place for place in placed if place.unit == "m8")
    assert three.rate == 1.0 and three.rank is not None and best.rank is not None and best.rank < three.rank
    assert placed[-1].unit == "poor"


def test_units_that_differ_no_more_than_chance_are_all_alike() -> None:
    placed = league([Entry("a", 5, 10), Entry("b", 50, 100), Entry("c", 500, 1000)], "more", 1)
    assert {place.rank for place in placed} == {1}


def test_wilson_is_the_published_interval() -> None:
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611."""
    assert [round(bound, 4) for bound in wilson(81, 263)] == [0.2553, 0.3662]
    assert [round(bound, 4) for bound in wilson(0, 20)] == [0.0, 0.1611]


@given(counts=st.lists(st.integers(0, 50), min_size=len(BUCKETS) + 1, max_size=len(BUCKETS) + 1))
def test_a_quantile_lies_in_its_bucket_and_grows_with_its_share(counts: list[int]) -> None:
    found = [quantile(share / 10, counts, BUCKETS) for share in range(1, 10)]
    if not sum(counts):
        assert set(found) == {None}
        return
    known = [value for value in found if value is not None]
    assert known == sorted(known) and known[0] >= 0 and known[-1] <= BUCKETS[-1]
