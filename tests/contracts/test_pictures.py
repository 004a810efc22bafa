"""What is drawn for the documentation from tables of the program is kept in step with them."""

from pathlib import Path
from runpy import run_path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
DRAWN: dict[str, str] = run_path(str(DOCS / "pictures.py"))["drawn"]()


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_that_of_the_tables(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == DRAWN[name], "run `make docs-pictures`"
