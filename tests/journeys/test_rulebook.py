"""A rulebook comes into force over the whole running system, without a restart: tried on the past, run beside the live
one, live in every process, taken back. A ticket that comes meanwhile is decided by the one of its moment."""

import json
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from deploy.cli import build
from deploy.demo.teller import Teller
from deploy.stack.processes import city_folder

PLACE = "静安区临汾路街道临汾路{}号门口"
NUMBERS = count(3001, 2)
OLD = 'lead = "sanitation"'


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """The rulebook of the city in which city appearance is the urban management's."""
    text = (city_folder("shanghai") / "rulebook.toml").read_text("utf-8")
    assert text.count(OLD) == 1
    path = tmp_path / "changed.toml"
    path.write_text(text.replace(OLD, 'lead = "urban_management"').replace('version = "', 'version = "next-'), "utf-8")
    return path


def rubbish(teller: Teller) -> dict[str, Any]:
    """A ticket about rubbish that nobody told of yet, and why it went where it went."""
    body = {
        "source_id": f"RB-{uuid4()}",
        "ticket_type": "complaint",
        "text": f"{PLACE.format(next(NUMBERS))}暴露垃圾无人清运",
    }
    report = teller.post("intake", "/v1/hotline/tickets", body, "agent")["report_id"]
    return teller.until("an explanation", lambda: teller.get("router", f"/v1/explain/{report}"))


def rules(teller: Teller, *arguments: str) -> dict[str, Any]:
    """`paidan rules …` against the running city."""
    url = ["--url", teller._base["router"]]
    environment = {"PAIDAN_TOKEN": teller.token("operator", "")}
    answer = CliRunner().invoke(build(), ["rules", *arguments, *url, "--json"], env=environment)
    assert answer.exit_code in (0, 1), answer.output
    told: dict[str, Any] = json.loads(answer.stdout)
    return told


def beside(teller: Teller) -> dict[str, Any] | None:
    """What the shadow found by now, with one more ticket for it."""
    rubbish(teller)
    found = teller.get("router", "/v1/shadow")
    return found if found and found["differing"] else None


def by(teller: Teller, version: str) -> dict[str, Any] | None:
    """A decision on one more ticket, if it was taken by this version."""
    told = rubbish(teller)
    return told if told["rulebook_version"] == version else None


def test_a_rulebook_is_tried_taken_and_taken_back_while_the_city_works(teller: Teller, changed: Path) -> None:
    before = teller.get("router", "/v1/rulebook")
    first = rubbish(teller)
    assert first["lead"]["unit_id"] == "310106021-sanitation" and first["rulebook_version"] == before["version"]
    tried = rules(teller, "dry-run", "--since", "1h", "--rules", str(changed), "--show", "500")
    assert first["report_id"] in {one["report_id"] for one in tried["items"]}
    assert any(one["unit_id"] == "310106021-sanitation" and one["loses"] for one in tried["by_unit"])
    rules(teller, "post", str(changed), "--shadow")
    teller.until("a difference beside the live one", lambda: beside(teller))
    assert rules(teller, "shadow")["shadow"]["version"].startswith("next-")
    assert rules(teller, "shadow", "--end") == {"shadow": None}
    taken = rules(teller, "post", str(changed))["taken"]
    decided = teller.until("a decision by the new rulebook", lambda: by(teller, taken["version"]))
    assert decided["lead"]["unit_id"] == "310106021-urban_management"
    order = teller.order_of(decided["report_id"])
    assert order["lead"]["unit_id"] == "310106021-urban_management"
    rules(teller, "back", str(before["taken"]["n"]))
    again = teller.until("a decision by the old one", lambda: by(teller, before["version"]))
    assert again["lead"]["unit_id"] == "310106021-sanitation"
    told = teller.get("router", f"/v1/explain/{decided['report_id']}")
    assert told["rulebook_version"] == taken["version"], "for ever by the one of its moment"
