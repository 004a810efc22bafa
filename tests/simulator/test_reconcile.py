"""Looking up what came out: nothing missing is clean, anything missing is named, and a run without a trace is not."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest
import typer
from typer.testing import CliRunner

from deploy.cli.simulate import as_data, mix_of, register
from deploy.simulator import Meant, Mix
from deploy.simulator.reconcile import Outcome, Reconciler
from deploy.simulator.run import Plan
from deploy.simulator.tally import Tally
from deploy.stack.trouble import Trouble

SINCE = datetime(2026, 10, 8, tzinfo=UTC)
PLACE = "310105009"


def meant(n: int, *, told: str = "street", repeat: bool = False) -> Meant:
    return Meant(class_key="PD/service/0901", division=PLACE, told=told, matter=n, repeat=repeat)


class Services:
    """Dispatch and supervision: report n has order n, except those in `lost`; clocks except those in `unclocked`."""

    def __init__(self, *, lost: set[int] = frozenset(), unclocked: set[int] = frozenset(), late: int = 0) -> None:  # type: ignore[assignment]
        self.lost = lost
        self.unclocked = unclocked
        self.late = late  # questions that are answered too early

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.startswith("/v1/reports/"):
            return self._report(UUID(path.split("/")[3]).int)
        if path == "/v1/clocks":
            wanted = [UUID(order).int for order in json.loads(request.content)["order_ids"]]
            items = [
                {"order_id": str(UUID(int=n)), "clocks": [] if n in self.unclocked else [{"stage": "total"}]}
                for n in wanted
            ]
            return httpx.Response(200, json={"items": items})
        if path == "/v1/breaches":
            page = (
                {"items": [{}, {}], "next": "c"}
                if "cursor" not in request.url.params
                else {"items": [{}], "next": None}
            )
            return httpx.Response(200, json=page)
        orders = [
            {
                "order_id": str(UUID(int=1000 + n)),
                "status": "dispatched",
                "source": "sensor" if n == 3 else "hotline",
                "place": {"division": PLACE + ("001" if n else ""), "name": ""},
                "class": {"standard": "PD", "kind": "service", "code": "0901" if n < 2 else "0101"},
            }
            for n in range(4)
        ]
        return httpx.Response(200, json={"items": orders, "next": None})

    def _report(self, n: int) -> httpx.Response:
        if self.late:
            self.late -= 1
            return httpx.Response(404, json={"code": "not_found"})
        if n in self.lost:
            return httpx.Response(404, json={"code": "not_found"})
        if n >= 500:
            return httpx.Response(200, json={"state": "answered"})
        return httpx.Response(200, json={"state": "opened", "order_id": str(UUID(int=1000 + n))})


async def outcome_of(services: Services, accepted: Mapping[UUID, Meant | None]) -> tuple[Outcome, int]:
    steps: list[int] = []
    async with httpx.AsyncClient(transport=httpx.MockTransport(services)) as client:
        found = await Reconciler(client, "http://d.test", "http://s.test", 0.05).reconcile(
            accepted, SINCE, steps.append
        )
    return found, sum(steps)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.simulator.reconcile._PAUSE", 0.01)


ACCEPTED = {UUID(int=n): meant(n) for n in range(4)} | {UUID(int=500): None}


async def test_everything_in_its_place_is_clean() -> None:
    found, steps = await outcome_of(Services(late=7), ACCEPTED)
    assert found.clean and steps == 5
    assert found.states == {"opened": 4, "answered": 1}
    assert found.orders == {UUID(int=1000 + n) for n in range(4)}
    assert (found.breaches, found.alarms, found.order_states) == (3, 1, {"dispatched": 4})
    assert found.agreement == {"place": (4, 4), "class": (2, 4)}


async def test_a_lost_report_is_named() -> None:
    found, steps = await outcome_of(Services(lost={2}), ACCEPTED)
    assert not found.clean and found.missing == [UUID(int=2)] and steps == 4


async def test_an_order_without_a_clock_is_named() -> None:
    found, _ = await outcome_of(Services(unclocked={1001}), ACCEPTED)
    assert not found.clean and found.without_clock == [UUID(int=1001)] and not found.missing


async def test_services_that_do_not_answer_leave_everything_missing() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(away)) as client:
        found = await Reconciler(client, "http://d.test", "http://s.test", 0.05).reconcile(
            ACCEPTED, SINCE, lambda _n: None
        )
    assert set(found.missing) == set(ACCEPTED) and not found.clean


async def test_repeats_and_places_not_told_do_not_count_in_the_comparison() -> None:
    accepted = {UUID(int=0): meant(0, repeat=True), UUID(int=1): meant(1, told="loose")}
    found, _ = await outcome_of(Services(), accepted)
    assert found.agreement == {"place": (0, 0), "class": (1, 1)}


# --- the command -----------------------------------------------------------------------------------------------------


def test_a_mix_is_read_and_anything_else_refused() -> None:
    assert mix_of("hotline=1, police=2,patrol=0.5,sensors=0") == Mix(1, 2, 0.5, 0)
    assert mix_of("patrol=1") == Mix(0, 0, 1, 0)
    for wrong in ("", "hotline", "hotline=x", "taxi=1", "hotline=-1", "hotline=0", "hotline=nan", "hotline=inf"):
        with pytest.raises(Trouble):
            mix_of(wrong)


def command() -> typer.Typer:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return app


@pytest.mark.parametrize(("missing", "code"), [([], 0), ([UUID(int=7)], 1)])
def test_the_exit_code_says_whether_anything_is_missing(
    missing: list[UUID], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = Outcome(accepted=8, missing=missing)
    tally = Tally()
    tally.refused["phone_invalid"] = 1
    monkeypatch.setattr("deploy.cli.simulate._run", lambda *_: (tally, outcome))
    said = CliRunner().invoke(command(), ["simulate", "--json"])
    assert said.exit_code == code
    assert json.loads(said.stdout)["missing"] == [str(id_) for id_ in missing]
    shown = CliRunner().invoke(command(), ["simulate"])
    assert shown.exit_code == code
    assert "8 accepted" in shown.stdout and (not missing or str(missing[0]) in shown.stdout)


@pytest.mark.parametrize(
    "wrong",
    [["--bulk", "--kafka"], ["--speed-up", "100000", "--duration", "60"], ["--mix", "hotline=0"], ["--mix", "cats=1"]],
)
def test_what_does_not_fit_together_is_refused_before_anything_is_sent(wrong: list[str]) -> None:
    said = CliRunner().invoke(command(), ["simulate", *wrong])
    assert said.exit_code not in (0, 1)


def test_the_summary_is_plain_data() -> None:
    tally, outcome = Tally(), Outcome(accepted=1, orders={UUID(int=1)}, agreement={"place": (1, 2)})
    data = as_data(Plan(seed=1, run="r", duration_s=1), tally, outcome)
    assert json.loads(json.dumps(data)) == data
    assert data["agreement"] == {"place": {"right": 1, "of": 2}} and data["clean"] is True
