"""Draws the pictures of the documentation: `make docs-pictures`. The flow is drawn from the topic table itself, the
lives of orders and assignments, and their page, from the lifecycle's tables."""

from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

from schemas.topics import MAIN
from services.dispatch.rules.cases import told as cases
from services.dispatch.rules.lifecycle import told
from services.dispatch.rules.lifecycle.told import Told
from services.dispatch.rules.words import Words

HERE = Path(__file__).parent
LEFT, SERVICE_X, TOPIC_X, READER_X = 20, 190, 400, 700
ROW, BOX_H, BOX_W, TOPIC_W = 62, 44, 120, 220
NAMES = {
    "gateways": ("gateways", "110、物联、巡查"),
    "intake": ("intake", "受理 :8101"),
    "router": ("router", "研判 :8102"),
    "dispatch": ("dispatch", "派单 :8103"),
    "supervision": ("supervision", "督办 :8104"),
}
COLOURS = {
    "gateways": "#eef2f7",
    "intake": "#dbeafe",
    "router": "#dcfce7",
    "dispatch": "#fef3c7",
    "supervision": "#fee2e2",
}


def box(x: float, y: float, width: float, title: str, under: str, fill: str, *, mono: bool = False) -> str:
    """A labelled box."""
    family = "monospace" if mono else "sans-serif"
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{BOX_H}" rx="6" fill="{fill}" stroke="#334155"/>'
        f'<text x="{x + width / 2}" y="{y + 18}" text-anchor="middle" font-size="12" font-family="{family}"'
        f' font-weight="bold">{escape(title)}</text>'
        f'<text x="{x + width / 2}" y="{y + 35}" text-anchor="middle" font-size="10" font-family="sans-serif"'
        f' fill="#475569">{escape(under)}</text>'
    )


def arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    """An arrow from one point to another, bent in the middle."""
    middle = (x1 + x2) / 2
    return (
        f'<path d="M{x1},{y1} C{middle},{y1} {middle},{y2} {x2},{y2}" fill="none" stroke="#64748b" stroke-width="1.4"'
        ' marker-end="url(#tip)"/>'
    )


def flow() -> str:
    """Who writes which topic and who reads it, left to right."""
    writers = ["gateways", "intake", "router", "dispatch", "supervision"]
    readers = ["router", "dispatch", "supervision"]
    height = ROW * len(MAIN) + 40
    step = (height - 40) / len(writers)
    at_writer = {name: 20 + step * n + (step - BOX_H) / 2 for n, name in enumerate(writers)}
    step = (height - 40) / len(readers)
    at_reader = {name: 20 + step * n + (step - BOX_H) / 2 for n, name in enumerate(readers)}
    parts = [box(SERVICE_X - 150, at_writer[n], BOX_W, *NAMES[n], COLOURS[n]) for n in writers]
    parts += [box(READER_X, at_reader[n], BOX_W, *NAMES[n], COLOURS[n]) for n in readers]
    for row, topic in enumerate(MAIN):
        y = 20 + ROW * row
        middle = y + BOX_H / 2
        parts.append(
            box(
                TOPIC_X - 90,
                y,
                TOPIC_W + 20,
                topic.name,
                f"key {topic.key}, {topic.partitions} partitions",
                "#ffffff",
                mono=True,
            )
        )
        parts += [arrow(SERVICE_X - 30, at_writer[w] + BOX_H / 2, TOPIC_X - 90, middle) for w in topic.writers]
        parts += [arrow(TOPIC_X + TOPIC_W - 70, middle, READER_X, at_reader[r] + BOX_H / 2) for r in topic.readers]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 850 {height}" width="850">'
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="3" orient="auto">'
        '<path d="M0,0 L7,3 L0,6 z" fill="#64748b"/></marker></defs>'
        '<rect width="100%" height="100%" fill="#ffffff"/>' + "".join(parts) + "</svg>\n"
    )


STEP, SPAN, STATE_W, STATE_H = 128, 52, 100, 46
ENDS = ("已结案", "已并单", "已转出", "不受理", "已作废", "已确认", "已退单", "已收单")


def life(lines: Iterable[Told], statuses: Iterable[Words]) -> str:
    """Statuses in a row, with an arc for every way from one to another: forwards above, back below. What leaves the
    status as it is stands in the table alone."""
    place = {status: n for n, status in enumerate(statuses)}
    ways: dict[tuple[int, int], dict[str, None]] = {}
    for line in lines:
        if line.to != line.status:
            ways.setdefault((place[line.status], place[line.to]), {})[f"{line.action.zh} {line.action.en}"] = None
    up = max((b - a for a, b in ways if b > a), default=0) * SPAN + 40
    down = max((a - b for a, b in ways if a > b), default=0) * SPAN + 60
    width, height = STEP * len(place) + 20, up + STATE_H + down
    arcs = [_arc(a, b, list(said), up) for (a, b), said in ways.items()]
    parts = [*(curve for curve, _ in arcs), *(words for _, words in arcs)]
    for status, n in place.items():
        fill = "#e2e8f0" if status.zh in ENDS else "#dbeafe"
        parts.append(box(10 + STEP * n + (STEP - STATE_W) / 2, up, STATE_W, status.zh, status.en, fill))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">'
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="3" orient="auto">'
        '<path d="M0,0 L7,3 L0,6 z" fill="#64748b"/></marker></defs>'
        '<rect width="100%" height="100%" fill="#ffffff"/>' + "".join(parts) + "</svg>\n"
    )


