"""What a report says, asked of supervision's API: so it is what the page, the boards and the lists say."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import httpx
from msgspec import Struct

from deploy.stack.trouble import Trouble

RATES = ("answer_in_time", "accept_in_time", "contact_in_time", "handle_in_time", "solved", "satisfied")
LEAGUES = ("street", "department")
LEAGUE_OF = "answer_in_time"
DAYS = 7


class Span(Struct, frozen=True):
    """Whole days, first and last."""

    first: date
    last: date

    @classmethod
    def of(cls, day: date, *, week: bool) -> "Span":
        """The day, or its week from Monday to Sunday."""
        if not week:
            return cls(day, day)
        monday = day - timedelta(days=day.weekday())
        return cls(monday, monday + timedelta(days=6))

    def before(self) -> "Span":
        """As many days, just before."""
        length = (self.last - self.first).days + 1
        return Span(self.first - timedelta(days=length), self.last - timedelta(days=length))

    def period(self) -> str:
        """As the API takes it."""
        return f"{self.first}..{self.last}"


class Figures(Struct, frozen=True):
    """Everything in a report. `numbers` and `earlier` are by kpi; `days` are the seven days up to the last, each with
    its numbers by kpi; `districts` by name, then by kpi; `board`, `places` are of the moment of the question."""

    city: str
    city_en: str
    span: Span
    numbers: dict[str, dict[str, Any]]
    earlier: dict[str, dict[str, Any]]
    days: list[tuple[date, dict[str, dict[str, Any]]]]
    districts: dict[str, dict[str, dict[str, Any]]]
    leagues: dict[str, list[dict[str, Any]]]
    league_from: int
    findings: dict[str, int]
    board: dict[str, Any]
    places: list[dict[str, Any]]
    frozen_through: str | None


class Asking:
    """Supervision, asked with one token. Raises Trouble where it does not answer, or says no."""

    def __init__(self, base: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=base, timeout=60, headers=headers, transport=transport)

    def get(self, path: str, **given: str) -> dict[str, Any]:
        """The JSON answer."""
        try:
            reply = self._http.get(path, params=given)
        except httpx.TransportError as error:
            raise Trouble(f"supervision does not answer: {error}", "start it: `paidan up`") from error
        if reply.status_code != 200:
            raise Trouble(f"{path} answered {reply.status_code}: {reply.text[:200]}", "see .paidan/logs")
        found: dict[str, Any] = reply.json()
        return found

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()


def _numbers(asking: Asking, span: Span, kpis: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    found = asking.get("/v1/kpis", period=span.period(), **({"kpi": ",".join(kpis)} if kpis else {}))
    return {row["kpi"]: row for row in found["items"]}


def figures(asking: Asking, span: Span, city: tuple[str, str], midnight: str) -> Figures:
    """Everything a report of these days says; `midnight` begins the first of them in the city's time."""
    asked = asking.get("/v1/kpis", period=span.period())
    districts: dict[str, dict[str, dict[str, Any]]] = {}
    for row in asking.get("/v1/kpis", period=span.period(), group="district", kpi=",".join(("repeat", *RATES)))[
        "items"
    ]:
        districts.setdefault(row["name"], {})[row["kpi"]] = row
    days = [span.last - timedelta(days=back) for back in reversed(range(DAYS))]
    ranked = {kind: asking.get("/v1/kpis/league", kpi=LEAGUE_OF, kind=kind, period=span.period()) for kind in LEAGUES}
    return Figures(
        city=city[0],
        city_en=city[1],
        span=span,
        numbers={row["kpi"]: row for row in asked["items"]},
        earlier=_numbers(asking, span.before()),
        days=[(day, _numbers(asking, Span(day, day), ("repeat", LEAGUE_OF))) for day in days],
        districts=districts,
        leagues={kind: found["items"] for kind, found in ranked.items()},
        league_from=ranked[LEAGUES[0]]["league_from"],
        findings=asking.get("/v1/findings", since=midnight, limit="1")["counts"],
        board=asking.get("/v1/board"),
        places=asking.get("/v1/places")["items"],
        frozen_through=asked["period"]["frozen_through"],
    )
