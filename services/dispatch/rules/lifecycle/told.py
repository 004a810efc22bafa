"""The tables as people read them: every line in Chinese and English. Terms: design §2, §6; domain notes §B3, §B8."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.vocabulary import AssignmentStatus, OrderStatus, Role
from services.dispatch.rules.lifecycle import ASSIGNMENT_TABLE, ORDER_TABLE
from services.dispatch.rules.lifecycle.rows import SYSTEM, Effect, Part, Relation, Who
from services.dispatch.rules.words import ACTIONS, Words, plain

ORDER_STATUSES: Mapping[str, Words] = {
    OrderStatus.TRIAGE: Words("待研判", "triage"),
    OrderStatus.DISPATCHED: Words("待接单", "dispatched"),
    OrderStatus.HANDLING: Words("处置中", "handling"),
    OrderStatus.VERIFYING: Words("待核查", "verifying"),
    OrderStatus.CALLBACK: Words("待回访", "callback"),
    OrderStatus.CLOSED: Words("已结案", "closed"),
    OrderStatus.PARKED: Words("挂账", "parked"),
    OrderStatus.MERGED: Words("已并单", "merged"),
    OrderStatus.TRANSFERRED: Words("已转出", "transferred"),
    OrderStatus.REJECTED: Words("不受理", "rejected"),
    OrderStatus.VOID: Words("已作废", "void"),
}
ASSIGNMENT_STATUSES: Mapping[str, Words] = {
    AssignmentStatus.OFFERED: Words("待接单", "offered"),
    AssignmentStatus.ACCEPTED: Words("处置中", "accepted"),
    AssignmentStatus.RETURN_REQUESTED: Words("退单审核", "return_requested"),
    AssignmentStatus.DONE: Words("待确认", "done"),
    AssignmentStatus.CONFIRMED: Words("已确认", "confirmed"),
    AssignmentStatus.RETURNED: Words("已退单", "returned"),
    AssignmentStatus.WITHDRAWN: Words("已收单", "withdrawn"),
}
PARTS: Mapping[str, Words] = {
    Part.LEAD: Words("主办", "lead"),
    Part.ASSIST: Words("协办", "assist"),
    Part.CHILD: Words("转派", "child"),
}
ROLES: Mapping[str, Words] = {
    Role.AGENT: Words("话务员", "agent"),
    Role.GATEWAY: Words("网关", "gateway"),
    Role.IMPORT: Words("导入程序", "import"),
    Role.DISPATCHER: Words("派单员", "dispatcher"),
    Role.RESPONDER: Words("处置人", "responder"),
    Role.INSPECTOR: Words("核查员", "inspector"),
    Role.SUPERVISOR: Words("督办员", "supervisor"),
    Role.AUDITOR: Words("审计员", "auditor"),
    Role.OPERATOR: Words("运维员", "operator"),
    Role.CITIZEN: Words("诉求人", "citizen"),
    Role.SERVICE: Words("服务程序", "service"),
    SYSTEM: Words("系统", "system"),
}
RELATIONS: Mapping[str, Words] = {
    Relation.SIGHT: Words("辖区内", "any"),
    Relation.HOLDER: Words("承办单位", "holder's"),
    Relation.PARENT: Words("转派单位", "parent's"),
    Relation.LEAD: Words("主办单位", "lead's"),
    Relation.CENTRE: Words("派遣中心", "centre's"),
    Relation.ABOVE: Words("上一级中心", "upper centre's"),
    Relation.REPORTER: Words("本人", "own"),
    Relation.SERVICE: Words("自动", "automatic"),
}
EFFECTS: Mapping[str, Words] = {
    Effect.OFFERS: Words("派给其他单位", "offers parts"),
    Effect.LEAD_SWAPS: Words("更换主办", "another lead"),
    Effect.WITHDRAWS: Words("收回未完成的", "takes open parts back"),
    Effect.CONFIRMS: Words("确认已完成的", "confirms parts done"),
    Effect.TAKES_UP: Words("重新处置", "takes a part up again"),
    Effect.NEW_ROUND: Words("新一轮", "new round"),
}
WHEN: Mapping[str, str] = {
    "return": "退单",
    "else": "其他申请",
    "lead": "主办接单",
    "assist": "协办或转派",
    "lead accepted": "新主办已接单",
    "lead, none": "主办，无须核查",
    "lead, site": "主办，须现场核查",
    "lead, sensor": "主办，须设备复测",
    "lead, call": "主办，须回访",
    "failed": "核查不通过",
    "passed, somebody to call": "核查通过，须回访",
    "passed, nobody to call": "核查通过，无人可回访",
    "transfer": "转出",
    "help": "请求到场",
    "triage": "并单前待研判",
    "dispatched": "并单前待接单",
    "handling": "并单前处置中",
    "verifying": "并单前待核查",
    "callback": "并单前待回访",
    "raised": "提高",
    "lowered": "降低",
}


class Told(NamedTuple):
    """One line of a table in words. `when` holds for one line alone where an action has several."""

    status: Words
    action: Words
    when: Words
    who: tuple[Words, ...]
    to: Words
    also: tuple[Words, ...]


def assignments() -> tuple[Told, ...]:
    """The assignments' table, by status in the order of an assignment's life."""
    lines = [
        Told(
            ASSIGNMENT_STATUSES[row.status],
            _action(row.action),
            _joined([*(() if set(row.of) == set(Part) else (PARTS[part] for part in row.of)), *_when(row.when)]),
            _who(row.who),
            ASSIGNMENT_STATUSES[row.to],
            tuple(EFFECTS[effect] for effect in row.effects),
        )
        for row in ASSIGNMENT_TABLE
    ]
    return _by_status(lines, ASSIGNMENT_STATUSES)


def orders() -> tuple[Told, ...]:
    """The orders' table. What an order only follows (an assignment accepted, finished) stands in it too."""
    lines = [
        Told(
            ORDER_STATUSES[row.status],
            _action(row.action),
            _joined(_when(row.when)),
            _who(row.who),
            ORDER_STATUSES[row.to],
            tuple(EFFECTS[effect] for effect in row.effects),
        )
        for row in ORDER_TABLE
    ]
    return _by_status(lines, ORDER_STATUSES)


def _by_status(lines: Iterable[Told], statuses: Mapping[str, Words]) -> tuple[Told, ...]:
    place = {words: n for n, words in enumerate(statuses.values())}
    return tuple(sorted(lines, key=lambda told: place[told.status]))


def _action(name: str) -> Words:
    """By the word that screens use, and the name that the API takes."""
    return Words((ACTIONS.get(name) or plain(name)).zh, name)


def _when(when: str) -> list[Words]:
    return [Words(WHEN.get(when, when), when)] if when else []


def _joined(words: list[Words]) -> Words:
    return Words("、".join(word.zh for word in words), ", ".join(word.en for word in words))


def _who(who: Iterable[Who]) -> tuple[Words, ...]:
    found = []
    for role, relation in who:
        said, stands = ROLES[role], RELATIONS[relation]
        beside = relation not in (Relation.SIGHT, Relation.SERVICE)  # the rule, and what needs no saying
        found.append(Words(f"{stands.zh}{said.zh}", f"{stands.en} {said.en}") if beside else said)
    return tuple(found)