def _arc(a: int, b: int, said: list[str], up: float) -> tuple[str, str]:
    """One way, and the words of what leads along it, at its highest (or lowest) point."""
    forwards = b > a
    x1, x2 = (10 + STEP * n + STEP / 2 for n in (a, b))
    x1, x2 = (x1 + 14, x2 - 14) if forwards else (x1 - 14, x2 + 14)
    y, lift = (up, -1) if forwards else (up + STATE_H, 1)
    rise = (abs(b - a) * SPAN - 14) * 4 / 3  # a cubic curve reaches three quarters of its handles
    top = y + lift * rise * 3 / 4
    lines = [
        f'<text x="{(x1 + x2) / 2}" y="{top + (lift * 11 * (n + (0.4 if forwards else 1)))}" text-anchor="middle"'
        f' font-size="9.5" font-family="sans-serif" fill="#0f172a" stroke="#ffffff" stroke-width="3"'
        f' paint-order="stroke">{escape(text)}</text>'
        for n, text in enumerate(said)
    ]
    curve = f"M{x1},{y} C{x1},{y + lift * rise} {x2},{y + lift * rise} {x2},{y}"
    path = f'<path d="{curve}" fill="none" stroke="#64748b" stroke-width="1.2" marker-end="url(#tip)"/>'
    return path, "".join(lines)


def lifecycle_page() -> str:
    """The page that shows both tables to people."""
    return f"""# The life of a work order · 工单流转

Who may do what, in which status, and what comes of it. This page is written by `make docs-pictures` from the tables
that the program itself asks (`services/dispatch/rules/lifecycle`); `paidan lifecycle` prints them (`--json` for
programs). **What is not in them is refused** with 409 `action_not_allowed`, which names what is allowed; every pair of
status and action is tested for every role and standing. 表中没有的操作一律拒绝。

An order 工单 is one problem at one place. An assignment 派遣单 is one unit's part of it: one lead 主办, any number of
assists 协办, and parts that a unit passed on 转派 to a unit below, at any depth. "holder" 承办单位 holds the
assignment, "parent" 转派单位 passed it on and stays answerable, "centre" 派遣中心 dispatched it; without such a word
the order must lie in one's queue or jurisdiction.

- An open order has exactly one lead. It finishes last: when each assist is done or withdrawn.
- Whoever passed a part on finishes after it, and thereby signs its answer; sending an answer back is not rework.
- What is taken back goes with all that was passed on from it; what is done stays done.
- Another lead gets limits of its own; the promise to the citizen is not touched.

## Assignments · 派遣单

![Every way from one status of an assignment to another](lifecycle-assignments.svg)

{_markdown(told.assignments())}

## Orders · 工单

![Every way from one status of an order to another](lifecycle-orders.svg)

{_markdown(told.orders())}

## Special cases · 专项、类案

Many orders about one matter, gathered by a centre; what units commit to in its meetings 会商. That an order belongs to
one changes nothing of its status, its units or its clocks. An order belongs to one open special case at most.

{_markdown(cases.cases())}

### Commitments · 承诺事项

That a deadline of it was missed is said beside the state, and stays.

{_markdown(cases.commitments())}
"""


def _markdown(lines: Iterable[Told]) -> str:
    rows = ["| 状态 status | 操作 action | 条件 when | 谁 who | 此后 then | 另外 also |", "|---|---|---|---|---|---|"]
    last = None
    for line in lines:
        cells = (
            f"**{both(line.status)}**" if line.status != last else "",
            f"{line.action.zh} `{line.action.en}`",
            both(line.when),
            "<br>".join(both(who) for who in line.who),
            both(line.to) if line.to != line.status else "不变",
            "<br>".join(both(effect) for effect in line.also),
        )
        rows.append("| " + " | ".join(cells) + " |")
        last = line.status
    return "\n".join(rows)


def both(words: Words) -> str:
    """Chinese, then English."""
    return f"{words.zh} {words.en}".strip()


def drawn() -> dict[str, str]:
    """Every file that is drawn, by its name."""
    return {
        "flow.svg": flow(),
        "lifecycle-assignments.svg": life(told.assignments(), told.ASSIGNMENT_STATUSES.values()),
        "lifecycle-orders.svg": life(told.orders(), told.ORDER_STATUSES.values()),
        "lifecycle.md": lifecycle_page(),
    }


if __name__ == "__main__":
    for name, text in drawn().items():
        (HERE / name).write_text(text, encoding="utf-8")
        print(HERE / name)
