"""The responder's page at `/app/`."""

from pathlib import Path

from services.chassis.pages import page_at

FOLDER = Path(__file__).parents[1] / "web"
routes = page_at("/app", FOLDER)
