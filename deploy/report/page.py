"""The report as one page of HTML: no script, nothing loaded from anywhere, Chinese and English side by side."""

from collections.abc import Iterable, Sequence
from html import escape
from math import cos, radians, sqrt
from pathlib import Path
from typing import Any

from deploy.report.figures import LEAGUES, RATES, Figures

_STYLE = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
_STAGES = {
    **{"triage": "研判 Triage", "dispatch": "派单 Dispatch", "accept": "接单 Accept", "contact": "先行联系 Contact"},
    **{"arrive": "到场 Arrive", "handle": "处置 Handle", "verify": "核查 Check", "callback": "回访 Call back"},
    **{"sign": "签收 Sign for", "decide": "审批 Decide", "answer": "答复 Answer", "commitment": "承诺 Commitment"},
    "total": "总时限 Whole order",
}
_FOUND = {
    **{
        "ping_pong": "退单拉锯 To and fro",
        "recurrence": "同地同类反复 Again and again",
        "too_fast": "办结过快 Too fast",
    },
    **{"never_contacted": "未联系即结案 Never contacted", "no_visit": "未到场即办结 No visit"},
    **{
        "parked_long": "挂账过久 Parked long",
        "unit_silent": "单位失声 Unit silent",
        "overlooked": "沉没的少数 Overlooked",
    },
}
_KINDS = {"street": "街镇 Street offices", "department": "部门 Departments"}
_RUNGS = {"urge": "催办 Urged", "supervise": "督办 Supervised"}
_BEST = 10
_PLACES = 15


def shown(row: dict[str, Any] | None) -> str:
    """The value of a number as people read it; a dash where there is none."""
    if row is None or row["value"] is None:
        return "–"
    if row["kind"] == "rate":
        return f"{row['value'] * 100:.1f}%"
    if row["kind"] == "duration":
        return _lasted(row["value"])
    return f"{row['value']:,}"


def _lasted(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 60:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < 48 * 60 else f"{minutes / 1440:.1f} d"


def _moved(row: dict[str, Any], before: dict[str, Any] | None) -> str:
    if before is None or before["value"] is None or row["value"] is None:
        return "–"
    moved = row["value"] - before["value"]
    if row["kind"] == "rate":
        return f"{moved * 100:+.1f}"
    return f"{'+' if moved >= 0 else '−'}{_lasted(abs(moved))}" if row["kind"] == "duration" else f"{moved:+,}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    nothing = f'<tr><td colspan="{len(heads)}" class="quiet">没有 · none</td></tr>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body or nothing}</tbody></table>"


def _tiles(told: Figures) -> str:
    intake = told.numbers["repeat"]["denominator"]
    tiles = [
        ("诉求 Reports", f"{intake:,}"),
        ("立案 Orders", f"{told.numbers['found_first']['denominator']:,}"),
        ("结案 Closed", f"{told.numbers['reopened']['denominator']:,}"),
        *((f"{told.numbers[kpi]['zh']} {told.numbers[kpi]['en']}", shown(told.numbers[kpi])) for kpi in RATES),
    ]
    return f"<ul class=tiles>{''.join(f'<li><b>{value}</b>{escape(name)}</li>' for name, value in tiles)}</ul>"


def _numbers(told: Figures) -> str:
    rows = []
    for kpi, row in told.numbers.items():
        parts = (
            f"{row['numerator']:,.10g} / {row['denominator']:,}" if row["kind"] == "rate" else f"{row['denominator']:,}"
        )
        if row["kind"] == "duration" and row["denominator"]:
            parts = f"p50 {_lasted(row['p50'])} · p90 {_lasted(row['p90'])}"
        before = told.earlier.get(kpi)
        rows.append((f"{row['zh']} {row['en']}", shown(row), parts, shown(before), _moved(row, before)))
    return _table(("指标 Number", "本期 Now", "构成 Parts", "上期 Before", "变化 Change"), rows)


def _week(told: Figures) -> str:
    """Reports of each of seven days as bars, and how many were answered in time above them."""
    most = max([1, *(numbers["repeat"]["denominator"] for _, numbers in told.days)])
    bars = []
    for n, (day, numbers) in enumerate(told.days):
        count = numbers["repeat"]["denominator"]
        high, x = 110 * count / most, 20 + n * 84
        bars.append(
            f'<rect x="{x}" y="{140 - high:.1f}" width="56" height="{high:.1f}" fill="#0b4fb3"/>'
            f'<text x="{x + 28}" y="{134 - high:.1f}" text-anchor="middle">{count:,}</text>'
            f'<text x="{x + 28}" y="156" text-anchor="middle">{day:%m-%d}</text>'
            f'<text x="{x + 28}" y="171" text-anchor="middle">{shown(numbers.get("answer_in_time"))}</text>'
        )
    about = "七天的诉求数和按时办结率 · reports of seven days, and how many were answered in time"
    return (
        f'<svg viewBox="0 0 620 180" role="img" aria-label="{about}">{"".join(bars)}</svg><p class="quiet">{about}</p>'
    )


def _map(told: Figures) -> str:
    """Spots as large as what is late at this moment."""
    late = {one["division"]: one["breaches"] for one in told.board["places"]}
    spots = [one for one in told.places if one["tier"] == "street"] or [
        one for one in told.places if one["tier"] == "district"
    ]
    if not spots:
        return ""
    west, east = min(one["lon"] for one in spots), max(one["lon"] for one in spots)
    south, north = min(one["lat"] for one in spots), max(one["lat"] for one in spots)
    squeeze = cos(radians((south + north) / 2))
    scale = 560 / max((east - west) * squeeze, north - south, 0.01)
    most = max([1, *late.values()])
    drawn = []
    for one in sorted(spots, key=lambda spot: -late.get(spot["division"], 0)):
        count = late.get(one["division"], 0)
        x, y = 20 + (one["lon"] - west) * squeeze * scale, 20 + (north - one["lat"]) * scale
        size, shade = (4 + 18 * sqrt(count / most), "#b3261e") if count else (2, "#b8c0cc")
        drawn.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" fill="{shade}" fill-opacity=".75">'
            f"<title>{escape(one['name'])} {count}</title></circle>"
        )
    wide, high = 40 + (east - west) * squeeze * scale, 40 + (north - south) * scale
    about = f"各街镇现在超时 · late now by street-town: {told.board['breaches']}"
    return f'<svg viewBox="0 0 {wide:.0f} {high:.0f}" role="img" aria-label="{about}">{"".join(drawn)}</svg>'


