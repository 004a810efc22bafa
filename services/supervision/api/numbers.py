"""Numbers, the lists behind them, what was corrected, and leagues."""

import csv
import io
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request, Response
from msgspec import Struct

from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.asking import At
from services.chassis.auth import Principal
from services.chassis.database import Connection
from services.chassis.web import answer, principal
from services.supervision.api.desk import STAFF, Desk
from services.supervision.rules.kpi import BUCKETS, BY_ID, KPIS, Kind, Kpi
from services.supervision.rules.kpi.league import Entry, league, quantile
from services.supervision.rules.kpi.periods import period_of
from services.supervision.store import corrections as traces
from services.supervision.store import listing, numbers
from services.supervision.store.listing import Cursor, Listed, Wanted
from services.supervision.store.numbers import Number, Period

router = APIRouter(tags=["numbers"])
Group = Literal["city", "unit", "tier", "district", "major", "source"]
Body = Literal["committee", "street", "department"]
PERIOD = Query(max_length=30, description="today, yesterday, week, month, 2026-11, 2026-11-03, 2026-11-01..2026-11-15")
CSV = "text/csv"


class Asked(Struct, frozen=True):
    """What was asked for, understood."""

    period: Period
    group: str
    kpis: Sequence[Kpi]


@asynccontextmanager
async def one_state(pool: asyncpg.Pool) -> AsyncIterator[Connection]:
    """A connection that sees one state throughout, so that parts add up."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


@router.get("/v1/kpis/definitions", summary="What each number is, and whose formula it is")
async def definitions(request: Request) -> Response:
    """Every number as it is defined."""
    principal(request, *STAFF)
    return answer({"items": KPIS, "next": None})


@router.get("/v1/kpis", summary="Numbers of a period", responses={200: {"content": {CSV: {}}}})
async def kpis(
    request: Request,
    period: Annotated[str, PERIOD] = "today",
    group: Group = "city",
    kpi: Annotated[str, Query(max_length=600, description="ids, separated by commas; none: all")] = "",
    key: Annotated[str | None, Query(max_length=200)] = None,
    as_of: At | None = None,
) -> Response:
    """Numbers of a period for every member of a group, each with its numerator, its denominator and a link to the list
    behind it. `as_of`: as frozen days stood at a moment. As CSV for whoever accepts text/csv."""
    caller = principal(request, *STAFF)
    rows, asked = await _rows(request, caller, period, group, kpi, key, as_of)
    if CSV in request.headers.get("accept", ""):
        return _csv(rows)
    return answer({"period": _shown(asked.period), "group": group, "as_of": as_of, "items": rows, "next": None})


@router.get("/v1/kpis.csv", summary="The same as a file", responses={200: {"content": {CSV: {}}}})
async def kpis_csv(
    request: Request,
    period: Annotated[str, PERIOD] = "today",
    group: Group = "city",
    kpi: Annotated[str, Query(max_length=600)] = "",
    key: Annotated[str | None, Query(max_length=200)] = None,
    as_of: At | None = None,
) -> Response:
    """The numbers as CSV."""
    caller = principal(request, *STAFF)
    rows, _ = await _rows(request, caller, period, group, kpi, key, as_of)
    return _csv(rows)


@router.get("/v1/kpis/items", summary="The list behind a number")
async def items(
    request: Request,
    kpi: Annotated[str, Query(max_length=40)],
    period: Annotated[str, PERIOD] = "today",
    group: Group = "city",
    key: Annotated[str, Query(max_length=200)] = "all",
    hit: bool | None = None,
    as_of: At | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """The items that make a number: as many as its denominator. `hit=true` are those of the numerator. Responders see
    their own unit's."""
    caller, desk = principal(request, *STAFF), _desk(request)
    units = desk.units.acts_for(caller.unit) if caller.role is Role.RESPONDER else None
    async with one_state(request.app.state.pool) as connection:
        asked = await _asked(connection, desk, period, group, kpi, as_of)
        wanted = Wanted(kpi, asked.period, group, key, hit, units, _read_cursor(cursor), limit + 1)
        found = await listing.items(connection, wanted)
        page = found[:limit]
        openers = await listing.openers(connection, sorted({row.order_id for row in page}))
    shown = [_item(desk, asked.kpis[0], row, openers) for row in page]
    return answer({"items": shown, "next": _cursor(page[-1]) if len(found) > limit else None})


