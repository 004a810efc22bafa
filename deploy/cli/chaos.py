"""paidan chaos: the same as `make chaos`."""

import os
import sys

import typer

from deploy.cli.stack import explaining
from deploy.stack.home import CHECKOUT
from deploy.stack.trouble import Trouble

__all__ = ["register"]


def chaos(context: typer.Context) -> None:
    """Kill, freeze and feed rubbish to a city of its own, then reconcile every accepted report. 可靠性

    Takes about a quarter of an hour; --only kills|outages|malformed, --seed N. Needs a source checkout.
    """
    with explaining():
        if not (CHECKOUT / "tests" / "chaos").is_dir():
            raise Trouble("chaos is part of the tests, which are not installed here", "run it in a source checkout")
        os.chdir(CHECKOUT)
        os.execv(sys.executable, [sys.executable, "-m", "tests.chaos", *context.args])


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("chaos", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(chaos)
