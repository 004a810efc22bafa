"""The picture of the flow is drawn from the topic table and kept in step."""

from pathlib import Path
from runpy import run_path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_picture_of_the_flow_is_that_of_the_topic_table() -> None:
    drawn = run_path(str(DOCS / "pictures.py"))["flow"]()
    assert (DOCS / "flow.svg").read_text(encoding="utf-8") == drawn, "run `make docs-pictures`"
