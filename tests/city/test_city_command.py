"""`paidan city check`: faults one a line with exit 1, or what the pack holds with exit 0."""

import json
from pathlib import Path

from typer.testing import CliRunner

from deploy.cli import build
from tests.city import small

runner = CliRunner()


def test_a_whole_pack_is_counted(tmp_path: Path) -> None:
    small.write(tmp_path)
    answer = runner.invoke(build(), ["city", "check", str(tmp_path), "--json"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert told["ok"] is True
    assert (told["contents"]["divisions (street)"], told["contents"]["rules"]) == (3, 3)


def test_the_pack_that_ships_has_no_faults() -> None:
    answer = runner.invoke(build(), ["city", "check", "shanghai"])
    assert answer.exit_code == 0, answer.output
    assert "上海市 Shanghai" in answer.stdout and "no faults" in answer.stdout


def test_each_fault_is_one_line_that_an_editor_can_jump_to(tmp_path: Path) -> None:
    small.change(small.write(tmp_path), "policy.toml", "amount = 5", "amount = 0")
    answer = runner.invoke(build(), ["city", "check", str(tmp_path)])
    assert answer.exit_code == 1
    assert answer.stdout.splitlines() == ["policy.toml:25: limit 'total': amount 0 must be above 0"]


def test_faults_as_json(tmp_path: Path) -> None:
    small.change(small.write(tmp_path), "policy.toml", "amount = 5", "amount = 0")
    answer = runner.invoke(build(), ["city", "check", str(tmp_path), "--json"])
    assert answer.exit_code == 1
    told = json.loads(answer.stdout)
    assert told["faults"] == [{"file": "policy.toml", "line": 25, "cause": "limit 'total': amount 0 must be above 0"}]


def test_an_unknown_name_is_told() -> None:
    answer = runner.invoke(build(), ["city", "check", "atlantis"])
    assert answer.exit_code == 1
    assert "atlantis" in answer.output and "no such folder" in answer.output