@router.get("/v1/kpis/league", summary="Units in order, with denominators and a shrunken estimate")
async def leagues(
    request: Request,
    kpi: Annotated[str, Query(max_length=40)],
    kind: Body,
    period: Annotated[str, PERIOD] = "month",
    division: Annotated[str | None, Query(max_length=100)] = None,
    as_of: At | None = None,
) -> Response:
    """Committees, street offices and departments, each ranked among their like. Too few items give no rank."""
    principal(request, *STAFF)
    desk = _desk(request)
    defined = BY_ID.get(kpi)
    if defined is None or not defined.league or defined.better == "":
        names = [one.kpi for one in KPIS if one.league]
        raise Refused("invalid", f"kpi: no league of {kpi!r}", allowed=names)
    async with one_state(request.app.state.pool) as connection:
        asked = await _asked(connection, desk, period, "unit", kpi, as_of)
        found = await numbers.numbers(connection, asked.period, "unit", [kpi])
    within = None if division is None else set(desk.subtree(division))
    entries = [
        Entry(unit, number.num / 10, number.den)
        for (unit, _), number in found.items()
        if desk.body(unit) == kind and (within is None or desk.division(unit) in within)
    ]
    now = desk.now()
    placed = league(entries, defined.better, desk.league_from)
    shown = [{**_rounded(place), "unit": desk.unit(place.unit, now)} for place in placed]
    told = {"kpi": kpi, "zh": defined.zh, "en": defined.en, "kind": kind, "league_from": desk.league_from}
    return answer({**told, "period": _shown(asked.period), "items": shown, "next": None})


@router.get("/v1/kpis/corrections", summary="What was corrected in frozen days, when and why")
async def corrections(
    request: Request,
    kpi: Annotated[str, Query(max_length=40)] = "",
    period: Annotated[str, PERIOD] = "month",
    order_id: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Corrections, the latest first: which item of which order moved which number of which day by how much, and the
    fact (or the appeal) that did."""
    principal(request, *STAFF)
    desk = _desk(request)
    first, last = _period(period, desk)
    if kpi and kpi not in BY_ID:
        raise Refused("invalid", f"kpi: unknown {kpi!r}", allowed=list(BY_ID))
    try:
        before = int(cursor) if cursor else None
    except ValueError:
        raise Refused("cursor_invalid") from None
    found = await traces.of_period(request.app.state.pool, first, last, kpi or None, order_id, before, limit + 1)
    page = found[:limit]
    return answer({"items": page, "next": str(page[-1]["id"]) if len(found) > limit else None})


async def _rows(
    request: Request, caller: Principal, period: str, group: str, kpi: str, key: str | None, as_of: datetime | None
) -> tuple[list[dict[str, Any]], Asked]:
    desk = _desk(request)
    mine = desk.units.acts_for(caller.unit) if caller.role is Role.RESPONDER and group == "unit" else None
    async with one_state(request.app.state.pool) as connection:
        asked = await _asked(connection, desk, period, group, kpi, as_of)
        found = await numbers.numbers(connection, asked.period, group, [one.kpi for one in asked.kpis])
    now = desk.now()
    rows = []
    keys = sorted({name for name, _ in found}) if group != "city" else ["all"]
    for name in keys:
        if (key is not None and name != key) or (mine is not None and name not in mine):
            continue
        for one in asked.kpis:
            number = found.get((name, one.kpi))
            if number is not None or group == "city":
                rows.append(_row(desk, one, asked, name, number or Number(), now))
    return rows, asked


def _row(desk: Desk, kpi: Kpi, asked: Asked, key: str, number: Number, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kpi": kpi.kpi,
        "zh": kpi.zh,
        "en": kpi.en,
        "kind": kpi.kind,
        "counted": kpi.counted,
        "group": asked.group,
        "key": key,
        "name": desk.name_of(asked.group, key, now),
        "numerator": number.num / 10,
        "denominator": number.den,
    }
    if kpi.kind is Kind.RATE:
        row["value"] = round(number.num / 10 / number.den, 6) if number.den else None
    elif kpi.kind is Kind.DURATION:
        row["value"] = round(number.num / 10 / number.den, 1) if number.den else None
        buckets = number.buckets or []
        row["p50"] = quantile(0.5, buckets, BUCKETS)
        row["p90"] = quantile(0.9, buckets, BUCKETS)
    else:
        row["value"] = number.den
    given = {"kpi": kpi.kpi, "period": f"{asked.period.first}..{asked.period.last}", "group": asked.group, "key": key}
    if asked.period.as_of is not None:
        given["as_of"] = asked.period.as_of.isoformat()
    row["items"] = f"/v1/kpis/items?{urlencode(given)}"
    return row


def _csv(rows: Sequence[dict[str, Any]]) -> Response:
    names = [
        *("kpi", "zh", "en", "kind", "counted", "group", "key", "name"),
        *("numerator", "denominator", "value", "p50", "p90"),
    ]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_safe(row.get(name)) for name in names])
    headers = {"content-disposition": 'attachment; filename="kpis.csv"'}
    return Response(b"\xef\xbb\xbf" + out.getvalue().encode(), media_type=f"{CSV}; charset=utf-8", headers=headers)


def _safe(value: Any) -> Any:
    """No name becomes a formula in a spreadsheet."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _item(desk: Desk, kpi: Kpi, row: Listed, openers: dict[UUID, UUID]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "order_id": row.order_id,
        "subject": row.subject,
        "day": row.day,
        "unit": row.unit,
        "tier": row.tier,
        "district": row.district,
        "major": row.major,
        "source": row.source,
        "numerator": row.num / 10,
    }
    if kpi.counted == "assignment":
        found["assignment_id"] = row.subject
    elif kpi.counted in ("report", "case"):
        found["report_id"] = openers.get(row.order_id) if row.subject == row.order_id else row.subject
    return found


