"""The page for integrators names every way to be refused, with its status."""

import re
from pathlib import Path

from schemas.refusals import REFUSALS
from services.intake.api import routes
from services.intake.settings import IntakeSettings

PAGE = (Path(__file__).parents[3] / "docs" / "integrator.md").read_text(encoding="utf-8")


def test_every_code_of_intake_is_explained() -> None:
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", PAGE, re.MULTILINE))
    assert {code: str(REFUSALS[code].status) for code in rows} == rows
    assert {*routes._ASKING, *routes._REPORT, *routes._READING, *routes._BULK, *routes._SIGNED} <= rows.keys()


def test_every_path_and_setting_is_named() -> None:
    for path in (
        "/v1/hotline/tickets",
        "/v1/police/calls",
        "/v1/patrol/findings",
        "/v1/one-stop/tickets",
        "/v1/platforms/{platform}/handovers",
        "/v1/sensors/readings",
        "/v1/reports/",
    ):
        assert path in PAGE
    own = IntakeSettings.__annotations__.keys() - {"pool_size"}
    assert all(f"PAIDAN_{name.upper()}" in PAGE for name in own)