def _now(told: Figures) -> str:
    stages = sorted(told.board["stages"], key=lambda one: -one["breaches"])
    places = [one for one in told.board["places"] if one["breaches"]][:_PLACES]
    by_stage = _table(
        ("时限 Deadline", "超时 Late", "2 h", "24 h"),
        (
            (_STAGES.get(s["stage"], s["stage"]), f"{s['breaches']:,}", f"{s['due_2h']:,}", f"{s['due_24h']:,}")
            for s in stages
        ),
    )
    steps = _table(
        ("阶梯 Ladder", "数 Count", "最早 Since"),
        (
            (
                f"{_RUNGS.get(one['kind'], one['kind'])} L{one['level']}",
                f"{one['count']:,}",
                one["oldest"][:16].replace("T", " "),
            )
            for one in told.board["ladder"]
        ),
    )
    by_place = _table(
        ("街镇 Place", "超时 Late", "2 h"),
        ((f"{p['name']} {p['district']}".strip() or "–", f"{p['breaches']:,}", f"{p['due_2h']:,}") for p in places),
    )
    at = told.board["at"][:16].replace("T", " ")
    return (
        f"<h2>此刻 Now <small>{at}</small></h2><div class=two><div>{by_stage}<br>{steps}</div>"
        f"<div>{_map(told)}{by_place}</div></div>"
    )


def _districts(told: Figures) -> str:
    names = [f"{told.numbers[kpi]['zh']} {told.numbers[kpi]['en']}" for kpi in RATES]
    rows = sorted(told.districts.items(), key=lambda item: -(item[1].get("repeat", {}).get("denominator") or 0))
    return _table(
        ("区 District", "诉求 Reports", *names),
        (
            (name, f"{found.get('repeat', {}).get('denominator') or 0:,}", *(shown(found.get(kpi)) for kpi in RATES))
            for name, found in rows
        ),
    )


def _leagues(told: Figures) -> str:
    made = []
    for kind in LEAGUES:
        ranked = [one for one in told.leagues[kind] if one["rank"] is not None]
        kept = ranked if len(ranked) <= 2 * _BEST else [*ranked[:_BEST], *ranked[-_BEST:]]
        rows = (
            (
                f"{one['rank']}. {one['unit']['name']}",
                f"{one['rate'] * 100:.1f}%",
                f"{one['numerator']:,.10g} / {one['denominator']:,}",
            )
            for one in kept
        )
        made.append(f"<div><h3>{_KINDS[kind]}</h3>{_table(('单位 Unit', '比率 Rate', '构成 Parts'), rows)}</div>")
    note = (
        f"不足 {told.league_from} 件的不排名；按收缩估计排序 · units with fewer than {told.league_from} have no rank;"
        " the order is by the shrunken estimate"
    )
    return f'<div class=two>{"".join(made)}</div><p class="quiet">{note}</p>'


def render(told: Figures) -> str:
    """The whole page."""
    week = told.span.first != told.span.last
    title = f"{told.city}{'周报' if week else '日报'} · {told.city_en}: {'weekly' if week else 'daily'} report"
    days = f"{told.span.first} – {told.span.last}" if week else f"{told.span.first}"
    frozen = told.frozen_through is not None and str(told.span.last) <= told.frozen_through
    state = (
        "已冻结，申诉更正除外 · frozen but for appeals" if frozen else "未冻结，仍会变动 · not frozen yet, still moving"
    )
    findings = _table(
        ("发现 Finding", "数 Count"), ((_FOUND.get(kind, kind), f"{n:,}") for kind, n in sorted(told.findings.items()))
    )
    parts = (
        f"<h1>{escape(title)}</h1><p><b>{days}</b> <small>{state}</small></p>{_tiles(told)}",
        f"<h2>近七天 Seven days</h2>{_week(told)}",
        _now(told),
        f"<h2>各区 By district</h2>{_districts(told)}",
        f"<h2>排名 League <small>按时办结率 Answered in time</small></h2>{_leagues(told)}",
        f"<h2>异常发现 What detectors found <small>自期初 since the first day</small></h2>{findings}",
        f"<h2>全部指标 All numbers</h2>{_numbers(told)}",
        '<p class="quiet">口径见 docs/numbers.md · what each number is: docs/numbers.md</p>',
    )
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)} {days}</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )
