"""The picture of how much may be left to a model, and how right that is."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from deploy.model.judging import Point

WIDTH, HEIGHT, LEFT, TOP = 640, 420, 60, 40
_PLOT_W, _PLOT_H = WIDTH - LEFT - 30, HEIGHT - TOP - 60
_COLOURS = ("#1d4ed8", "#b91c1c", "#047857", "#7c3aed", "#b45309")
_LOW = 0.5  # share right at the bottom
WANTED = 0.97


def drawn(curves: Mapping[str, Sequence[Point]], title: str) -> str:
    """An SVG: across, the share of rows that is left to the model, the surest first; up, the share right of those."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="bold">{escape(title)}</text>',
    ]
    for tenth in range(0, 11, 2):
        x = _x(tenth / 10)
        parts.append(
            f'<text x="{x}" y="{TOP + _PLOT_H + 18}" font-size="11" text-anchor="middle">{tenth * 10} %</text>'
        )
    for percent in range(int(_LOW * 100), 101, 10):
        y = _y(percent / 100)
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{LEFT + _PLOT_W}" y2="{y}" stroke="#e2e8f0"/>')
        parts.append(_label(LEFT - 8, y + 4, "end", f"{percent} %"))
    y = _y(WANTED)
    parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{LEFT + _PLOT_W}" y2="{y}" stroke="#64748b" stroke-dasharray="5 4"/>')
    for number, (name, points) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        line = " ".join(f"{_x(point.coverage)},{_y(point.right)}" for point in _thinned(points))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        at = TOP + _PLOT_H - 14 - 18 * (len(curves) - 1 - number)
        parts.append(
            f'<line x1="{LEFT + 12}" y1="{at - 4}" x2="{LEFT + 36}" y2="{at - 4}" stroke="{colour}" stroke-width="3"/>'
        )
        parts.append(f'<text x="{LEFT + 42}" y="{at}" font-size="12">{escape(name)}</text>')
    bottom = "自动派单占比，从最有把握起 | left to the model, the surest first"
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 12}" font-size="12">{escape(bottom)}</text>')
    parts.append(f'<text x="{LEFT}" y="{TOP - 6}" font-size="12">正确率 | share right</text></svg>')
    return "\n".join(parts) + "\n"


def _label(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x}" y="{y}" font-size="11" text-anchor="{anchor}">{text}</text>'


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    """At most 400 points, and none of the first few, where one row more or less is all there is to see."""
    kept = [point for point in points if point.coverage >= 0.02] or list(points)
    step = max(1, len(kept) // 400)
    return [*kept[::step], kept[-1]]


def _x(share: float) -> float:
    return round(LEFT + share * _PLOT_W, 1)


def _y(share: float) -> float:
    return round(TOP + (1.0 - max(_LOW, share)) / (1.0 - _LOW) * _PLOT_H, 1)
