"""Logs are JSON lines without personal data, tracebacks included."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from services.chassis import logs


@pytest.fixture
def told() -> Iterator[Any]:
    out = io.StringIO()
    logs.set_up("tests", "logs", out)
    yield lambda: json.loads(out.getvalue().strip().splitlines()[-1])
    logs.set_up("tests", "pytest")


def test_personal_fields_are_blotted_out(told: Any) -> None:
    logs.logger("x").info("took a report", report_id="r1", phone="13800000000", text="住在三楼", name="金阿姨")
    line = told()
    assert line["report_id"] == "r1" and line["event"] == "took a report"
    assert line["phone"] == line["text"] == line["name"] == "…"


def test_a_failure_is_told_by_its_place_and_not_by_its_message(told: Any) -> None:
    try:
        raise ValueError("金阿姨 13800000000")
    except ValueError as error:
        logs.logger("x").error("failed", exc_info=error)
    line = told()
    assert line["failure"].startswith("ValueError at chassis/test_logs.py:")
    assert "13800000000" not in json.dumps(line, ensure_ascii=False) and "金阿姨" not in json.dumps(
        line, ensure_ascii=False
    )
