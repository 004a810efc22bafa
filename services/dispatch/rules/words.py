"""How actions, their fields and their choices are called on a screen: Chinese and English.

Whoever adds an action adds its words here. What has none is shown by its name, so nothing is ever without a label.
Source of the terms: design §2, §6; domain notes §B3, §B4.
"""

from typing import NamedTuple


class Words(NamedTuple):
    """What people read."""

    zh: str
    en: str


ACTIONS: dict[str, Words] = {
    "accept": Words("接单", "Accept"),
    "contact": Words("先行联系", "Contact"),
    "arrive": Words("到场", "Arrived"),
    "progress": Words("中途汇报", "Progress"),
    "finish": Words("办结", "Finish"),
    "withdraw": Words("收单", "Withdraw"),
    "confirm": Words("确认结果", "Confirm result"),
    "pass_on": Words("转派下级", "Pass on"),
    "pull_in": Words("请求协办", "Pull in a unit"),
    "send_back": Words("退回补办", "Send back"),
    "lead": Words("更换主办", "Change the lead"),
    "request": Words("提出申请", "Make a request"),
    "route": Words("派单", "Route"),
    "urge": Words("催办", "Urge"),
    "urgency": Words("调整紧急程度", "Change the urgency"),
    "supervise": Words("督办", "Supervise"),
    "verify": Words("核查", "Verify"),
    "callback": Words("回访", "Call back"),
    "close": Words("结案", "Close"),
    "rate": Words("评价", "Rate"),
    "decision": Words("审批", "Decide"),
    "dismiss": Words("不予重开", "Do not reopen"),
    "conclude": Words("终结", "Conclude"),
    "reopen": Words("重开", "Reopen"),
    "reject": Words("不受理", "Reject"),
    "void": Words("作废", "Void"),
    "merge": Words("并单", "Merge"),
    "unmerge": Words("撤销并单", "Unmerge"),
    "split": Words("拆单", "Split"),
    "sign": Words("签收", "Sign"),
    "recall": Words("撤回转办", "Take back"),
    "police": Words("请求公安", "Ask police"),
    "transfer": Words("转出", "Transfer"),
    "return": Words("退单", "Return"),
    "parking": Words("挂账", "Park"),
    "resume": Words("恢复办理", "Resume"),
    "explanation": Words("解释说明结案", "Close unsolved"),
    "import_close": Words("导入结案", "Close (import)"),
}

CASE_ACTIONS: dict[str, Words] = {
    "link": Words("归入专项", "Link"),
    "unlink": Words("移出专项", "Unlink"),
    "meeting": Words("会商记录", "Record a meeting"),
    "close": Words("专项办结", "Close"),
}
# What units commit to in meetings: the same names say something else there.
COMMITMENT_ACTIONS: dict[str, Words] = {
    "answer": Words("回复落实情况", "Say it is done"),
    "accept": Words("认可", "Accept"),
    "send_back": Words("退回补办", "Send back"),
    "withdraw": Words("撤回承诺", "Release from it"),
}
COMMITMENT_ANSWER = Words("落实情况", "What was done")

SUPERVISION_ACTIONS: dict[str, Words] = {
    "answer": Words("答复督办", "Answer"),
    "decision": Words("认可或退回答复", "Accept or send back"),
}
SUPERVISION_FIELDS: dict[str, Words] = {
    "text": Words("内容", "What you have to say"),
    "accepted": Words("是否认可", "Accept it?"),
    "kind": Words("督办缘由", "Why"),
}

