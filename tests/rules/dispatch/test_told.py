"""The tables in words: nothing is left out, and everything has its Chinese and its English."""

import json
from enum import StrEnum

import pytest
from typer.testing import CliRunner

from deploy.cli import build
from schemas.vocabulary import AssignmentStatus, CaseState, CommitmentState, OrderStatus, Role
from services.dispatch.rules import lifecycle
from services.dispatch.rules.cases import told as cases
from services.dispatch.rules.cases.table import CASES, COMMITMENTS, Stands
from services.dispatch.rules.lifecycle import told
from services.dispatch.rules.lifecycle.rows import SYSTEM, Effect, Part, Relation
from services.dispatch.rules.words import ACTIONS


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (told.ORDER_STATUSES, OrderStatus),
        (told.ASSIGNMENT_STATUSES, AssignmentStatus),
        (told.PARTS, Part),
        (told.RELATIONS, Relation),
        (told.EFFECTS, Effect),
        (cases.CASE_STATES, CaseState),
        (cases.COMMITMENT_STATES, CommitmentState),
        (cases.STANDS, Stands),
    ],
)
def test_every_name_has_its_words(words: dict[str, object], names: type[StrEnum]) -> None:
    assert set(words) == set(names)


def test_every_role_action_and_condition_of_the_tables_has_its_words() -> None:
    assert set(told.ROLES) == {*Role, SYSTEM}
    rows = (*lifecycle.ASSIGNMENT_TABLE, *lifecycle.ORDER_TABLE)
    assert {row.action for row in rows} <= set(ACTIONS), "add it to services/dispatch/rules/words.py"
    assert {row.when for row in rows if row.when} <= set(told.WHEN), "add it to rules/lifecycle/told.py"


def test_the_command_prints_every_line_of_both_tables() -> None:
    printed = CliRunner().invoke(build(), ["lifecycle", "--json"])
    tables = json.loads(printed.stdout)
    assert len(tables["assignments"]) == len(lifecycle.ASSIGNMENT_TABLE)
    assert len(tables["orders"]) == len(lifecycle.ORDER_TABLE)
    assert len(tables["special_cases"]) == len(CASES) and len(tables["commitments"]) == len(COMMITMENTS)
    assert {
        "status": {"zh": "待核查", "en": "verifying"},
        "action": {"zh": "核查", "en": "verify"},
        "when": {"zh": "核查不通过", "en": "failed"},
        "who": [
            {"zh": "核查员", "en": "inspector"},
            {"zh": "派单员", "en": "dispatcher"},
            {"zh": "系统", "en": "system"},
        ],
        "to": {"zh": "处置中", "en": "handling"},
        "also": [
            {"zh": "新一轮", "en": "new round"},
            {"zh": "重新处置", "en": "takes a part up again"},
        ],
    } in tables["orders"]
    shown = CliRunner().invoke(build(), ["lifecycle"]).stdout
    assert all(row.action in shown for row in lifecycle.ORDER_TABLE)
    assert "承办单位处置人 holder's responder" in shown and "转派单位派单员 parent's dispatcher" in shown
