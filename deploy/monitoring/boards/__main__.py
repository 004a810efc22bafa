"""Writes every board as the JSON that Grafana is provisioned with."""

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.monitoring.boards.first_minute import first_minute
from deploy.monitoring.boards.flow import flow
from deploy.monitoring.boards.sla import sla
from deploy.monitoring.boards.unit import unit
from deploy.monitoring.boards.vitals import vitals

FOLDER = Path(__file__).parents[1] / "grafana" / "boards"
BOARDS = {"first-minute": first_minute, "sla": sla, "vitals": vitals, "flow": flow, "unit": unit}


def rendered() -> dict[str, str]:
    """The JSON of every board, by file name."""
    return {
        f"{name}.json": JSONEncoder(sort_keys=True, indent=1, ensure_ascii=False).encode(make()) + "\n"
        for name, make in BOARDS.items()
    }


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in rendered().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
