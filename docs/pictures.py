"""Draws the pictures of the documentation: `make docs-pictures`. The flow is drawn from the topic table itself."""

from pathlib import Path
from xml.sax.saxutils import escape

from schemas.topics import MAIN

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


if __name__ == "__main__":
    (HERE / "flow.svg").write_text(flow(), encoding="utf-8")
    print(HERE / "flow.svg")
