"""One noun per thing. The same word in code, tables, topics, API and metrics; people see Chinese and English.

Each member's comment says what it means or how a state is entered and left. Values are stored and published: a value
is never renamed, only added.
"""

from enum import StrEnum


class Source(StrEnum):
    """Where a report came from."""

    HOTLINE = "hotline"  # 12345 ticket taken by an agent, an app or a mini-programme
    POLICE = "police"  # 110 call that is not the police's own
    PATROL = "patrol"  # finding of an inspector
    ONE_STOP = "one_stop"  # 一网通办: what an applicant says about a government service (办事)
    PLATFORM = "platform"  # matter that another city's platform handed to us, under its own number
    SENSOR = "sensor"  # alarm that the router raised out of readings
    TASK = "task"  # row of a list that a centre pushed down to its units; made by dispatch alone
    CANARY = "canary"  # 自检: the system's own, once a minute; opens no order and counts in no number


# Platforms that number all reports of a source; what any other platform hands over is of source `platform`.
SOURCE_OF_PLATFORM = {"110": Source.POLICE, "12345": Source.HOTLINE, "one_stop": Source.ONE_STOP}


class TicketType(StrEnum):
    """What the citizen wants (业务类型); decides the promise."""

    CONSULTATION = "consultation"  # 咨询
    HELP = "help"  # 求助
    COMPLAINT = "complaint"  # 投诉
    INFORMANT = "informant"  # 举报, confidential by default
    SUGGESTION = "suggestion"  # 建议
    PRAISE = "praise"  # 表扬
    FINDING = "finding"  # 巡查发现, alarms included


class Attribute(StrEnum):
    """What a row of the duty rulebook may ask of a report beside class, place, source, type, subject and time."""

    DEVICE = "device"  # kind of the device that it names or that raised it
    POLICE = "police"  # its 110 class, as the city's list codes it
    PLATFORM = "platform"  # the platform that handed it over
    CONFIDENTIAL = "confidential"  # whether the reporter asked not to be named: yes, no
    ABOUT = "about"  # whom it is about: unit (one of the city's), other, nobody
    STARS = "stars"  # how the applicant rates the service (好差评): 1 to 5
    PLACE = "place"  # how deep the place is known: a tier


class Tier(StrEnum):
    """Level of the organisation (层级), from the whole city downwards."""

    CITY = "city"
    DISTRICT = "district"
    STREET = "street"
    SUB_AREA = "sub_area"
    COMMITTEE = "committee"


class Role(StrEnum):
    """What a signed-in principal may do; a unit limits where."""

    AGENT = "agent"
    GATEWAY = "gateway"
    IMPORT = "import"
    DISPATCHER = "dispatcher"
    RESPONDER = "responder"
    INSPECTOR = "inspector"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    CITIZEN = "citizen"
    SERVICE = "service"  # another service of this installation: it may ask for facts, and do nothing to orders


class Urgency(StrEnum):
    """How fast an order must move."""

    NORMAL = "normal"  # 一般
    URGENT = "urgent"  # 紧急
    CRITICAL = "critical"  # 非常紧急: life or limb


GRAVITY = {urgency: weight for weight, urgency in enumerate(Urgency)}  # the graver, the higher


class Lane(StrEnum):
    """Two lanes from end to end: what may threaten life or limb never queues behind the rest."""

    URGENT = "urgent"
    NORMAL = "normal"


class OrderStatus(StrEnum):
    """Status of a work order (工单)."""

    TRIAGE = "triage"  # 待研判: entered when no unit is sure enough; left by `route`
    DISPATCHED = "dispatched"  # 待接单: units are told; left when the lead accepts
    HANDLING = "handling"  # 处置中: the lead works; left when the lead finishes
    VERIFYING = "verifying"  # 待核查: somebody else checks the result
    CALLBACK = "callback"  # 待回访: the centre calls the reporters
    CLOSED = "closed"  # 已结案: left only by `reopen`
    PARKED = "parked"  # 挂账: conditions to solve it are not there yet; listed until solved
    REJECTED = "rejected"  # 不受理
    TRANSFERRED = "transferred"  # 已转出 to another platform
    MERGED = "merged"  # 已并单 into another order
    VOID = "void"  # 已作废: entered in error


