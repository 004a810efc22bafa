"""paidan rules check · diff · dry-run · post · shadow · back: the duty rulebook before and after it is in force."""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import msgspec
import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.city import folder_of
from deploy.cli.stack import DEFAULT_CITY, AsJson, city_of, explaining, stack_here
from deploy.stack.keys import issue_token
from deploy.stack.processes import city_folder
from deploy.stack.trouble import Trouble
from schemas.city import DutyRule
from schemas.vocabulary import Role, Source, TicketType
from services.chassis.city import CityFaults, load, rules_of, version_of
from services.chassis.clock import SystemClock
from services.router.rules.atlas import Atlas
from services.router.rules.outcome import asked_again
from services.router.rules.question import Question

__all__ = ["register"]

FILE = "rulebook.toml"
SHOWN = 40
group = typer.Typer(no_args_is_help=True, help="The duty rulebook: whose is what. 权责规则")
_SPAN = re.compile(r"^(\d+)\s*([dhm])$")
Url = Annotated[str, typer.Option(help="A router elsewhere, with a token in PAIDAN_TOKEN.")]
Token = Annotated[str, typer.Option(envvar="PAIDAN_TOKEN", hidden=True)]
Rules = Annotated[str, typer.Argument(help="A rulebook file, - for standard input, a pack's folder or name.")]


