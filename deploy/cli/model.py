"""paidan model train · evaluate · compare · use: the classifier of a city, from rows to the pack."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import psycopg
import typer
from msgspec import structs
from rich.console import Console
from rich.table import Table

from deploy.cli.stack import DEFAULT_CITY, AsJson, City, explaining, stack_here
from deploy.model.corpus import corpus_rows, word_rows
from deploy.model.corrections import learned, read
from deploy.model.curve import drawn
from deploy.model.judging import Compared, Judged, compare, judge
from deploy.model.rows import Row, read_csv
from deploy.model.training import TERMS, train
from deploy.stack.processes import city_folder
from deploy.stack.trouble import Trouble
from schemas.city import City as Pack
from schemas.model import ModelFile, read_model, write_model
from services.chassis.city import CityFaults, load
from services.chassis.city.models import MODEL
from services.router.rules.atlas import Atlas

__all__ = ["register"]

model = typer.Typer(
    no_args_is_help=True, help="The classifier of a city: train, measure, compare, put to use. 分类模型"
)
Data = Annotated[Path, typer.Argument(help="CSV with the columns text, class[, ticket_type, group].")]
Given = Annotated[Path | None, typer.Option("--model", help="A model file; default: the one in the pack.")]


@model.command("train")
def run_train(
    data: Annotated[Path | None, typer.Argument(help="CSV: text, class[, ticket_type, group].")] = None,
    out: Annotated[Path, typer.Option(help="Where the new model goes.")] = Path("model.new.bin"),
    city: City = DEFAULT_CITY,
    from_corrections: Annotated[bool, typer.Option(help="Add what people corrected in the running system.")] = False,
    with_corpus: Annotated[bool, typer.Option(help="Add the pack's authored corpus to DATA.")] = False,
    terms: Annotated[int, typer.Option(min=100, max=60_000, help="N-grams to keep.")] = TERMS,
    as_json: AsJson = False,
) -> None:
    """Train a model of the city's classes on DATA, its own history, or on the pack's corpus where none is given. 训练

    The file goes to --out and changes nothing yet: compare it (`paidan model compare`), then put it to use (`paidan
    model use`). Confidence is set on rows the model has not seen: rows of one group never stand on both sides of a
    split. A row that cannot be read ends the command with its file, line and cause.
    """
    with explaining():
        pack, folder = _pack(city)
        rows: list[Row] = []
        if data is not None:
            rows += read_csv(data, (item.key for item in pack.classes))
        if data is None or with_corpus:
            rows += corpus_rows(folder, pack) + word_rows(pack, folder)
        if from_corrections:
            rows += _corrections(pack)
        if not rows:
            raise Trouble(f"{city} has no corpus", "give DATA.csv, or --from-corrections")
        atlas = Atlas.of(structs.replace(pack, model=b""))
        trained = train(rows, [item.key for item in pack.classes], atlas, datetime.now(UTC).date(), terms)
        _write(out, write_model(trained))
    _say(trained, out, as_json)


@model.command("evaluate")
def run_evaluate(
    data: Data,
    given: Given = None,
    city: City = DEFAULT_CITY,
    picture: Annotated[Path | None, typer.Option(help="Draw coverage against share right, as SVG.")] = None,
    mistakes: Annotated[int, typer.Option(help="How many wrong answers to show, the surest first.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Measure a model on labelled rows it was not trained on: right, macro F1, each class, and how much can be left to
    it at 97 % right. 评估"""
    with explaining():
        pack, folder = _pack(city)
        rows = read_csv(data, (item.key for item in pack.classes))
        found = _judged(pack, _bytes(given, folder), rows)
        if picture:
            _write(picture, drawn({str(given or MODEL): found.curve}, f"{city} · {data.name}").encode())
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
        return
    _table([("", found)])
    _classes(found)
    for at in found.wrong[:mistakes]:
        print(f"{rows[at].class_key} told as {found.answers[at]}: {rows[at].text[:80]}")


@model.command("compare")
def run_compare(
    new: Annotated[Path, typer.Argument(help="The new model file.")],
    on: Annotated[Path, typer.Option(help="CSV of labelled rows that neither was trained on.")],
    old: Annotated[Path | None, typer.Option(help="The other one; default: the one in the pack.")] = None,
    city: City = DEFAULT_CITY,
    as_json: AsJson = False,
) -> None:
    """Set two models side by side on the same rows. Exit code 1 when the new one is worse. 比较"""
    with explaining():
        pack, folder = _pack(city)
        found = _compared(pack, _bytes(old, folder), _bytes(new, folder), on)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        _differences(found)
    if found.worse:
        raise typer.Exit(1)


