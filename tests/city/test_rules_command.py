"""`paidan rules check` and `diff`: what an official sees of a rulebook before it comes into force."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from deploy.cli import build
from tests.city import small

TEXT = small.FILES["rulebook.toml"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["rules", *arguments])


def test_a_sound_rulebook_is_named_by_its_version(tmp_path: Path) -> None:
    answer = run("check", str(small.write(tmp_path)), "--json")
    told = json.loads(answer.stdout)
    assert (answer.exit_code, told["ok"], told["rows"]) == (0, True, 3)
    assert told["version"].startswith("1+")


def test_every_fault_of_a_file_elsewhere_is_told_by_the_pack_it_is_checked_with(tmp_path: Path) -> None:
    pack, file = small.write(tmp_path), tmp_path / "draft.toml"
    file.write_text(TEXT.replace('"police"', '"palace"').replace("T/event/02", "T/event/99"), "utf-8")
    answer = run("check", str(file), "--city", str(pack))
    assert answer.exit_code == 1
    assert answer.stdout.splitlines() == [
        "rulebook.toml:13: rule 'underpass' is unreachable: earlier or more specific rules decide all it is for",
        "rulebook.toml:13: rule 'underpass': unknown class 'T/event/99'",
        "rulebook.toml:13: rule 'underpass': unknown function 'palace'",
    ]


def test_two_rulebooks_are_compared_by_rows_and_by_what_they_decide(tmp_path: Path) -> None:
    pack, other = small.write(tmp_path), tmp_path / "other.toml"
    new = '\n[[rule]]\nrule_id = "by-night"\nclasses = ["T/service/03"]\nhours = ["22:00", "6:00"]\nlead = "police"\n'
    changed = TEXT.replace('lead = "cleaning"\nassists = ["centre"]', 'lead = "centre"')
    other.write_text(changed.partition('[[rule]]\nrule_id = "underpass"')[0] + new, "utf-8")
    answer = run("diff", str(pack), str(other), "--json")
    assert answer.exit_code == 1
    told = json.loads(answer.stdout)
    assert [(row["rule_id"], row["change"]) for row in told["rows"]] == [
        ("underpass", "gone"),
        ("rubbish", "changed"),
        ("by-night", "new"),
    ]
    assert told["rows"][1]["fields"] == {"lead": ["cleaning", "centre"], "assists": [["centre"], []]}
    cells = {(cell["class_key"], cell["when"]) for cell in told["decides"]}
    assert cells == {(key, when) for key in ("T/event/01", "T/event/02") for when in ("day", "night")} | {
        ("T/service/03", "night")
    }
    plain = run("diff", str(pack), str(other)).stdout
    assert "咨询: fallback → by-night in 3 areas by night (lead)" in plain


def test_the_same_rulebook_differs_in_nothing(tmp_path: Path) -> None:
    pack = small.write(tmp_path)
    answer = run("diff", str(pack), str(pack))
    assert (answer.exit_code, answer.stdout) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "nowhere"), "cannot be read"),
        (("dry-run", "--since", "yesterday", "--rules", "shanghai"), "'yesterday' is no moment"),
        (("dry-run", "--since", "2026-10-08", "--rules", "shanghai"), "is no moment"),
        (("post", "shanghai", "--url", "http://127.0.0.1:9"), "the router does not answer"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(arguments: tuple[str, ...], said: str) -> None:
    answer = run(*arguments)
    assert answer.exit_code == 2 and said in answer.stderr
