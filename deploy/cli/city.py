"""`paidan city`: look at city packs before anything runs on them."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from schemas.city import City
from services.chassis.city import CityFaults, load

__all__ = ["app", "register"]

CITIES = Path(__file__).resolve().parents[1] / "cities"

app = typer.Typer(no_args_is_help=True, help="City packs: what differs between cities, as plain files. 城市包")


def register(command: typer.Typer) -> None:
    """Add `paidan city …`."""
    command.add_typer(app, name="city")


@app.callback()
def city() -> None:
    """City packs: what differs between cities, as plain files. 城市包"""


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="A pack that ships (shanghai, boston), or the path of a folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Read a city pack whole; list every fault with file and line. Exit 0: the pack can be used; 1: it cannot."""
    directory = folder_of(name)
    try:
        pack = load(directory)
    except CityFaults as trouble:
        if as_json:
            faults = [{"file": fault.file, "line": fault.line, "cause": fault.cause} for fault in trouble.faults]
            typer.echo(json.dumps({"pack": str(directory), "ok": False, "faults": faults}, ensure_ascii=False))
        else:
            for fault in trouble.faults:
                typer.echo(str(fault))
            typer.echo(f"{directory}: {len(trouble.faults)} fault(s); the pack cannot be used", err=True)
        raise typer.Exit(1) from None
    counts = contents_of(pack)
    if as_json:
        typer.echo(json.dumps({"pack": str(directory), "ok": True, "contents": counts}, ensure_ascii=False))
        return
    typer.echo(f"{pack.title} {pack.title_en} {pack.version}: no faults")
    for what, count in counts.items():
        typer.echo(f"  {count:>6}  {what}")


def folder_of(name: str) -> Path:
    """The folder of a pack that ships, or the path itself where it is one."""
    as_path = Path(name)
    shipped = CITIES / name
    return shipped if shipped.is_dir() or not as_path.is_dir() else as_path


def contents_of(pack: City) -> dict[str, int]:
    """How much of everything stands in a pack."""
    tiers = Counter(division.tier.value for division in pack.divisions)
    return {
        **{f"divisions ({tier})": count for tier, count in tiers.items()},
        "polygons": len(pack.polygons),
        "units": len(pack.units),
        "classes": len(pack.classes),
        "danger words": len(pack.dangers),
        "110 classes": len(pack.police_classes),
        "screens": len(pack.screens),
        "devices": len(pack.devices),
        "duty shifts": len(pack.rosters),
        "rules": len(pack.rules),
        "limits": len(pack.policy.limits),
        "calendars": len(pack.calendars),
    }