@model.command("use")
def run_use(
    new: Annotated[Path, typer.Argument(help="The model file to put into the pack.")],
    on: Annotated[Path | None, typer.Option(help="CSV of labelled rows to compare on first.")] = None,
    city: City = DEFAULT_CITY,
    anyway: Annotated[bool, typer.Option(help="Without a comparison, or although it is worse.")] = False,
) -> None:
    """Put a model into the pack; the router takes it at its next start. The one before stays beside it. 启用

    Compares first, and refuses a model that is worse on the rows of --on.
    """
    with explaining():
        pack, folder = _pack(city)
        raw = _bytes(new, folder)
        gone = [key for key in read_model(raw).card.classes if key not in {item.key for item in pack.classes}]
        if gone:
            raise Trouble(f"{new}: tells classes that the pack lacks ({', '.join(gone[:3])})", "train it again")
        if on is None and not anyway:
            raise Trouble("nothing to compare on", "give --on ROWS.csv, or say --anyway")
        if on is not None:
            found = _compared(pack, pack.model, raw, on)
            _differences(found)
            if found.worse and not anyway:
                raise Trouble(f"{new} is worse than the model in use", "keep that one, or say --anyway")
        target = folder / MODEL
        if target.exists():
            _write(target.with_suffix(".before.bin"), target.read_bytes())
        _write(target, raw)
    print(f"{target}: {read_model(raw).card.version}; start the router again to use it (`paidan down`, `paidan up`)")


def _pack(city: str) -> tuple[Pack, Path]:
    folder = city_folder(city)
    try:
        return load(folder), folder
    except CityFaults as faults:
        raise Trouble(str(faults), "mend the pack (`paidan city check` lists every fault)") from faults


def _bytes(given: Path | None, folder: Path) -> bytes:
    """The bytes of a model file; none where the pack has no model (words alone)."""
    path = given or folder / MODEL
    if given is None and not path.is_file():
        return b""
    raw = path.read_bytes()
    try:
        read_model(raw)
    except ValueError as error:
        raise Trouble(f"{path}: the model file {error}", "take another file, or train it again") from error
    return raw


def _judged(pack: Pack, raw: bytes, rows: list[Row]) -> Judged:
    try:
        return judge(pack, raw, rows)
    except ValueError as error:
        raise Trouble(
            f"the model cannot be measured: {error}", "give labelled rows and a model of this release"
        ) from error


def _compared(pack: Pack, old: bytes, new: bytes, on: Path) -> Compared:
    rows = read_csv(on, (item.key for item in pack.classes))
    try:
        return compare(pack, old, new, rows)
    except ValueError as error:
        raise Trouble(
            f"the models cannot be compared: {error}", "give labelled rows and models of this release"
        ) from error


def _corrections(pack: Pack) -> list[Row]:
    try:
        found = learned(read(stack_here().database_url("paidan_router")), [item.key for item in pack.classes])
    except psycopg.Error as error:
        raise Trouble(f"the router's database does not answer: {error}", "start it with `paidan up`") from error
    print(
        f"corrections: {len(found.rows)} rows of {found.orders} orders; handlers disagree on {found.disagreed};"
        f" {found.units_only} judged only the unit; {found.unknown} name a class the city no longer has",
        file=sys.stderr,
    )
    return list(found.rows)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    half = path.with_name(f"{path.name}.half")
    half.write_bytes(content)
    os.replace(half, path)


def _say(trained: ModelFile, out: Path, as_json: bool) -> None:
    card = trained.card
    if as_json:
        print(msgspec.json.format(msgspec.json.encode({"file": str(out), "card": card}), indent=1).decode())
        return
    print(f"{out}: {card.version}, {card.terms} terms, {out.stat().st_size / 1e6:.1f} MB")
    for part in card.data:
        print(f"  {part.name}: {part.rows} rows")
    print("  on rows it had not seen: " + ", ".join(f"{name} {value:g}" for name, value in card.metrics.items()))


def _rows_of(found: Judged) -> list[tuple[str, str]]:
    return [
        ("rows 样本", str(found.rows)),
        ("right 正确", f"{found.right:.2%}"),
        ("among three 前三", f"{found.among_three:.2%}"),
        ("macro F1", f"{found.macro_f1:.3f}"),
        (f"automatic at {found.threshold:g} 自动", f"{found.automatic:.2%}"),
        ("  right of these 其正确率", f"{found.automatic_right:.2%}"),
        ("  rest among three 其余前三", f"{found.rest_among_three:.2%}"),
        ("coverage at 97 % right", f"{found.coverage_at_97:.2%} (confidence {found.confidence_at_97:.2f})"),
        ("ticket type right 诉求类型", f"{found.ticket_right:.2%}"),
    ]


def _table(columns: list[tuple[str, Judged]]) -> None:
    table = Table(box=None, header_style="bold")
    table.add_column("")
    for name, _ in columns:
        table.add_column(name, justify="right")
    told: list[list[tuple[str, str]]] = [_rows_of(found) for _, found in columns]
    for lines in zip(*told, strict=True):
        table.add_row(lines[0][0], *(value for _, value in lines))
    _console().print(table)


def _classes(found: Judged) -> None:
    table = Table(box=None, header_style="bold")
    for heading in ("class 类别", "rows", "precision", "recall", "F1"):
        table.add_column(heading)
    for one in sorted(found.classes, key=lambda one: (one.f1, one.key)):
        table.add_row(one.key, str(one.rows), f"{one.precision:.2f}", f"{one.recall:.2f}", f"{one.f1:.2f}")
    _console().print(table)


def _differences(found: Compared) -> None:
    _table([("before 现用", found.before), ("new 新", found.after)])
    print(f"mended {found.mended}, broken {found.broken}; by chance alone with probability {found.chance:.3f}")


def _console() -> Console:
    extra: dict[str, Any] = {} if sys.stdout.isatty() else {"width": 140}
    return Console(soft_wrap=True, **extra)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(model, name="model")
