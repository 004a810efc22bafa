"""The queries of a board, as Grafana would send them with every value chosen."""

import re
from collections.abc import Iterator
from typing import Any


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels of a board without its rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def asked(board: dict[str, Any]) -> Iterator[str]:
    """Every query of a board."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield target["expr"]


def plain(expr: str) -> str:
    """A query with "all" chosen in every variable."""
    return re.sub(r"\$\{?[a-z]+\}?", ".*", expr)
