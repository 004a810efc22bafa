"""The table of numbers is whole: ids, places, names, and every number that the design names."""

from services.supervision.rules.kpi import BY_ID, KPIS, Kind
from services.supervision.rules.kpi.definitions import BUCKETS, TENTHS

NAMED = {
    *("接单及时率", "首派准确率", "退单率", "先行联系率", "按时办结率", "按期处置率", "按期结案率", "实际解决率"),
    *("满意率", "返工率", "重复率", "超期未结数", "先行发现率"),
}


def test_every_rate_that_the_design_names_is_there() -> None:
    assert {kpi.zh for kpi in KPIS} >= NAMED


def test_ids_and_places_are_never_shared_and_fit_into_a_row() -> None:
    assert len(BY_ID) == len(KPIS) == len({kpi.bit for kpi in KPIS})
    assert max(kpi.bit for kpi in KPIS) < 63


def test_places_in_stored_rows_are_what_they_were() -> None:
    """Stored rows and frozen days rest on them: a number may be added, none may move."""
    assert [kpi.kpi for kpi in sorted(KPIS, key=lambda kpi: kpi.bit)] == [
        *("accept_in_time", "first_dispatch", "returned", "contact_in_time", "answer_in_time", "handle_in_time"),
        *("close_in_time", "solved", "solved_said", "satisfied", "rework", "reopened", "repeat", "merged"),
        *("found_first", "recurred", "no_match", "ping_pong", "urged", "supervised_1", "supervised_2"),
        *("supervised_3", "time_to_accept", "time_to_contact", "time_to_handle", "overdue_open"),
    ]


def test_each_says_what_it_counts_and_whose_formula_it_is() -> None:
    for kpi in KPIS:
        assert all((kpi.zh, kpi.en, kpi.numerator, kpi.denominator, kpi.day, kpi.excluded, kpi.source)), kpi.kpi
        assert not kpi.league or (kpi.kind is Kind.RATE and kpi.better), kpi.kpi


def test_weights_are_those_of_the_assessment() -> None:
    assert sorted(TENTHS.values()) == [0, 6, 8, 10]
    assert list(BUCKETS) == sorted(set(BUCKETS))