class AssignmentStatus(StrEnum):
    """Status of one unit's part of an order (派遣单)."""

    OFFERED = "offered"  # 待接单
    ACCEPTED = "accepted"  # 处置中
    RETURN_REQUESTED = "return_requested"  # 退单审核
    DONE = "done"  # 待确认
    CONFIRMED = "confirmed"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class AssignmentRole(StrEnum):
    """A unit's part in an order: one lead (主办), any number of assists (协办)."""

    LEAD = "lead"
    ASSIST = "assist"


class HandoverMode(StrEnum):
    """What another platform is asked for."""

    TRANSFER = "transfer"  # 转出: it takes the order
    HELP = "help"  # 请求到场: it comes along, the order stays


class HandoverState(StrEnum):
    """State of a hand-over to another platform."""

    OFFERED = "offered"  # 待签收: the sender keeps the order
    SIGNED = "signed"  # 已签收 by a named person there
    RETURNED = "returned"  # 已退回: declined, unsigned in time, or taken back


class HandoverEnd(StrEnum):
    """Why a hand-over went back to its sender."""

    DECLINED = "declined"  # 不接收: undecided, it stays with who received it first (首接负责)
    UNSIGNED = "unsigned"  # 超时未签收
    RECALLED = "recalled"  # the sender took it back


class HandoverStep(StrEnum):
    """What a platform tells the one that handed work over to it."""

    SIGNED = "signed"  # 已签收
    ARRIVED = "arrived"  # 已到场
    RESULT = "result"  # 已办结
    CLOSED = "closed"  # 已结案; said by this system alone


class Stage(StrEnum):
    """What a clock measures; `total` is the promise to the citizen, the rest belong to whoever holds the stage."""

    TRIAGE = "triage"
    DISPATCH = "dispatch"
    ACCEPT = "accept"
    CONTACT = "contact"
    ARRIVE = "arrive"
    HANDLE = "handle"
    VERIFY = "verify"
    CALLBACK = "callback"
    DECIDE = "decide"
    SIGN = "sign"
    ANSWER = "answer"
    COMMITMENT = "commitment"
    TOTAL = "total"


class LimitUnit(StrEnum):
    """Unit of a time limit. Sources: GB/T 30428.8 time kinds (紧急工作时, 工作时, 工作日) and common practice."""

    MINUTE = "minute"  # continuous
    URGENT_HOUR = "urgent_hour"  # 紧急工作时: continuous, nights and holidays included
    WORK_HOUR = "work_hour"  # 工作时: only inside working hours
    WORK_DAY = "work_day"  # 工作日: due at the end of the Nth working day after the start day
    NATURAL_DAY = "natural_day"  # 自然日
    BUSINESS_RULE = "business_rule"  # shift the start into working time, then N working days at the same time of day


class ClockState(StrEnum):
    """State of a clock."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    MISSED = "missed"
    CANCELLED = "cancelled"


class Light(StrEnum):
    """What a supervisor sees: green in time, yellow past the warning, red overdue."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class ClassKind(StrEnum):
    """部件 (a thing that broke), 事项 (something that happens) or a plain service matter; part of a class's key."""

    PART = "part"
    EVENT = "event"
    SERVICE = "service"


class Verification(StrEnum):
    """Which check is due before an order closes."""

    NONE = "none"
    SITE = "site"  # an inspector looks
    SENSOR = "sensor"  # the sensor is back to normal
    CALL = "call"  # the centre calls


class Photos(StrEnum):
    """Which pictures a unit must show with a matter it solved."""

    NONE = "none"
    AFTER = "after"
    BOTH = "both"  # before and after


class PhotoKind(StrEnum):
    """What a photo of an order shows."""

    BEFORE = "before"
    AFTER = "after"
    EVIDENCE = "evidence"  # kept as it was sent, with the place and time that the telephone wrote into it


