"""Every refusal of the system: a stable code, its HTTP status, and what people read in Chinese and English.

A code is never renamed or reused. Bodies are RFC 9457 problem+json; `type` is `urn:paidan:refusal:<code>`.
"""

from msgspec import Struct


class Refusal(Struct, frozen=True):
    """One way to be refused."""

    code: str
    status: int
    zh: str
    en: str


_ROWS = (
    # who you are
    ("unauthenticated", 401, "需要有效的登录令牌", "a valid bearer token is needed"),
    ("token_expired", 401, "令牌已过期", "the token has expired"),
    ("forbidden", 403, "该角色不能执行此操作", "this role may not do this"),
    ("other_unit", 403, "不属于本单位的工单", "this belongs to another unit"),
    ("platform_unknown", 404, "未登记的平台", "no platform of this name may send here"),
    ("signature_invalid", 401, "签名缺失或不符", "the webhook's signature is missing or does not fit"),
    ("signature_expired", 401, "签名时间超出允许范围", "the webhook was signed too long ago, or its clock is wrong"),
    # how it was asked
    ("not_found", 404, "未找到", "not found"),
    ("method_not_allowed", 405, "不支持的方法", "method not allowed"),
    ("timeout", 504, "处理超时，请用同一幂等键重试", "took too long; repeat with the same idempotency key"),
    ("body_too_large", 413, "请求体过大", "the body is too large"),
    ("unsupported_media_type", 415, "请使用 JSON", "send JSON"),
    ("malformed", 400, "请求不是合法的 JSON", "the body is not valid JSON"),
    ("too_many_requests", 429, "请求过多，请稍后重试", "too many requests; try again later"),
    ("cursor_invalid", 422, "游标无效", "the cursor is not one of ours"),
    ("internal", 500, "系统内部错误，已记录", "internal error; it was recorded"),
    ("unavailable", 503, "服务暂不可用，请稍后重试", "not available now; try again later"),
    # what a report may hold
    ("invalid", 422, "字段不符合要求", "a field does not fit"),
    ("nothing_said", 422, "没有内容也没有地点", "neither text nor place"),
    ("text_too_long", 422, "内容超过 10000 字", "the text is longer than 10,000 characters"),
    ("text_unreadable", 422, "内容含非法字符", "the text holds NUL or lone surrogates"),
    ("answer_missing", 422, "当场答复须有答复内容", "answered on the spot, but not with what"),
    ("ticket_type_unknown", 422, "诉求类型不存在", "unknown ticket type"),
    ("source_due_invalid", 422, "来源平台时限早于受理时间", "source_due lies before the receipt"),
    ("coordinates_outside", 422, "坐标不在本市", "the coordinates are outside the city"),
    ("coordinates_swapped", 422, "经纬度疑似颠倒", "longitude and latitude look swapped"),
    ("coordinates_incomplete", 422, "经纬度须同时提供", "longitude and latitude come together"),
    ("time_in_future", 422, "时间在未来", "the time lies in the future"),
    ("time_too_old", 422, "时间过早", "the time lies too far back"),
    ("phone_invalid", 422, "电话号码不合规", "this is not a phone number"),
    ("device_unknown", 422, "设备未登记", "this device is not registered"),
    ("class_unknown", 422, "事项类别不存在", "unknown class"),
    ("police_class_unknown", 422, "警情类别不存在", "unknown 110 class"),
    ("unit_missing", 422, "读数缺少单位或单位不符", "the reading's unit is missing or not this device's"),
    ("value_not_finite", 422, "读数不是有效数值", "the value is not a finite number"),
    ("value_impossible", 422, "读数超出物理范围", "the value is physically impossible"),
    ("bulk_too_many", 422, "一次最多 1000 条", "at most 1,000 items at once"),
    ("bulk_empty", 422, "没有条目", "no items"),
    ("key_reused", 422, "幂等键已用于另一请求", "this idempotency key or source id was used for another body"),
    ("key_missing", 400, "需要 Idempotency-Key", "an Idempotency-Key header is needed"),
    ("key_invalid", 400, "Idempotency-Key 不合规", "the Idempotency-Key is not 1-200 printable characters"),
    ("spool_full", 503, "本地暂存已满，请稍后重试", "the local spool is full; try again later"),
    ("rulebook_faulty", 422, "权责规则有错误，未采用", "the rulebook has faults and was not taken"),
    # what may be done to an order
    ("version_missing", 428, "需要 If-Match", "an If-Match header is needed"),
    ("version_invalid", 400, "If-Match 不是版本号", "If-Match does not name a version"),
    ("version_stale", 412, "内容已变化，请刷新", "it changed meanwhile"),
    ("action_unknown", 404, "没有此操作", "there is no such action"),
    ("action_not_allowed", 409, "当前状态不允许此操作", "not allowed in this status"),
    ("assists_open", 409, "协办未全部完成", "an assist is still open"),
    ("children_open", 409, "转派的下级未全部完成", "a part that was passed on is still open"),
    ("unit_taken", 409, "该单位已在本工单中", "this unit has an open part of this order already"),
    ("unit_not_below", 422, "只能转派给下级单位", "a part is passed on to a unit below only"),
    ("leads_already", 409, "该单位已是主办", "this unit leads already"),
    ("time_backwards", 422, "时间顺序不对", "times of an order may not run backwards"),
    ("unit_unknown", 422, "单位不存在", "unknown unit"),
    ("division_unknown", 422, "区划不存在", "unknown division"),
    ("handler_verifies", 403, "处置人不能核查自己的结果", "whoever handled it may not verify it"),
    ("moment_too_young", 422, "时点过近，结果可能变化", "this moment is too recent to be final"),
    ("rounds_left", 409, "未达终结轮次，请先重办", "not yet gone through as many rounds as the policy asks"),
    # orders that become one, or several
    ("merge_self", 422, "不能并入自身", "an order is not merged into itself"),
    ("merge_circle", 409, "并单不能成环", "orders are not merged in a circle"),
    ("merge_ended", 409, "目标工单已办结或已并出", "the other order has ended"),
    (
        "merge_unlike",
        409,
        "紧急程度或来源性质不同，不能并入",
        "the other order is less urgent, or only one is imported",
    ),
    ("proposal_answered", 409, "该并单建议已有结论", "whether these two are one was answered already"),
    ("split_nothing", 422, "拆单须有内容", "a split needs parts, and a report that stays"),
    ("parts_open", 409, "拆出的工单未全部办结", "an order that was split off is still open"),
    # what is handed to another platform
    ("platform_unregistered", 422, "未登记的接收平台", "no platform of this name takes work over"),
    ("handover_open", 409, "已有待签收的转办", "a hand-over waits for its signature already"),
    ("handover_ended", 409, "该转办已签收或已退回", "this hand-over was signed or went back"),
    ("handover_unsigned", 409, "尚未签收", "nobody has signed it yet"),
    ("receipt_given", 409, "该回执已提交", "this receipt was given already"),
    # orders that become one, or several
    ("subject_unit", 409, "被反映单位不得主办、协办", "the unit complained about, or one that answers to it"),
    ("reason_missing", 422, "未联系上须说明原因", "say why the reporter was not reached"),
    ("report_unnamed", 422, "多个诉求人须逐一联系", "several people reported: say which one"),
    (
        "owner_missing",
        422,
        "办不成须指明疑难件负责人",
        "what cannot be done needs a person who answers for the hard case",
    ),
    ("photos_missing", 422, "缺少处置前后照片", "this class needs photos of the work"),
    ("photo_type", 415, "只接受 JPEG、PNG 或 WebP 图片", "send a JPEG, PNG or WebP picture"),
    ("photo_unreadable", 422, "图片无法读取", "the picture cannot be read"),
    ("photo_too_large", 413, "图片像素过多", "the picture has too many pixels"),
    ("attachments_too_many", 409, "附件过多", "the order has as many attachments as it may"),
    ("attachment_unknown", 422, "附件不存在或不属于该工单", "no such attachment of this order"),
    ("callback_missing", 409, "还有诉求人未回访", "a reporter was neither called, nor rated, nor tried often enough"),
    ("reopening_undecided", 409, "重办建议尚未决定", "somebody asked for reopening and nobody has decided"),
    ("nothing_proposed", 409, "没有待决定的重办建议", "nothing is proposed that could be dismissed"),
    ("code_wrong", 403, "编号或查询码不正确", "the number and the code do not belong together"),
    ("already_rated", 409, "已评价，更正期已过", "rated already, and too late to correct it"),
    ("rating_over", 409, "评价期已过", "the time to rate is over"),
    # what may be asked for and decided
    ("request_open", 409, "同类申请正在审批", "such a request waits for its decision already"),
    ("request_limit", 409, "已达申请次数上限", "no more of these may be granted on this order"),
    ("request_too_late", 409, "时限已过，不能再申请", "too late: asked for after the time it is about"),
    ("reason_unfit", 422, "理由与申请类型不符", "this reason does not go with this kind of request"),
    ("field_needed", 422, "缺少该类申请必填项", "this kind of request needs one more field"),
    ("until_unfit", 422, "申请期限不合规", "the date asked for lies in the past or too far ahead"),
    ("lead_only", 403, "仅主办单位可申请", "only the lead may ask for this"),
    ("arbitrated", 409, "已裁定，不得以同一理由再退", "arbitration has decided; not again for this cause"),
    ("own_tier", 403, "不得审批本级的申请", "nobody decides a request of his own unit or tier"),
    ("own_answer", 403, "不得认可本单位的答复", "nobody accepts the answer of his own unit"),
    # special cases
    ("case_taken", 409, "该工单已在另一专项中", "the order belongs to another special case that is open"),
    ("order_unlinkable", 409, "已并出、转出、作废或不受理的工单不能归入", "an order that went elsewhere is not linked"),
    ("linked_already", 409, "该工单已在本专项中", "the order belongs to this special case already"),
    ("not_linked", 409, "该工单不在本专项中", "the order does not belong to this special case"),
    ("commitments_open", 409, "承诺事项未全部了结", "a commitment is still open"),
    ("commitment_due", 422, "承诺期限不合规", "the due lies before the meeting, or too far ahead"),
    ("own_commitment", 403, "不得认可本单位的承诺", "nobody accepts what his own unit committed to"),
    ("meeting_corrected", 409, "该会商记录已被更正", "that meeting was corrected already; correct the newest record"),
    ("meeting_unknown", 422, "本专项没有该会商记录", "no such meeting of this special case"),
    (
        "unit_outside",
        403,
        "单位不在本中心辖区，须由上级中心办理",
        "not a unit of this centre; a centre above both may name it",
    ),
    ("meetings_too_many", 409, "会商记录过多", "the special case has as many meetings or commitments as it may"),
    # appeals against numbers
    ("item_unknown", 422, "该指标中没有此工单", "the order has no such item in this number"),
    ("appeal_open", 409, "已有待审或已采纳的申诉", "an appeal about this item waits, or was granted"),
    ("appeal_over", 409, "该申诉已有结论", "this appeal was decided already"),
    ("appeal_late", 409, "申诉期已过", "too late to appeal against a number of that day"),
    ("own_appeal", 403, "不得审核本单位的申诉", "nobody reviews an appeal of his own unit, or his own review"),
    # what a message may hold
    ("unreadable", 422, "消息不可读", "the message cannot be read"),
    ("schema", 422, "消息不符合模式", "the message does not fit its schema"),
    ("version", 422, "消息版本不受支持", "the message is of a version this build does not read"),
    ("failed", 500, "消息处理失败", "the message could be read but not handled"),
)

REFUSALS: dict[str, Refusal] = {row[0]: Refusal(*row) for row in _ROWS}
assert len(REFUSALS) == len(_ROWS), "a refusal code stands twice"


class Refused(Exception):
    """Raised wherever something is refused: `code` is a key of REFUSALS, `detail` says what exactly, `extra` are
    members added to the problem body."""

    def __init__(self, code: str, detail: str = "", **extra: object) -> None:
        self.refusal = REFUSALS[code]
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.extra = extra
