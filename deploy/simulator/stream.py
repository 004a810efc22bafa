"""The city as a stream: what is sent where, when, and what was meant by it. The same seed gives the same stream."""

from bisect import bisect
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from deploy.simulator.devices import Gateways
from deploy.simulator.grammar import GrammarFault, pick, weighted
from deploy.simulator.places import Places
from deploy.simulator.rhythm import Rhythm, Window, arrivals
from deploy.simulator.speech import Problem, Speech, speech_of
from deploy.simulator.texts import Matter, Writer
from schemas.city import City

__all__ = ["DEFAULT_START", "Meant", "Mix", "Sent", "stream"]

DEFAULT_START = datetime(2026, 10, 8, 0, 0, tzinfo=UTC)
HOTLINE, POLICE, PATROL = "/v1/hotline/tickets", "/v1/police/calls", "/v1/patrol/findings"
ONE_STOP = "/v1/one-stop/tickets"  # every other ticket about a government service comes from there
READINGS = "/v1/sensors/readings"

_REPEATS = 0.12  # reports about a matter that somebody reported before
_STORM_SHARE = 0.75  # reports in a storm that are about it
_STORM_SITES = 8
_REMEMBERED = 60
_DANGER = {HOTLINE: 0.004, POLICE: 0.02, PATROL: 0.001}


class Mix(Struct, frozen=True):
    """How many of a thousand reports come in which way; `sensors` 0 leaves out the devices, which otherwise report at
    their own pace."""

    hotline: float = 68
    police: float = 20
    patrol: float = 12
    sensors: float = 1


class Meant(Struct, frozen=True):
    """The truth behind a report. `told` is how the place was told (`street`, `loose`, `above`, `wrong`, `none`)."""

    class_key: str
    division: str
    told: str
    matter: int
    danger: str = ""
    repeat: bool = False
    storm: bool = False


class Sent(Struct, frozen=True):
    """One request: its path, its body, and when it is sent (aware, simulated). `meant` is None for readings."""

    path: str
    body: Any
    at: datetime
    meant: Meant | None = None


def stream(
    city: City,
    seed: int,
    *,
    start: datetime = DEFAULT_START,
    length: timedelta | None = None,
    rate: float = 0.5,
    mix: Mix | None = None,
    storm: bool = False,
    run: str = "",
) -> Iterator[Sent]:
    """Everything a city sends, in order of time, from `start` (aware) for `length` of simulated time, for ever if that
    is None.

    `rate` is reports a simulated second, averaged over the length (over a day without one). `run` makes the senders'
    ids of this run its own; the same `run` and seed give the same ids. Raises GrammarFault for a rate or a mix without
    anything in it.
    """
    window = Window(start.astimezone(ZoneInfo(city.timezone)), length)
    return _City(city, seed, window, rate, mix or Mix(), storm=storm, run=run or str(seed)).stream()


class _City:
    def __init__(self, city: City, seed: int, window: Window, rate: float, mix: Mix, *, storm: bool, run: str) -> None:
        self._rand = Random(f"{seed}/reports").random
        self._speech: Speech = speech_of(city)
        self._places = Places(city, self._speech)
        self._writer = Writer(self._speech, self._places, self._rand, run)
        self._window = window
        self._rhythm = Rhythm(window, city.timezone, rate, storm=storm)
        self._paths = (HOTLINE, POLICE, PATROL)
        police = mix.police if self._speech.police else 0.0
        self._path_sums = weighted((mix.hotline, police, mix.patrol))
        self._problem_sums = weighted([problem.weight for problem in self._speech.problems])
        self._outdoors = (
            tuple(p for p in self._speech.problems if "consultation" not in p.types) or self._speech.problems
        )
        self._police_sums = weighted([p.weight for p in self._speech.police]) if self._speech.police else ()
        self._recent: dict[str, deque[Matter]] = {path: deque(maxlen=_REMEMBERED) for path in self._paths}
        self._services = {item.class_key: item.code for item in reversed(city.one_stop)}
        self._storm_matters: list[Matter] = []
        self._matters = 0
        if mix.sensors < 0:
            raise GrammarFault("a share must not be under 0")
        self._gateways = Gateways(city, seed, window, self._rhythm, self._speech.storm_devices) if mix.sensors else None

    def stream(self) -> Iterator[Sent]:
        """Reports and readings, merged by time."""
        batches = self._gateways.batches() if self._gateways else iter(())
        batch = next(batches, None)
        start = self._window.start
        for n, offset in enumerate(arrivals(self._rhythm, self._window, self._rand)):
            while batch is not None and batch.offset <= offset:
                yield Sent(READINGS, batch.readings, start + timedelta(seconds=batch.offset))
                batch = next(batches, None)
            yield self._report(n, offset)
        while batch is not None:
            yield Sent(READINGS, batch.readings, start + timedelta(seconds=batch.offset))
            batch = next(batches, None)

    def _report(self, n: int, offset: float) -> Sent:
        rand = self._rand
        at = self._window.start + timedelta(seconds=round(offset, 3))
        path = self._paths[bisect(self._path_sums, rand())]
        matter, repeat = self._matter(path, offset)
        if path == HOTLINE:
            body, told = self._writer.ticket(matter, n, at)
            service = self._services.get(matter.problem.class_key)
            if service and matter.number % 2:
                path, body = ONE_STOP, self._writer.about_service(body, service, n)
        elif path == POLICE:
            body, told = self._writer.call(matter, n, at)
        else:
            body, told = self._writer.finding(matter, n, at)
        meant = Meant(
            class_key=matter.problem.class_key,
            division=matter.spot.town.division.code,
            told=told,
            matter=matter.number,
            danger=matter.problem.kind,
            repeat=repeat,
            storm=matter.storm,
        )
        return Sent(path, body, at, meant)

    def _matter(self, path: str, offset: float) -> tuple[Matter, bool]:
        """What is reported now, and whether somebody reported it before."""
        rand = self._rand
        if self._rhythm.stormy(offset) is not None:
            if len(self._storm_matters) < _STORM_SITES:
                matter = self._new(self._stormy_problem(), storm=True)
                self._storm_matters.append(matter)
                return matter, False
            if rand() < _STORM_SHARE:
                return pick(self._storm_matters, rand), True
        else:
            self._storm_matters.clear()
        recent = self._recent[path]
        if recent and rand() < _REPEATS:
            return recent[-1 - int(rand() * rand() * len(recent))], True
        matter = self._new(self._problem(path), with_point=path == PATROL)
        recent.append(matter)
        return matter, False

    def _new(self, problem: Problem, *, storm: bool = False, with_point: bool = False) -> Matter:
        self._matters += 1
        spot = self._places.spot(self._rand, with_point=with_point)
        return Matter(self._matters, problem, spot, pick(problem.types, self._rand), storm)

    def _problem(self, path: str) -> Problem:
        rand, speech = self._rand, self._speech
        if speech.dangers and rand() < _DANGER[path]:
            return pick(speech.dangers, rand)
        if path == POLICE:
            return speech.police[bisect(self._police_sums, rand())]
        if path == PATROL:
            return pick(self._outdoors, rand)
        return speech.problems[bisect(self._problem_sums, rand())]

    def _stormy_problem(self) -> Problem:
        wanted = pick(self._speech.storm_classes, self._rand)
        return next(problem for problem in self._speech.problems if problem.class_key == wanted)