FIELDS: dict[str, Words] = {
    "answerer": Words("由哪个单位答复（默认主办）", "Which unit answers (the lead, if none)"),
    "answer_due": Words("要求答复时间", "Answer wanted by"),
    "granted": Words("是否同意", "Grant it?"),
    "answer": Words("给诉求人的答复", "Answer to the caller"),
    "answers": Words("单独答复某位诉求人", "Another answer for one of them"),
    "assists": Words("协办单位", "Assisting units"),
    "class": Words("事项类别", "Class"),
    "closed_at": Words("结案时间", "Closed at"),
    "due": Words("要求完成时间", "Wanted by"),
    "class_key": Words("事项类别", "Class"),
    "kind": Words("申请类型", "What is asked"),
    "basis": Words("依据和情况说明", "Basis"),
    "evidence": Words("证明材料", "Evidence"),
    "suggested_unit": Words("建议承办单位", "Whose it is instead"),
    "until": Words("申请至何时", "Until when"),
    "into": Words("并入哪件工单", "Into which order"),
    "comment": Words("评价内容", "Comment"),
    "hard_case_owner": Words("值班班长（办不成由谁负责）", "Who answers for it (duty leader)"),
    "keep_units": Words("原单位转为协办", "Its units go on as assists"),
    "parts": Words("拆成几件", "Parts"),
    "report_ids": Words("归入该件的诉求", "Reports that go there"),
    "text": Words("其中哪项诉求", "Which demand of the ticket"),
    "lead": Words("主办单位", "Lead unit"),
    "level": Words("督办级别", "Level"),
    "note": Words("说明", "Note"),
    "passed": Words("核查是否通过", "Did it pass?"),
    "photos": Words("处置照片", "Photos of the work"),
    "platform": Words("转往平台", "Platform"),
    "reached": Words("是否联系上", "Reached?"),
    "reason": Words("理由", "Reason"),
    "report_id": Words("哪一件诉求", "Which report"),
    "result": Words("办理结果", "Result"),
    "satisfied": Words("满意程度", "Satisfied?"),
    "solved": Words("是否解决", "Solved?"),
    "unit": Words("单位", "Unit"),
    "urgency": Words("紧急程度", "How urgent"),
}

# By value, or by vocabulary and value where one value has several meanings.
CHOICES: dict[str, Words] = {
    "leader": Words("领导督办", "A leader asks"),
    "important": Words("重要案件督办", "An important case"),
    "solved": Words("实际解决", "Solved"),
    "explained": Words("解释说明", "Explained"),
    "not_possible": Words("办不成", "Could not be done"),
    "satisfied": Words("满意", "Satisfied"),
    "mostly": Words("基本满意", "Mostly satisfied"),
    "fair": Words("一般", "Fair"),
    "dissatisfied": Words("不满意", "Dissatisfied"),
    "no_answer": Words("无人接听", "No answer"),
    "Unreached.refused": Words("拒接", "Hung up"),
    "wrong_number": Words("号码有误", "Wrong number"),
    "no_number": Words("未留电话", "No number"),
    "other": Words("其他", "Other"),
    "normal": Words("一般", "Normal"),
    "urgent": Words("紧急", "Urgent"),
    "critical": Words("非常紧急（危及人身）", "Critical: life or limb"),
    "return": Words("退单", "Return"),
    "extension": Words("延期", "Extension"),
    "deferral": Words("缓办", "Deferral"),
    "parking": Words("挂账", "Parking"),
    "class_correction": Words("类别更正", "Another class"),
    "explanation": Words("解释说明结案", "Close unsolved"),
    "not_our_duty": Words("非本单位职责", "Not our duty"),
    "not_our_area": Words("非本辖区", "Not our area"),
    "wrong_class": Words("类别有误", "Wrong class"),
    "duplicate": Words("重复件", "Duplicate"),
    "not_enough_information": Words("信息不足", "Not enough information"),
    "owner_unclear": Words("权属不清", "Owner unclear"),
    "complex": Words("疑难复杂", "Complex"),
    "procedure": Words("程序需要时间", "Procedure takes time"),
    "weather": Words("天气、季节", "Weather or season"),
    "materials": Words("备件、施工条件", "Materials"),
    "no_access": Words("无法入户", "No access"),
    "funding": Words("资金未到位", "Funding"),
    "policy": Words("政策、规划未定", "Policy not settled"),
    "no_legal_ground": Words("于法无据", "No legal ground"),
    "not_true": Words("与事实不符", "Not true"),
    "beyond_power": Words("客观条件不具备", "Beyond our power"),
    "asker_withdrew": Words("诉求人撤回", "The caller withdrew"),
}


def plain(name: str) -> Words:
    """A name without words of its own, made readable."""
    text = name.replace("_", " ")
    return Words(text, text[:1].upper() + text[1:])