class Result(StrEnum):
    """What a finished assignment says it did; closed is kept apart from solved."""

    SOLVED = "solved"  # 实际解决
    EXPLAINED = "explained"  # 解释说明
    NOT_POSSIBLE = "not_possible"  # 办不成


class CaseState(StrEnum):
    """State of a special case (专项, 类案)."""

    OPEN = "open"  # 办理中: left by `close`, which no open commitment lets pass
    CLOSED = "closed"  # 已办结, for good: what comes up again is a case of its own


class CommitmentState(StrEnum):
    """State of what a unit committed to in a meeting. That its deadline was missed is said beside it, for ever."""

    OPEN = "open"  # 待履行: left when its unit answers
    ANSWERED = "answered"  # 待认可: left by the centre's word
    KEPT = "kept"  # 已履行: accepted by the centre, never by the unit itself
    WITHDRAWN = "withdrawn"  # 已撤回 by the centre


class MeetingOutcome(StrEnum):
    """What a meeting (会商) about a special case came to."""

    AGREED = "agreed"  # 议定措施: units committed to something, or will
    SOLVED = "solved"  # 实际解决
    EXPLAINED = "explained"  # 解释说明: a legitimate activity, explained; not the same as solved
    NOT_POSSIBLE = "not_possible"  # 办不成
    ADJOURNED = "adjourned"  # 择期再议


class DeadlineNotice(StrEnum):
    """What supervision says of a deadline."""

    WARNED = "warned"
    MISSED = "missed"
    WITHDRAWN = "withdrawn"  # not missed after all


class RungKind(StrEnum):
    """What a rung of the ladder does."""

    URGE = "urge"  # 催办: a reminder, nobody answers it
    SUPERVISE = "supervise"  # 督办: somebody must answer, and somebody else accepts the answer


class Party(StrEnum):
    """Whom a rung reaches, by how he stands to the clock."""

    OWNER = "owner"  # the unit whose clock it is
    LEAD = "lead"  # 主办
    DISPATCHING_CENTRE = "dispatching_centre"  # 派遣中心
    CENTRE_ABOVE = "centre_above"  # 上一级中心: over the dispatching one
    DISTRICT = "district"  # 区中心: the district's centre over the unit
    CITY = "city"  # 市中心
    DUTY_PHONE = "duty_phone"  # 值班电话: who is on for the unit
    DUTY_LEADER = "duty_leader"  # 带班领导: who is on for the unit above it


class SupervisionKind(StrEnum):
    """Why a matter is supervised."""

    TIMEOUT = "timeout"  # 超时督办: by the ladder
    LEADER = "leader"  # 领导督办: by hand
    IMPORTANT = "important"  # 重要案件督办: by hand


class SupervisionState(StrEnum):
    """State of a supervision (督办单)."""

    OPEN = "open"  # 待答复: left by the answer of the unit that must give one
    ANSWERED = "answered"  # 待认可: left by the word of the unit that supervises
    ACCEPTED = "accepted"  # 已认可
    CLEARED = "cleared"  # 已解除: its cause is gone


class FindingKind(StrEnum):
    """What a detector of supervision finds (异常发现): a reason to look, never a verdict."""

    PING_PONG = "ping_pong"  # 退单拉锯: returned too often, or back with a unit that had returned it
    RECURRENCE = "recurrence"  # 同地同类反复: the same class at the same place, again and again
    NEVER_CONTACTED = "never_contacted"  # 未联系即结案: closed, and nobody ever reached the reporter
    NO_VISIT = "no_visit"  # 未到场即办结: solved on the spot, says the unit, and nobody was there
    TOO_FAST = "too_fast"  # 办结过快: finished faster than anybody can get there
    PARKED_LONG = "parked_long"  # 挂账过久
    UNIT_SILENT = "unit_silent"  # 单位失声: offers lie past their deadline, and the unit says nothing
    OVERLOOKED = "overlooked"  # 沉没的少数: few voices, and long unsolved


