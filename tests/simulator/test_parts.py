"""Phrases, the day's rhythm, devices, habits and the ledger, each for itself."""

import itertools
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import msgspec
import pytest

from deploy.simulator.devices import Batch, Gateways, flood_curve
from deploy.simulator.grammar import GrammarFault, Phrase, weighted
from deploy.simulator.habits import habit_of
from deploy.simulator.ledger import Entry, Ledger, read_ledger
from deploy.simulator.rhythm import Rhythm, Window, arrivals
from schemas.city import City

START = datetime(2026, 10, 8, tzinfo=UTC)
LISTS = {"when": ("昨晚", "今晨")}


# --- phrases ---------------------------------------------------------------------------------------------------------


def test_a_phrase_says_every_combination() -> None:
    phrase = Phrase("{place}{a|b|}{@when}。", LISTS)
    rand = Random(1).random
    said = {phrase.say(rand, {"place": "某路"}) for _ in range(200)}
    assert said == {f"某路{one}{when}。" for one in ("a", "b", "") for when in ("昨晚", "今晨")}
    assert phrase.slots == 3
    assert phrase.blanks == {"place"}


@pytest.mark.parametrize("broken", ["{a|b", "a|b", "a}b", "{@nothing}", "{}", "{a b}", "{a|a}", "{a{b|c}d|e}"])
def test_a_phrase_that_cannot_be_said_is_refused_when_it_is_read(broken: str) -> None:
    with pytest.raises(GrammarFault):
        Phrase(broken, LISTS)


def test_a_blank_that_is_not_given_is_an_error_not_a_gap() -> None:
    with pytest.raises(KeyError):
        Phrase("{place}积水", LISTS).say(Random(1).random, {})


def test_weights_become_running_shares() -> None:
    assert weighted([1, 1, 2]) == (0.25, 0.5, 1.0)
    with pytest.raises(GrammarFault):
        weighted([0, 0])


# --- rhythm ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("storm", [False, True])
@pytest.mark.parametrize("hours", [1, 8, 24, 72])
def test_the_rate_is_the_mean_over_the_window_whatever_its_length(hours: int, storm: bool) -> None:
    window = Window(START, timedelta(hours=hours))
    rhythm = Rhythm(window, "Asia/Shanghai", 5000 / window.seconds, storm=storm)
    count = sum(1 for _ in arrivals(rhythm, window, Random(1).random))
    assert 4700 < count < 5300


def test_nights_are_quiet_and_offices_open_at_nine() -> None:
    rhythm = Rhythm(Window(START), "Asia/Shanghai", 1.0)  # starts at 08:00 local time
    by_hour = {(8 + n) % 24: rhythm.rate(n * 3600.0) for n in range(24)}
    assert by_hour[3] < 0.2 < 1.8 < by_hour[10]
    assert min(by_hour, key=by_hour.__getitem__) in (2, 3, 4)


def test_a_storm_stands_in_the_middle() -> None:
    window = Window(START, timedelta(seconds=100))
    rhythm = Rhythm(window, "Asia/Shanghai", 1.0, storm=True)
    assert [rhythm.stormy(offset) is not None for offset in (0, 34.9, 35, 52, 69.9, 70, 99)] == [
        *(False, False, True, True, True, False, False)
    ]
    assert rhythm.rate(50) > 3 * rhythm.rate(10)
    assert Rhythm(window, "Asia/Shanghai", 1.0).stormy(50) is None


# --- devices ---------------------------------------------------------------------------------------------------------


def only(city: City, kind: str) -> City:
    """The city with devices of one kind."""
    return msgspec.structs.replace(city, devices=tuple(device for device in city.devices if device.kind == kind))


def batches_of(city: City, length: timedelta, seed: int = 1, *, storm: bool = False) -> list[Batch]:
    window = Window(START, length)
    rhythm = Rhythm(window, city.timezone, 1.0, storm=storm)
    return list(Gateways(city, seed, window, rhythm, ("water_level",)).batches())


def values_of(batches: list[Batch], kind: str) -> dict[str, list[tuple[str, float]]]:
    found: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for reading in itertools.chain.from_iterable(batch.readings for batch in batches):
        if reading["kind"] == kind:
            found[reading["device_id"]].append((reading["at"], reading["value"]))
    return found


