"""paidan demo: a city at work, in two minutes."""

import typer

from deploy.cli.stack import explaining, stack_here
from deploy.demo.teller import interactive
from deploy.demo.tour import tour
from deploy.stack.processes import city_folder
from services.chassis.city import load

__all__ = ["register"]


def demo() -> None:
    """Start everything, tell three stories live, audit. On a terminal the city then goes on; else all stops. 演示"""
    watch = interactive()
    with explaining():
        stack = stack_here()
        stack.up()
        try:
            tour(stack, load(city_folder("shanghai")), watch=watch)
        finally:
            if not watch:
                stack.down()


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)