@group.command()
def check(
    rules: Rules,
    city: Annotated[str, typer.Option(help="The pack whose units, areas and classes it is checked with.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check a rulebook whole, as every service does at start: unknown units and classes, rows that never decide, rows
    that contradict each other, classes × areas that nobody answers for. Each fault with file and line. 检查

    Exit 0: it could come into force; 1: it could not.
    """
    with explaining():
        text, directory = _text(rules), _folder(rules, city)
        try:
            found = load(directory, rulebook=text)
        except CityFaults as trouble:
            faults = [{"file": fault.file, "line": fault.line, "cause": fault.cause} for fault in trouble.faults]
            if as_json:
                print(json.dumps({"version": version_of(text), "ok": False, "faults": faults}, ensure_ascii=False))
            else:
                print("\n".join(str(fault) for fault in trouble.faults))
                print(f"{len(faults)} fault(s): it cannot come into force", file=sys.stderr)
            raise typer.Exit(1) from None
    if as_json:
        print(json.dumps({"version": found.rulebook_version, "ok": True, "rows": len(found.rules)}))
    else:
        print(f"{found.rulebook_version}: {len(found.rules)} rows, no faults")


@group.command()
def diff(
    old: Rules,
    new: Annotated[str, typer.Argument(help="The other one.")],
    city: Annotated[str, typer.Option(help="The pack both are read with.")] = "",
    as_json: AsJson = False,
) -> None:
    """What two rulebooks say differently: rows that came, went and changed, and for which classes in which areas
    another unit would lead, by day or by night. 比较

    Exit 0: they decide the same; 1: they do not.
    """
    with explaining():
        texts = _text(old), _text(new)
        rows = _rows_apart(*(rules_of(text) for text in texts))
        cells = _cells_apart(_atlas(_folder(new, city)), *texts)
    told = {"old": version_of(texts[0]), "new": version_of(texts[1]), "rows": rows, "decides": cells}
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        _print_rows(rows)
        _print_cells(cells)
    if cells or rows:
        raise typer.Exit(1)


@group.command("dry-run")
def dry_run(
    since: Annotated[str, typer.Option(help="How far back: 7d, 12h, 30m, or a moment with offset.")],
    rules: Annotated[str, typer.Option(help="The rulebook to try; the pack's own file unless given.")] = "",
    until: Annotated[str, typer.Option(help="Up to then, in the same ways; now unless given.")] = "",
    against: Annotated[
        str, typer.Option(help="live: the one in force, asked today; decided: as it was decided.")
    ] = "live",
    show: Annotated[int, typer.Option(help="So many of the reports are named.", min=0)] = 20,
    url: Url = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Try a rulebook on the past: which reports would have gone elsewhere, counted by class and unit. Nothing is
    changed. 试算

    Exit 0: none would; 1: some would.
    """
    with explaining():
        asked = {"rulebook": _text(rules or str(_running_pack())), "since": _moment(since), "against": against}
        if until:
            asked["until"] = _moment(until)
        told = _dry_run(_router(url, token), asked, show)
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        _print_trial(told)
    if told["differing"]:
        raise typer.Exit(1)


@group.command()
def post(
    rules: Rules,
    shadow: Annotated[bool, typer.Option("--shadow", help="Beside the live one: it decides nothing.")] = False,
    note: Annotated[str, typer.Option(help="A word for those who read the list.")] = "",
    url: Url = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Bring a rulebook into force on the running system, without a restart; with a fault nothing changes. 启用"""
    with explaining():
        body = {"text": _text(rules), "role": "shadow" if shadow else "live", "note": note}
        told = _ask(_router(url, token), "/v1/rulebook", body)
    _print_taken(told, as_json)


@group.command()
def shadow(
    end: Annotated[bool, typer.Option("--end", help="Let nothing run beside the live one any more.")] = False,
    url: Url = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Where the rulebook that runs beside the live one would differ, counted by class, from unit to unit. 影子比对"""
    with explaining():
        router = _router(url, token)
        told = _ask(router, "/v1/rulebook/shadow", method="DELETE") if end else _ask(router, "/v1/shadow", method="GET")
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
    elif not told["shadow"]:
        print("nothing runs beside the live rulebook")
    else:
        print(f"{told['examined']:,} decided beside {told['shadow']['version']}, {told['differing']:,} would differ")
        table = Table("class", "name", "lead", "would lead", "reports")
        for one in told["tallies"][:SHOWN]:
            table.add_row(*(str(one[key]) for key in ("class_key", "name", "lead", "would_lead", "reports")))
        Console().print(table)


@group.command()
def back(
    n: Annotated[int, typer.Argument(help="The number of an earlier one, as GET /v1/rulebook/history lists them.")],
    note: Annotated[str, typer.Option(help="A word for those who read the list.")] = "",
    url: Url = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Take an earlier rulebook into force again. 回退"""
    with explaining():
        told = _ask(_router(url, token), "/v1/rulebook/back", {"n": n, "note": note})
    _print_taken(told, as_json)


def register(app: typer.Typer) -> None:
    """Add `paidan rules …`."""
    app.add_typer(group, name="rules")


@dataclass(frozen=True)
class _Router:
    """A router that runs, and what one shows it."""

    url: str
    token: str


def _router(url: str, token: str) -> _Router:
    if url:
        return _Router(url, token)
    stack = stack_here()
    here = f"http://127.0.0.1:{stack.ports.of('router-api')}"
    return _Router(here, token or issue_token(Role.OPERATOR, subject="rules", home=stack.home))


def _ask(router: _Router, path: str, body: dict[str, Any] | None = None, method: str = "POST") -> dict[str, Any]:
    try:
        headers = {"authorization": f"Bearer {router.token}"}
        reply = httpx.request(method, router.url + path, json=body, headers=headers, timeout=60)
        told: dict[str, Any] = reply.json()
    except (httpx.HTTPError, ValueError) as error:
        raise Trouble(f"the router does not answer: {error}", "is it running? `paidan status`") from error
    if reply.is_success:
        return told
    faults = [f"{one['file']}:{one['line']}: {one['cause']}" for one in told.get("faults", ())]
    raise Trouble(
        "\n".join([f"{told.get('title_zh', '')} {told.get('title', reply.status_code)}", *faults]),
        told.get("detail", ""),
    )


def _dry_run(router: _Router, asked: dict[str, Any], show: int) -> dict[str, Any]:
    """Page after page, added up."""
    whole: dict[str, Any] = {"examined": 0, "differing": 0, "items": []}
    classes: dict[str, Counter[str]] = {}
    units: dict[str, Counter[str]] = {}
    names: dict[str, str] = {}
    cursor: str | None = ""
    with Console(stderr=True).status("looking at the past 试算中") as status:
        while cursor is not None:
            left = max(0, show - len(whole["items"]))
            page = _ask(router, "/v1/rules/dry-run", asked | {"cursor": cursor, "limit": min(left, 500)})
            whole |= {"version": page["version"], "against": page["against"]}
            whole["items"] += page["items"]
            for one in page["by_class"]:
                names[one["class_key"]] = one["name"]
                classes.setdefault(one["class_key"], Counter())["differing"] += one["differing"]
            for one in page["by_unit"]:
                names[one["unit_id"]] = one["name"]
                units.setdefault(one["unit_id"], Counter()).update({"gains": one["gains"], "loses": one["loses"]})
            for count in ("examined", "differing"):
                whole[count] += page[count]
            status.update(f"{whole['examined']:,} looked at, {whole['differing']:,} elsewhere")
            cursor = page["next"]
    whole["by_class"] = [
        {"class_key": key, "name": names[key], "differing": count["differing"]}
        for key, count in sorted(classes.items(), key=lambda pair: -pair[1]["differing"])
    ]
    whole["by_unit"] = [
        {"unit_id": key, "name": names[key], "gains": count["gains"], "loses": count["loses"]}
        for key, count in sorted(units.items(), key=lambda pair: -pair[1].total())
    ]
    return whole


def _text(rules: str) -> str:
    if rules == "-":
        return sys.stdin.read()
    path = Path(rules)
    path = path if path.is_file() else folder_of(rules) / FILE
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"{path} cannot be read: {error}", "name a rulebook file, a pack's folder, or a pack") from error


def _folder(rules: str, city: str) -> Path:
    """The pack that a rulebook belongs to: the one that is named, the folder it lies in, or the shipped one."""
    if city:
        return city_folder(city)
    beside = Path(rules).parent if Path(rules).is_file() else folder_of(rules)
    return beside if (beside / "city.toml").is_file() else city_folder(DEFAULT_CITY)


def _running_pack() -> Path:
    return city_folder(city_of(stack_here(), "router"))


def _atlas(directory: Path) -> Atlas:
    try:
        return Atlas.of(load(directory))
    except CityFaults as trouble:
        raise Trouble(f"{directory} has {len(trouble.faults)} fault(s)", "run `paidan city check` on it") from trouble


def _moment(said: str) -> str:
    """`7d` as a moment, or a moment as it is."""
    if span := _SPAN.match(said):
        unit = {"d": "days", "h": "hours", "m": "minutes"}[span.group(2)]
        return (SystemClock().now() - timedelta(**{unit: int(span.group(1))})).isoformat()
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Trouble(f"{said!r} is no moment", "say 7d, 12h, 30m, or 2026-10-08T00:00:00+08:00")
    return moment.isoformat()


def _rows_apart(old: Iterable[DutyRule], new: Iterable[DutyRule]) -> list[dict[str, Any]]:
    """Rows that came, went and changed, by their ids."""
    before, after = ({rule.rule_id: msgspec.to_builtins(rule) for rule in rules} for rules in (old, new))
    found: list[dict[str, Any]] = [{"rule_id": one, "change": "gone"} for one in before if one not in after]
    for rule_id, row in after.items():
        if rule_id not in before:
            found.append({"rule_id": rule_id, "change": "new", "line": row["line"]})
            continue
        was = before[rule_id]
        fields = {name: [was[name], row[name]] for name in row if name != "line" and was[name] != row[name]}
        if fields:
            found.append({"rule_id": rule_id, "change": "changed", "line": row["line"], "fields": fields})
    return found


def _cells_apart(atlas: Atlas, old: str, new: str) -> list[dict[str, Any]]:
    """Classes and areas in which another unit would lead a plain complaint from the hotline, by day or by night."""
    one, two = (atlas.under(rules_of(text), version_of(text)) for text in (old, new))
    areas = {area for city in (one.city, two.city) for rule in city.rules for area in rule.areas}
    streets = {one.street_of(code) for code in one.divisions} - {""}
    found = []
    for when, hour in (("day", 10), ("night", 23)):
        at = datetime(2026, 10, 8, hour, tzinfo=one.zone)
        for division in sorted((areas | streets) & one.divisions.keys()):
            for key in one.keys:
                question = Question(key, TicketType.COMPLAINT, division, Source.HOTLINE, at)
                was, would_be = asked_again(one, question), asked_again(two, question)
                if apart := was.apart(would_be):
                    found.append(
                        {
                            "class_key": key,
                            "name": one.classes[key].name,
                            "division": division,
                            "place": one.divisions[division].name,
                            "when": when,
                            "differs": apart,
                            "was": {"rule": was.rule, "lead": was.lead},
                            "would_be": {"rule": would_be.rule, "lead": would_be.lead},
                        }
                    )
    return found


def _print_rows(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        line = f" (line {row['line']})" if "line" in row else ""
        print(f"{row['change']:8}{row['rule_id']}{line}")
        for name, (was, now) in row.get("fields", {}).items():
            print(f"        {name}: {_short(was)} → {_short(now)}")


def _print_cells(cells: list[dict[str, Any]]) -> None:
    """Classes in how many areas, by day and by night, and one of them."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for cell in cells:
        key = cell["name"], cell["was"]["rule"], cell["would_be"]["rule"], ", ".join(cell["differs"])
        alike.setdefault(key, []).append(cell)
    for (name, was, now, differs), found in list(alike.items())[:SHOWN]:
        one = found[0]
        places, times = len({cell["division"] for cell in found}), {cell["when"] for cell in found}
        when = f" by {times.pop()}" if len(times) == 1 else ""
        print(f"{name}: {was or '-'} → {now or '-'} in {places} areas{when} ({differs})")
        print(f"        {one['place']}: {one['was']['lead']} → {one['would_be']['lead']}")
    if len(alike) > SHOWN:
        print(f"… and {len(alike) - SHOWN} more; --json prints all")


def _print_trial(told: dict[str, Any]) -> None:
    print(f"{told['examined']:,} decisions looked at, {told['differing']:,} would go elsewhere by {told['version']}")
    console = Console()
    for title, key, columns in (
        ("by class 按类别", "by_class", ("class_key", "name", "differing")),
        ("by unit 按单位", "by_unit", ("unit_id", "name", "gains", "loses")),
    ):
        if told[key]:
            table = Table(*columns, title=title)
            for one in told[key][:SHOWN]:
                table.add_row(*(str(one[column]) for column in columns))
            console.print(table)
    for one in told["items"]:
        print(f"{one['report_id']}  {one['class_key']}  {one['was']['lead']} → {one['would_be']['lead']}")


def _print_taken(told: dict[str, Any], as_json: bool) -> None:
    taken = told["taken"]
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        how = "stood there already" if told["again"] else "was taken"
        print(f"{taken['version']} {how} as {taken['role']}: number {taken['n']}, {taken['rows']} rows")


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "…"
