"""`paidan replay` as people and programs call it, without servers."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import build
from deploy.replay.records import EXCERPT

RUN = CliRunner()


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAIDAN_DATA", raising=False)


def test_without_data_the_excerpt_is_used_and_said_so() -> None:
    answer = RUN.invoke(build(), ["replay", "boston", "--offline"])
    assert answer.exit_code == 0
    assert "No --data and no PAIDAN_DATA: only the 500 rows that ship are replayed." in answer.stdout
    assert "agreement 99.74% at coverage 93.51%: passes" in answer.stdout


def test_programs_get_one_json_document() -> None:
    answer = RUN.invoke(build(), ["replay", "boston", "--offline", "--rows", "120", "--json"])
    told = json.loads(answer.stdout)
    assert told["passes"] is (answer.exit_code == 0)
    assert told["periods"]["all"]["rows"] == 120


def test_below_ninety_nine_percent_the_exit_code_says_so(tmp_path: Path) -> None:
    with EXCERPT.open(newline="") as file:
        rows = list(csv.DictReader(file))
    spoiled = [row | {"target_dt": "2011-12-31 10:00:00"} if n % 50 == 0 else row for n, row in enumerate(rows)]
    path = tmp_path / "spoiled.csv"
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(spoiled)
    answer = RUN.invoke(build(), ["replay", str(path), "--offline"])
    assert answer.exit_code == 1
    assert "does not pass" in answer.stdout
    assert "moved by hand" in answer.stdout
    assert "No --data" not in answer.stdout


def test_a_file_that_is_not_there_or_not_readable_is_said_plainly(tmp_path: Path) -> None:
    answer = RUN.invoke(build(), ["replay", str(tmp_path / "none.csv"), "--offline"])
    assert answer.exit_code == 2
    assert "none.csv" in answer.stdout
    assert "Traceback" not in answer.stdout
    broken = tmp_path / "broken.csv"
    broken.write_text("case_enquiry_id,open_dt\n1,yesterday\n")
    answer = RUN.invoke(build(), ["replay", str(broken), "--offline"])
    assert answer.exit_code == 2
    assert "broken.csv:2" in answer.stdout.replace("\n", "")
