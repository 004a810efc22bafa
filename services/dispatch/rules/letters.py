"""What is told by mail, in words: a letter made of the same body that a webhook carries. Chinese first, English beside.

No person is named in the body, so none is named here.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, field

MOST = 100  # lines of one letter; the rest is counted
EVENTS = {
    "urged": ("催办", "urged"),
    "supervised": ("督办", "supervised"),
    "answered": ("督办已答复", "answered"),
    "sent_back": ("答复被退回", "answer sent back"),
    "accepted": ("答复已认可", "answer accepted"),
    "cleared": ("督办已解除", "cleared"),
}
STAGES = {
    "triage": "研判", "dispatch": "派单", "accept": "接单", "contact": "先行联系", "arrive": "到场", "handle": "处置",
    "verify": "核查", "callback": "回访", "sign": "签收", "decide": "审批", "answer": "答复", "total": "总时限",
}  # fmt: skip
URGENT = {"urgent": "紧急", "critical": "非常紧急"}


class _Named(Struct):
    name: str


class _Item(Struct):
    event: str
    order_number: str
    place: str
    urgency: str
    link: str
    class_: _Named = field(name="class")
    level: int = 0
    stage: str = ""
    due: datetime | None = None
    answer_due: datetime | None = None
    answerer: _Named | None = None
    late: bool = False


class _Data(Struct):
    items: list[_Item]
    digest: bool = False


class _Body(Struct):
    data: _Data


_read = msgspec.json.Decoder(_Body).decode


def letter(body: bytes, zone: ZoneInfo) -> tuple[str, str]:
    """Subject and text of a body's letter; times are the city's."""
    data = _read(body).data
    first, count = data.items[0], len(data.items)
    if count == 1:
        subject = f"[{_event(first)[0]}] {first.order_number} {first.class_.name} {first.place}"
    else:
        subject = f"[督办汇总 digest] {count} 件"
    shown = [_lines(item, zone) for item in data.items[:MOST]]
    if count > MOST:
        shown.append(f"… 另有 {count - MOST} 件，见督办列表 and {count - MOST} more, see the list of supervisions")
    return subject, "\n\n".join(shown) + "\n"


def _event(item: _Item) -> tuple[str, str]:
    zh, en = EVENTS.get(item.event, (item.event, item.event))
    level = f" L{item.level}" if item.level else ""
    return zh + level, en + level


def _lines(item: _Item, zone: ZoneInfo) -> str:
    zh, en = _event(item)
    urgent = URGENT.get(item.urgency)
    marks = [f"{urgent} {item.urgency}"] if urgent else []
    head = " · ".join([f"{zh} {en}", *marks, *(["迟发 late notice"] if item.late else [])])
    stage = f"{STAGES.get(item.stage, item.stage)} {item.stage}".strip()
    lines = [head, f"工单 order {item.order_number} · {item.class_.name} · {item.place}"]
    if item.due is not None:
        lines.append(f"{stage} 时限 due {_moment(item.due, zone)}")
    if item.answerer is not None:
        wanted = f"，要求于 by {_moment(item.answer_due, zone)}" if item.answer_due is not None else ""
        lines.append(f"答复单位 answers: {item.answerer.name}{wanted}")
    lines.append(item.link)
    return "\n".join(lines)


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