def _rounded(place: Any) -> dict[str, Any]:
    return {
        "rank": place.rank,
        "numerator": place.num,
        "denominator": place.den,
        **{name: round(getattr(place, name), 6) for name in ("rate", "estimate", "low", "high")},
    }


async def _asked(
    connection: Connection, desk: Desk, period: str, group: str, kpi: str, as_of: datetime | None
) -> Asked:
    """Raises Refused `invalid`."""
    first, last = _period(period, desk)
    if as_of is not None and as_of > desk.now():
        raise Refused("invalid", "as_of: a moment that has been")
    names = [name.strip() for name in kpi.split(",") if name.strip()]
    unknown = [name for name in names if name not in BY_ID]
    if unknown:
        raise Refused("invalid", f"kpi: unknown {', '.join(unknown)[:200]}", allowed=list(BY_ID))
    through = await numbers.frozen_through(connection, as_of)
    chosen = [BY_ID[name] for name in dict.fromkeys(names)] or list(KPIS)
    return Asked(Period(first, last, through, as_of), group, chosen)


def _period(period: str, desk: Desk) -> tuple[date, date]:
    try:
        return period_of(period, desk.now().astimezone(desk.zone).date())
    except (ValueError, OverflowError) as fault:
        raise Refused("invalid", f"period: {str(fault)[:200]}") from None


def _shown(period: Period) -> dict[str, Any]:
    return {"first": period.first, "last": period.last, "frozen_through": period.frozen_last}


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _cursor(row: Listed) -> str:
    text = f"{row.day.isoformat()}|{row.order_id.hex}|{row.subject.hex}|{row.n}|{row.unit}"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> Cursor | None:
    """Where a page ended. Raises Refused `cursor_invalid`."""
    if not cursor:
        return None
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        day, order_id, subject, n, unit = text.split("|", 4)
        if "\0" in unit or not 0 <= int(n) < 1 << 15:
            raise ValueError("no place of ours")
        return date.fromisoformat(day), UUID(order_id), UUID(subject), unit, int(n)
    except ValueError:
        raise Refused("cursor_invalid") from None
