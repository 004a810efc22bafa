"""Boards: what is in the folder is what the code says, every query is PromQL over series that exist, every panel leads
to its list. That the queries bring data is shown on a real Prometheus (tests/journeys)."""

import json
import re
from typing import Any

import promql_parser
import pytest

from deploy.monitoring.boards.__main__ import FOLDER, rendered
from deploy.monitoring.boards.vitals import DIMENSIONS, indicators
from tests.monitoring.names import known_metrics, metrics_in
from tests.monitoring.queries import asked, panels, plain
from tests.monitoring.test_rules import rules

BOARDS: dict[str, dict[str, Any]] = {name: json.loads(text) for name, text in rendered().items()}


def test_the_folder_holds_what_the_code_says() -> None:
    there = {place.name: place.read_text(encoding="utf-8") for place in FOLDER.glob("*.json")}
    assert there == rendered(), "python -m deploy.monitoring.boards"


def test_boards_have_names_of_their_own() -> None:
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)
    assert len({board["title"] for board in BOARDS.values()}) == len(BOARDS)


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_every_panel_is_named_in_both_languages_and_leads_to_its_list(board: dict[str, Any]) -> None:
    for panel in panels(board):
        assert re.search("[\u4e00-\u9fff]", panel["title"]) and re.search("[A-Za-z]", panel["title"]), panel["title"]
        (link,) = panel["links"]
        assert re.match(r"\$\{(dispatch|supervision|router|runbooks)\}/", link["url"]), panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["targets"], panel["title"]


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_panels_do_not_lie_on_each_other(board: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(board):
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not mine & taken, panel["title"]
        taken |= mine


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_every_query_is_promql_over_series_that_exist(board: dict[str, Any]) -> None:
    exist = known_metrics() | {rule["record"] for rule in rules("recording.yml")} | {"up"}
    for expr in asked(board):
        promql_parser.parse(plain(expr))
        names = metrics_in(plain(expr))
        assert names and names <= exist, (expr, names - exist)


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_board_has_every_variable_it_uses(board: dict[str, Any]) -> None:
    known = {variable["name"] for variable in board["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]+)\b", json.dumps(board)))
    assert used <= known, used - known


def test_every_dimension_of_the_city_has_indicators_of_its_own_number() -> None:
    found = indicators()
    assert {each.dimension for each in found} == DIMENSIONS.keys()
    assert len({each.indicator for each in found}) == len(found)
