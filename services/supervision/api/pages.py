"""The supervision page at `/board/`."""

from pathlib import Path

from services.chassis.pages import page_at

FOLDER = Path(__file__).parents[1] / "web"
router = page_at("/board", FOLDER)