class RequestKind(StrEnum):
    """What a unit may ask of the centre that dispatched to it. One model, one inbox, one way to decide."""

    RETURN = "return"  # 退单: not ours
    EXTENSION = "extension"  # 延期: ours, later
    DEFERRAL = "deferral"  # 缓办: not before a date; once, and only by the lead
    PARKING = "parking"  # 挂账: the conditions to solve it are not there; listed until solved
    CLASS_CORRECTION = "class_correction"  # 类别更正
    EXPLANATION = "explanation"  # 解释说明: close without solving


class RequestState(StrEnum):
    """State of a request. It is never granted or refused by silence."""

    OPEN = "open"  # 待审批: left by the decision of the deciding centre
    GRANTED = "granted"  # 同意
    REFUSED = "refused"  # 不同意: as if nothing had been asked
    UNDECIDED = "undecided"  # 权属未定: nobody up to the last centre said whose it is; the street of the place takes it
    LAPSED = "lapsed"  # 失效: what it was about ended first


class ProposalState(StrEnum):
    """What became of the question whether two orders are one matter."""

    OPEN = "open"  # 待判定
    ACCEPTED = "accepted"  # 并单; taken apart again by un-merging
    REFUSED = "refused"  # 不是同一事项: never asked again about these two


class RequestReason(StrEnum):
    """Why a unit asks; which go with which kind is a rule of dispatch."""

    NOT_OUR_DUTY = "not_our_duty"  # 非本单位职责
    NOT_OUR_AREA = "not_our_area"  # 非本辖区
    WRONG_CLASS = "wrong_class"  # 类别有误
    DUPLICATE = "duplicate"  # 重复件
    NOT_ENOUGH_INFORMATION = "not_enough_information"  # 信息不足，无法办理
    OWNER_UNCLEAR = "owner_unclear"  # 权属不清
    COMPLEX = "complex"  # 疑难复杂
    PROCEDURE = "procedure"  # 执法、审批程序需要时间
    WEATHER = "weather"  # 天气、季节
    MATERIALS = "materials"  # 备件、施工条件
    NO_ACCESS = "no_access"  # 无法入户、联系不上
    FUNDING = "funding"  # 资金未到位
    POLICY = "policy"  # 政策、规划未定
    NO_LEGAL_GROUND = "no_legal_ground"  # 于法无据
    NOT_TRUE = "not_true"  # 与事实不符
    BEYOND_POWER = "beyond_power"  # 客观条件不具备
    ASKER_WITHDREW = "asker_withdrew"  # 诉求人撤回


class Satisfaction(StrEnum):
    """The citizen's word at the call-back (满意 1, 基本满意 0.8, 一般 0.6, 不满意 0)."""

    SATISFIED = "satisfied"
    MOSTLY = "mostly"
    FAIR = "fair"
    DISSATISFIED = "dissatisfied"


class Unreached(StrEnum):
    """Why a reporter was not reached (未联系原因)."""

    NO_ANSWER = "no_answer"  # 无人接听
    REFUSED = "refused"  # 拒接
    WRONG_NUMBER = "wrong_number"  # 号码有误
    NO_NUMBER = "no_number"  # 未留联系方式
    OTHER = "other"


class CallKind(StrEnum):
    """What a call to a reporter is good for."""

    CENTRE = "centre"  # 回访: after the answer, by one who did not handle it; the only one that scores
    BEFORE_ANSWER = "before_answer"  # 预警: a bad word only warns
    HANDLER = "handler"  # the handler's own call after the answer: kept, never scored


class Crs(StrEnum):
    """Coordinate reference a sender declares."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    CGCS2000 = "cgcs2000"  # equal to WGS-84 within a metre: taken as it is


class ReportState(StrEnum):
    """Where a report got to, as `GET /v1/reports/{id}` tells it."""

    ACCEPTED = "accepted"
    SPOOLED = "spooled"
    ANSWERED = "answered"
    TRIAGE = "triage"
    OPENED = "opened"
    LINKED = "linked"
    TRANSFERRED = "transferred"
    REJECTED = "rejected"
    CLOSED = "closed"
