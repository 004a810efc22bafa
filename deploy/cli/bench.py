"""paidan bench: measure speed and memory on this machine, beside a raw loop, a bare pipeline and batches of one."""

import os
import sys
from typing import Annotated

import typer

from deploy.cli.stack import explaining
from deploy.stack.home import CHECKOUT
from deploy.stack.trouble import Trouble

__all__ = ["register"]


def bench(
    only: Annotated[str, typer.Option(help="Runs, comma-separated; all of them when empty.")] = "",
    seconds: Annotated[float, typer.Option(help="How long each rate is sustained.", min=1)] = 60.0,
    profile: Annotated[str, typer.Option(help="Run py-spy beside one process, such as router-normal.")] = "",
) -> None:
    """Measure, each run on a stack of its own, and write each page of docs/results whose runs were
    all asked for. 测速

    Exit code 0 only when every run ended with an audit of 0. It needs the checkout with its tests.
    """
    with explaining():
        if not (CHECKOUT / "tests" / "bench").is_dir():
            raise Trouble("the bench is part of the tests, and tests/ is not here", "run it from a checkout")
        arguments = ["-m", "tests.bench", "--only", only, "--seconds", str(seconds), "--profile", profile]
        os.chdir(CHECKOUT)
        os.execv(sys.executable, [sys.executable, *arguments])


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench")(bench)
