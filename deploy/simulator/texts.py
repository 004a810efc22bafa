"""Bodies of reports as agents, 110 and inspectors write them. One writer has one source of chance."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from deploy.simulator.grammar import Phrase, Rand, pick
from deploy.simulator.places import Places, Spot
from deploy.simulator.speech import Problem, Speech
from schemas.geo import wgs84_to_gcj02

__all__ = ["Matter", "Told", "Writer"]

_NOWHERE = 0.04
_WRONG_DISTRICT = 0.02
_ABOVE = 0.08
_SEVERAL = 0.08
_FULL_WIDTH = 0.04
_TRADITIONAL = 0.02
_HALF_WIDTH_MARKS = 0.05
_INFORMANT = 0.015
_MASKED = 0.06
_ANSWERED = 0.5  # of consultations
_TITLE = 0.25
_GCJ = 0.2  # of findings, from phones with a Chinese map
_WIDE = {ord("0") + n: chr(ord("０") + n) for n in range(10)}
_NARROW = str.maketrans("，：；", ",:;")
_QUIET = ("consultation", "praise")
_FAR_BACK = timedelta(hours=12).total_seconds()


class Matter(Struct, frozen=True, eq=False):
    """One thing that is the matter, however many report it."""

    number: int
    problem: Problem
    spot: Spot
    ticket_type: str
    storm: bool = False


class Told(Struct, frozen=True):
    """How the place was told: `street`, `loose`, `wrong` (another district) or `none`; and the name given for it."""

    how: str
    name: str
    district: str


class Writer:
    """Writes the bodies. `run` makes the senders' ids of one run its own."""

    def __init__(self, speech: Speech, places: Places, rand: Rand, run: str) -> None:
        self._speech = speech
        self._places = places
        self._rand = rand
        self._run = run

    def ticket(self, matter: Matter, n: int, at: datetime) -> tuple[dict[str, Any], str]:
        """A 12345 ticket received at `at` (aware): the body, and how its place was told."""
        rand, speech = self._rand, self._speech
        told = self._tell(matter.spot)
        said = pick(matter.problem.wordings, rand).say(rand)
        kind = matter.ticket_type
        informant = kind == "informant" or (kind == "complaint" and rand() < _INFORMANT)
        asking = kind in _QUIET
        text = self._shaped("ticket", told.name, said, "asking") if asking else self._several(self._story(told, said))
        if informant:
            text += self._say("ticket.informant") + speech.stop
        if rand() < _MASKED:
            text += self._say("ticket.masked") + speech.stop
        body: dict[str, Any] = {
            "source_id": f"12345-{self._run}-{n:07d}",
            "ticket_type": "informant" if informant else kind,
            "text": text.strip(),
            "reporter": self._reporter(confidential=informant),
        }
        if rand() < _TITLE:
            body["title"] = said.split(speech.comma, 1)[0][:60]
        if told.district and rand() < 0.7:
            body["district"] = told.district
        if told.name and (rand() < 0.6 or told.how == "above"):
            body["address"] = told.name
        if rand() < 0.5:
            body["occurred_at"] = self._back(at)
        if kind == "consultation" and rand() < _ANSWERED:
            body["answered"] = {"text": self._say("ticket.answers") + speech.stop, "by": f"{int(rand() * 400):04d}"}
        return self._as_typed(body), told.how

    def about_service(self, ticket: dict[str, Any], code: str, n: int) -> dict[str, Any]:
        """A ticket as the one-stop service sends it: about a service whose code begins with `code`; a complaint is a
        bad rating."""
        body = {name: value for name, value in ticket.items() if name != "answered"}
        if body["ticket_type"] == "complaint":
            body["stars"] = 1 + n % 2
        number = f"YW-{self._run}-{n:07d}"
        return body | {"source_id": number, "source_number": number, "matter_code": f"{code}{n % 1000:03d}000"}

    def call(self, matter: Matter, n: int, at: datetime) -> tuple[dict[str, Any], str]:
        """A 110 call received at `at` (aware), with its class code: the body, and how its place was told."""
        rand, spot = self._rand, matter.spot
        place = self._places.name(spot, rand)
        text = self._shaped("call", place, pick(matter.problem.wordings, rand).say(rand))
        body: dict[str, Any] = {
            "source_id": f"110-{self._run}-{n:07d}",
            "text": text,
            "reporter": {"phone": self._phone()},
            "occurred_at": self._back(at, 900),
        }
        if matter.problem.police_class:
            body["police_class"] = matter.problem.police_class
        if spot.lon is not None and rand() < 0.6:
            body["lon"], body["lat"] = spot.lon, spot.lat
        if rand() < 0.8:
            body["address"] = place
        return self._as_typed(body), _detail(spot, place)

    def finding(self, matter: Matter, n: int, at: datetime) -> tuple[dict[str, Any], str]:
        """An inspector's finding at `at` (aware): the body, and how its place was told."""
        rand, spot = self._rand, matter.spot
        place = self._places.name(spot, rand)
        text = self._shaped("finding", place, pick(matter.problem.wordings, rand).say(rand))
        body: dict[str, Any] = {
            "source_id": f"XC-{self._run}-{n:07d}",
            "text": text,
            "occurred_at": self._back(at, 1800),
        }
        if spot.lon is not None and spot.lat is not None:
            if self._speech.language == "zh" and rand() < _GCJ:
                lon, lat = wgs84_to_gcj02(spot.lon, spot.lat)
                body |= {"lon": round(lon, 6), "lat": round(lat, 6), "crs": "gcj02"}
            else:
                body |= {"lon": spot.lon, "lat": spot.lat}
        else:
            body["address"] = place
        if matter.problem.class_key and rand() < 0.3:
            body["class_key"] = matter.problem.class_key
        if rand() < 0.5:
            picture = f"https://photos.invalid/{self._run}/{n}.jpg"
            body["attachments"] = [{"url": picture, "media_type": "image/jpeg"}]
        return self._as_typed(body), _detail(spot, place)

    def _say(self, name: str) -> str:
        return pick(self._speech.phrases[name], self._rand).say(self._rand)

    def _tell(self, spot: Spot) -> Told:
        rand, places = self._rand, self._places
        chance = rand()
        if chance < _NOWHERE:
            return Told("none", "", "")
        if chance < _NOWHERE + _WRONG_DISTRICT:
            name, district = places.misnamed(spot, rand)
            return Told("wrong", name, district)
        name = places.name(spot, rand)
        district = spot.town.district.name
        if chance < _NOWHERE + _WRONG_DISTRICT + _ABOVE:
            return Told("above", name, district)
        return Told(_detail(spot, name), name, district)

    def _story(self, told: Told, said: str) -> str:
        rand, phrases, comma = self._rand, self._speech.phrases, self._speech.comma
        if told.how == "above":
            above = pick(phrases["ticket.above"], rand).say(rand, {"problem": said})
            parts = self._say("ticket.openings") + above, self._say("ticket.histories"), self._say("ticket.wishes")
            return comma.join(parts) + self._speech.stop
        return self._shaped("ticket", told.name, said)

    def _shaped(self, section: str, place: str, said: str, shapes: str = "shapes") -> str:
        shape = pick(self._speech.phrases[f"{section}.{shapes}"], self._rand)
        place = place or self._say("ticket.nowhere")
        return shape.say(self._rand, self._blanks(shape, section, {"place": place, "problem": said}))

    def _blanks(self, shape: Phrase, section: str, given: dict[str, str]) -> dict[str, str]:
        for name in _LISTS:
            if name in shape.blanks and name not in given:
                given[name] = self._say(f"{section}.{_LISTS[name]}")
        return given

    def _several(self, text: str) -> str:
        """The text, now and then with a second demand in it, at another place or the same."""
        rand, speech = self._rand, self._speech
        if rand() >= _SEVERAL:
            return text
        other = pick(pick(speech.problems, rand).wordings, rand).say(rand)
        also = pick(speech.phrases["ticket.also"], rand)
        place = self._places.name(self._places.spot(rand), rand) if "place" in also.blanks else ""
        return text.rstrip(speech.stop) + also.say(rand, {"problem": other, "place": place}) + speech.stop.rstrip()

    def _reporter(self, *, confidential: bool) -> dict[str, Any]:
        rand = self._rand
        name = pick(self._speech.surnames, rand) + pick(self._speech.calls, rand)
        who: dict[str, Any] = {"name": name, "phone": self._phone()}
        return who | {"confidential": True} if confidential else who

    def _phone(self) -> str:
        return self._speech.phone.format(number=int(self._rand() * 10_000))

    def _back(self, at: datetime, most: float = _FAR_BACK) -> str:
        """A time up to `most` seconds before `at`, more often shortly before it."""
        return (at - timedelta(seconds=int(most * self._rand() ** 3))).isoformat(timespec="seconds")

    def _as_typed(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body as it came from the keyboard: full-width digits, half-width marks, or the traditional script."""
        chance = self._rand()
        if chance < _FULL_WIDTH:
            return self._changed(body, lambda text: text.translate(_WIDE))
        chance -= _FULL_WIDTH
        if chance < _TRADITIONAL and self._speech.pairs:
            return self._changed(body, lambda text: text.translate(self._speech.pairs))
        chance -= _TRADITIONAL
        if chance < _HALF_WIDTH_MARKS:
            return self._changed(body, lambda text: text.translate(_NARROW))
        return body

    def _changed(self, body: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
        for name in ("text", "title", "address", "district"):
            if name in body:
                body[name] = change(body[name])
        return body


def _detail(spot: Spot, name: str) -> str:
    town = spot.town.division
    return "street" if town.name in name or any(alias in name for alias in town.aliases) else "loose"


_LISTS = {
    "opening": "openings",
    "history": "histories",
    "wish": "wishes",
    "extra": "extras",
    "scene": "scenes",
    "ask": "asks",
    "done": "done",
    "answer": "asking_wishes",
}
