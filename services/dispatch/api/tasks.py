"""Lists of tasks that a centre pushes down: announced, filled portion by portion, watched unit by unit."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response

from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.asking import decoded
from services.chassis.auth import Principal
from services.chassis.web import answer, principal, problem_body
from services.dispatch.api.desk import MOST, PAGE, Rooms, reader, rooms
from services.dispatch.handlers.tasks import Portion
from services.dispatch.rules import shapes, visibility
from services.dispatch.rules.lifecycle import ENDED
from services.dispatch.rules.tasks import NewList, Row, TaskList, list_id_of
from services.dispatch.store import tasks as store

routes = APIRouter(prefix="/v1", tags=["tasks"])
PORTION = 1_000
_new = msgspec.json.Decoder(NewList)
_row = msgspec.json.Decoder(Row)


@routes.post("/tasks", summary="Announce a list of tasks")
async def announce(request: Request) -> Response:
    """Body `{title, class, due?, urgency?, verification?}`; by a centre, for the units inside its boundary. A centre
    has one list of a title: the same said again answers the same list, another under the title is `key_reused`."""
    found, caller = _centre(request)
    body = decoded(_new, await request.body())
    if found.directory.class_of(body.class_key) is None:
        raise Refused("class_unknown", body.class_key)
    wanted = TaskList(
        list_id=list_id_of(caller.unit, body.title),
        unit=caller.unit,
        title=body.title,
        class_key=body.class_key,
        urgency=body.urgency,
        verification=body.verification,
        by=caller.id,
        due=body.due,
    )
    kept = await store.announce(found.pool, wanted)
    if msgspec.structs.replace(kept, by=caller.id) != wanted:
        raise Refused("key_reused", "this centre has a list of that title, with another class, due, urgency or check")
    return answer(_shape(found, kept))


@routes.post("/tasks/{list_id}/rows", summary="Rows of a list, at most 1,000 at a time")
async def push(request: Request, list_id: UUID) -> Response:
    """NDJSON, a JSON list, or CSV with a header (`text/csv`): `key`, `unit`, `text`, `address`, `lon`, `lat`. Each row
    becomes an order offered to its unit; a row that is there already is counted as repeated, another one under its
    key is `key_reused` and changes nothing. The good ones are in, each bad one says why: by its place in what was sent
    (from 0) and its key."""
    found, caller = _centre(request)
    tasks = await store.find(found.pool, list_id)
    if tasks is None:
        raise Refused("not_found")
    if tasks.unit != caller.unit:
        raise Refused("other_unit", f"this list is {tasks.unit}'s")
    class_ref = found.directory.class_of(tasks.class_key)
    if class_ref is None:
        raise Refused("class_unknown", tasks.class_key)
    raw = await request.body()
    if b"\\u0000" in raw or b"\0" in raw:
        raise Refused("text_unreadable", "NUL")
    good, bad = _read(raw, request.headers.get("content-type", ""))
    pushed = await found.tasks.submit(Portion(tasks, class_ref, tuple(good)))
    refused = sorted([*bad, *pushed.refused], key=lambda each: each[0])
    items = [{"index": place, "key": key, "problem": problem_body(refusal)} for place, key, refusal in refused]
    return answer({"opened": pushed.opened, "repeated": pushed.repeated, "refused": len(items), "items": items})


@routes.get("/tasks", summary="Lists that your centre, or any you may see, pushed down")
async def known(request: Request, limit: Annotated[int, Query(ge=1, le=MOST)] = PAGE) -> Response:
    """The newest first."""
    found, caller = rooms(request), reader(request)
    units = None if visibility.sees_all(caller.role, caller.unit) else list(found.directory.acts_for(caller.unit))
    return answer({"items": [_shape(found, each) for each in await store.known(found.pool, units, limit)]})


@routes.get("/tasks/{list_id}", summary="How far a list is, unit by unit")
async def progress(request: Request, list_id: UUID) -> Response:
    """`total` and `done` (their orders have ended) of the whole list and of each unit, and counts by status."""
    found, caller = rooms(request), reader(request)
    tasks = await store.find(found.pool, list_id)
    if tasks is None:
        raise Refused("not_found")
    if not visibility.sees_all(caller.role, caller.unit) and tasks.unit not in found.directory.acts_for(caller.unit):
        raise Refused("other_unit")
    units: dict[str, dict[str, int]] = defaultdict(dict)
    for each in await store.progress(found.pool, list_id):
        units[each.unit][each.status] = each.count
    shown = [{"unit": shapes.unit(found.directory, unit), **_counts(status)} for unit, status in units.items()]
    whole: dict[str, int] = defaultdict(int)
    for status in units.values():
        for name, count in status.items():
            whole[name] += count
    return answer(_shape(found, tasks) | _counts(whole) | {"units": shown})


def _counts(status: dict[str, int]) -> dict[str, Any]:
    done = sum(count for name, count in status.items() if name in ENDED)
    return {"total": sum(status.values()), "done": done, "status": dict(status)}


def _centre(request: Request) -> tuple[Rooms, Principal]:
    found, caller = rooms(request), principal(request, Role.DISPATCHER)
    if not caller.unit or not found.directory.is_centre(caller.unit):
        raise Refused("other_unit", "only a dispatching centre pushes lists down")
    return found, caller


def _shape(found: Rooms, tasks: TaskList) -> dict[str, Any]:
    return {
        "list_id": tasks.list_id,
        "title": tasks.title,
        "unit": shapes.unit(found.directory, tasks.unit),
        "class": tasks.class_key,
        "urgency": tasks.urgency,
        "verification": tasks.verification,
        "due": tasks.due,
    }


def _read(raw: bytes, kind: str) -> tuple[list[tuple[int, Row]], list[tuple[int, str, Refused]]]:
    """The rows that can be read, and those that cannot. Raises Refused: malformed, bulk_empty, bulk_too_many."""
    good: list[tuple[int, Row]] = []
    bad: list[tuple[int, str, Refused]] = []
    count = 0
    for place, (key, read) in enumerate(_csv_rows(raw) if kind.startswith("text/csv") else _json_rows(raw)):
        count += 1
        if count > PORTION:
            raise Refused("bulk_too_many", f"at most {PORTION:,} rows at a time")
        if isinstance(read, Row):
            good.append((place, read))
        else:
            bad.append((place, key, read))
    if not count:
        raise Refused("bulk_empty")
    return good, bad


def _json_rows(raw: bytes) -> Iterator[tuple[str, Row | Refused]]:
    lines: list[Any]
    try:
        lines = (
            msgspec.json.decode(raw, type=list[msgspec.Raw])
            if raw.lstrip()[:1] == b"["
            else [line for line in raw.splitlines() if line.strip()]
        )
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused("malformed", str(error)[:300]) from None
    for line in lines:
        try:
            yield "", _row.decode(line)
        except msgspec.ValidationError as error:
            yield "", Refused("invalid", str(error)[:300])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            yield "", Refused("malformed", str(error)[:300])


def _csv_rows(raw: bytes) -> Iterator[tuple[str, Row | Refused]]:
    try:
        reader_ = csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True)
        for cells in reader_:
            filled = {str(name): cell for name, cell in cells.items() if cell}
            try:
                yield filled.get("key", ""), msgspec.convert(filled, Row, strict=False)
            except msgspec.ValidationError as error:
                yield filled.get("key", ""), Refused("invalid", str(error)[:300])
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused("malformed", f"not CSV: {error}"[:300]) from None
