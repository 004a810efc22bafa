"""The operator command `paidan`: one console script, one module of this package for each family of commands.

A module takes part by being in this folder and offering `register(app: typer.Typer) -> None`, which adds its commands
(`app.command()(function)`) or a group of them (`app.add_typer(group, name="dlq")`). No list is kept anywhere else.
"""

import importlib
import pkgutil

import typer

__all__ = ["build", "main"]

_HELP = (
    "派单 Paidan on one machine: start it, watch it, ask it.\n\n"
    "First time: `paidan up`, then `paidan status`. Every command explains itself with --help, and everything that "
    "prints a table also speaks --json."
)


def build() -> typer.Typer:
    """The command with every module of this package registered, in the order of their names."""
    command = typer.Typer(
        name="paidan", no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False
    )
    command.callback(help=_HELP)(lambda: None)
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if found.name.startswith("_"):
            continue
        module = importlib.import_module(f"{__name__}.{found.name}")
        register = getattr(module, "register", None)
        if register is not None:
            register(command)
    return command


def main() -> None:
    """Entry point of the console script."""
    build()()