def test_daily_meters_send_once_a_morning_with_gaps_lows_highs_and_faults(shanghai: City) -> None:
    (rule,) = (rule for rule in shanghai.screens if rule.kind == "water_meter_day")
    assert rule.low is not None and rule.high is not None
    meters = values_of(batches_of(only(shanghai, "water_meter_day"), timedelta(days=28)), "water_meter_day")
    assert len(meters) == sum(device.kind == "water_meter_day" for device in shanghai.devices)
    values = [value for series in meters.values() for _, value in series]
    for series in meters.values():
        days = [at for at, _ in series]
        assert len(set(days)) == len(days), "two readings for one day"
        assert all(at[11:19] == "06:00:00" and at.endswith("+08:00") for at in days)
    usual = [value for value in values if rule.low <= value <= rule.high]
    assert 0.95 < len(usual) / len(values) < 0.999
    assert 0.1 < sum(usual) / len(usual) < 0.5
    low, high = (sum(0 <= v < rule.low for v in values), sum(rule.high < v <= rule.maximum for v in values))
    assert low > 5 and high > 2
    assert sum(v > rule.maximum for v in values) > 0
    expected = 29 * len(meters)  # the morning before the start, too
    assert 0.94 * expected < len(values) < expected, "some are silent for days"


def test_water_levels_stay_low_but_in_a_storm_a_few_sites_flood(shanghai: City) -> None:
    (rule,) = (rule for rule in shanghai.screens if rule.kind == "water_level")
    assert rule.high is not None
    flooded = []
    for storm in (False, True):
        levels = values_of(batches_of(only(shanghai, "water_level"), timedelta(hours=8), storm=storm), "water_level")
        over = {
            device
            for device, series in levels.items()
            if sum(rule.high < value <= rule.maximum for _, value in series) >= 4
        }
        flooded.append(over)
        for series in levels.values():
            moments = [at for at, _ in series]
            assert moments == sorted(moments)
    calm, storm_sites = flooded
    assert len(calm) <= 2
    assert 3 <= len(storm_sites - calm) <= 0.25 * sum(device.kind == "water_level" for device in shanghai.devices)


def test_a_flood_rises_fast_stays_and_drains() -> None:
    curve = [flood_curve(n / 100) for n in range(101)]
    assert curve[0] == 0 and max(curve) == 1.0
    assert curve[:26] == sorted(curve[:26])
    assert set(curve[25:50]) == {1.0}
    assert curve[50:] == sorted(curve[50:], reverse=True)
    assert curve[100] < 0.05


def test_devices_are_the_same_for_the_same_seed_alone(shanghai: City) -> None:
    hour = timedelta(hours=1)
    assert batches_of(shanghai, hour) == batches_of(shanghai, hour)
    assert batches_of(shanghai, hour) != batches_of(shanghai, hour, seed=2)


# --- habits ----------------------------------------------------------------------------------------------------------


def test_some_responders_are_late_some_forget_and_most_do_neither() -> None:
    habits = [habit_of(1, str(n)) for n in range(4000)]
    assert habits[:9] == [habit_of(1, str(n)) for n in range(9)]
    kinds = {kind: sum(habit.kind == kind for habit in habits) / 4000 for kind in ("prompt", "late", "forgets")}
    assert 0.75 < kinds["prompt"] < 0.9 and 0.08 < kinds["late"] < 0.16 and 0.03 < kinds["forgets"] < 0.09
    assert all((habit.finish is None) == (habit.kind == "forgets") for habit in habits)
    assert any(habit.accept is None for habit in habits)
    late = sorted(habit.accept or 0 for habit in habits if habit.kind == "late")
    prompt = sorted(habit.accept or 0 for habit in habits if habit.kind == "prompt")
    assert late[len(late) // 2] > 4 * prompt[len(prompt) // 2]


# --- the ledger ------------------------------------------------------------------------------------------------------


def entry(n: int) -> Entry:
    return Entry(UUID(int=n), "/v1/hotline/tickets", f"12345-{n}", START)


def test_a_ledger_is_on_the_disk_before_write_returns_and_is_appended_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "ledger.jsonl"
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", lambda _: synced.append(place.stat().st_size))
    with Ledger(place) as ledger:
        ledger.write([entry(1), entry(2)])
        assert synced == [place.stat().st_size]
        ledger.write([])
        assert len(synced) == 1
    with Ledger(place) as ledger:
        ledger.write([entry(3)])
    assert list(read_ledger(place)) == [entry(1), entry(2), entry(3)]


def test_a_torn_last_line_never_counted_but_any_other_is_an_error(tmp_path: Path) -> None:
    place = tmp_path / "ledger.jsonl"
    with Ledger(place) as ledger:
        ledger.write([entry(1), entry(2)])
    whole = place.read_bytes()
    place.write_bytes(whole[:-10])
    assert list(read_ledger(place)) == [entry(1)]
    place.write_bytes(whole[5:])
    with pytest.raises(msgspec.DecodeError):
        list(read_ledger(place))
