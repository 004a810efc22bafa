"""The pack's rules against the published targets: the excerpt always, the whole file where it is at hand."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.replay.compare import INFERRED, KEPT_BACK, compare
from deploy.replay.filing import class_key_of, class_keys, ticket_of
from deploy.replay.offline import ours_by_rules
from deploy.replay.records import EXCERPT, Record, read
from deploy.replay.report import passes
from schemas.city import City
from services.chassis.city import load

from .conftest import PACK

Make = Callable[..., Record]


def test_the_excerpt_agrees(city: City) -> None:
    records = list(read(EXCERPT))
    outcome = compare(records, ours_by_rules(records, city))
    assert passes(outcome)
    assert outcome.total.coverage >= 0.90
    assert outcome.total.flags_equal_at_equal == outcome.total.flags_at_equal


def test_the_whole_file_agrees_on_the_months_that_were_kept_back(city: City, full_file: Path) -> None:
    records = list(read(full_file))
    outcome = compare(records, ours_by_rules(records, city))
    kept_back, inferred = outcome.periods[KEPT_BACK], outcome.periods[INFERRED]
    assert passes(outcome)
    assert kept_back.agreement >= 0.99
    assert kept_back.coverage >= 0.90
    assert inferred.agreement >= 0.99
    assert outcome.total.flags_at_equal - outcome.total.flags_equal_at_equal <= 1
    assert outcome.total.unpromised <= 20


@pytest.mark.slow
def test_the_pack_is_what_its_build_makes_of_the_published_file(full_file: Path, tmp_path: Path) -> None:
    made = ("classes.csv", "rulebook.toml", "policy.toml", "excerpt.csv")
    data = full_file.parents[1]
    subprocess.run([sys.executable, PACK / "build.py", "--data", data, "--out", tmp_path], check=True, timeout=110)
    for name in made:
        assert (tmp_path / name).read_bytes() == (PACK / name).read_bytes(), name


@pytest.mark.parametrize(
    ("opened", "name", "due"),
    [
        ("2011-10-07 16:59:59", "Traffic Signal Repair", "2011-10-10 16:59:59"),  # Columbus Day is counted
        ("2011-10-07 17:00:00", "Traffic Signal Repair", "2011-10-11 08:30:00"),
        ("2011-10-08 10:00:00", "Traffic Signal Repair", "2011-10-11 10:00:00"),
        ("2011-10-08 21:00:00", "Traffic Signal Repair", "2011-10-12 08:30:00"),
        ("2011-10-06 03:00:00", "Traffic Signal Repair", "2011-10-07 03:00:00"),
        ("2011-11-23 12:00:00", "Sticker Request", "2011-11-25 12:00:00"),  # Thanksgiving is counted
        ("2011-11-05 12:00:00", "Unsafe Dangerous Conditions", "2011-11-06 12:00:00"),  # summer time ends
        ("2011-11-10 11:16:59", "Schedule a Bulk Item Pickup", "2011-11-14 11:16:59"),
        ("2011-11-10 11:17:00", "Schedule a Bulk Item Pickup", None),
        ("2011-10-07 10:00:00", "New Sign Crosswalk or Pavement Marking", None),
        ("2011-10-07 10:00:00", "Notification", None),
    ],
)
def test_deadlines_by_hand(city: City, record: Make, opened: str, name: str, due: str | None) -> None:
    row = record(opened=opened, type=name, target=due)
    assert ours_by_rules([row], city)["1"].due == row.target


def test_a_refiled_request_keeps_no_promise_of_its_new_type(city: City, record: Make) -> None:
    keys = class_keys(city)
    assert class_key_of(record(type="Graffiti Removal"), keys) == "BOS/event/graffiti-removal"
    refiled = record(type="Graffiti Removal", own_title=False)
    assert class_key_of(refiled, keys) == "BOS/event/graffiti-removal-refiled"
    assert ours_by_rules([refiled], city)["1"].due is None
    assert class_key_of(record(own_title=False), keys) == "BOS/service/sticker-request"
    assert class_key_of(record(type="Lunar Eclipse"), keys) == ""


def test_the_target_is_not_looked_at(city: City, record: Make) -> None:
    one, other = record(), record(target="2030-01-01 00:00:00")
    assert ours_by_rules([one], city)["1"].due == ours_by_rules([other], city)["1"].due
    assert not any("target" in name or "due" in name for name in ticket_of(one, class_keys(city)))


def test_every_published_type_has_a_class_and_none_sounds_like_danger(city: City) -> None:
    keys = class_keys(city)
    for row in read(EXCERPT):
        ticket = ticket_of(row, keys)
        assert ticket["class_key"], row.type
        said = f"{ticket['title']} {ticket['text']}".lower()
        assert not [danger.word for danger in city.dangers if danger.word in said]
    assert not [item.name for item in city.classes if any(d.word in item.name.lower() for d in city.dangers)]


def test_the_pack_loads_and_says_which_years_it_knows() -> None:
    city = load(PACK)
    assert city.calendars[0].years == {2011, 2012}
    assert city.calendars[0].holidays == frozenset()
    assert {rule.lead for rule in city.rules} >= {"centre", "public_works", "inspections", "parks", "transportation"}
