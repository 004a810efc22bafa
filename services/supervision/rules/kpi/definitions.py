"""Every number of the city as a row of data: what is counted, in which unit, over what, and whose formula it is.

`counted` says what one item is. The rule of the design holds: reports for the telephone and the counters (12345, 110,
one-stop service, other platforms), orders for what the city finds itself (patrol, sensors, lists); `case` follows that
rule by the source, `order` counts each problem once, `assignment` each unit's part. Numerators are stored in tenths, so
that a satisfaction of 0.8 adds up exactly. A definition's `bit` is its place in stored rows: never changed, never given
to another.
"""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from schemas.vocabulary import Satisfaction, Source


class Counted(StrEnum):
    """What one item of a number is."""

    CASE = "case"  # a report of a source that counts reports, else the order
    REPORT = "report"
    ORDER = "order"
    ASSIGNMENT = "assignment"  # 派遣单: one unit's part


class Kind(StrEnum):
    """What a number says."""

    RATE = "rate"  # numerator / denominator
    COUNT = "count"  # how many; numerator and denominator are the same
    DURATION = "duration"  # how long: average, p50, p90
    STOCK = "stock"  # how many there are at the end of a day


class Kpi(Struct, frozen=True, kw_only=True):
    """One number. `better` says which way is good; `league`: units are ranked by it."""

    kpi: str
    bit: int
    zh: str
    en: str
    kind: Kind
    counted: Counted
    numerator: str
    denominator: str
    day: str
    excluded: str = ""
    source: str
    better: Literal["more", "less", ""] = ""
    league: bool = False


REPORT_SOURCES = frozenset({Source.HOTLINE, Source.POLICE, Source.ONE_STOP, Source.PLATFORM})
FINDERS = frozenset({Source.PATROL, Source.SENSOR})  # who finds before anybody complains
TENTHS = {Satisfaction.SATISFIED: 10, Satisfaction.MOSTLY: 8, Satisfaction.FAIR: 6, Satisfaction.DISSATISFIED: 0}
# Upper bounds in seconds of what durations are sorted into; the last is open. About a factor of 1.6 apart.
BUCKETS = (
    60, 120, 180, 300, 480, 780, 1200, 1800, 2700, 3600, 5400, 9000, 14400, 21600, 36000, 57600, 86400,
    129600, 172800, 259200, 345600, 432000, 604800, 864000, 1296000, 1814400, 2592000, 5184000,
)  # fmt: skip
_NEVER = "imported past, canaries, orders entered in error (void)"
_MERGED = _NEVER + ", orders merged into another"

KPIS: tuple[Kpi, ...] = (
    Kpi(
        kpi="accept_in_time", bit=0, zh="接单及时率", en="Accepted in time", kind=Kind.RATE, counted=Counted.ASSIGNMENT,
        numerator="parts accepted by their `accept` deadline", denominator="parts accepted, or past that deadline",
        day="of the acceptance, of the deadline where that came first",
        excluded=_NEVER + "; parts withdrawn or returned in time; parts taken up again for rework",
        source="CITYGRID dispatch sub-records (接单及时); 榆林 及时接收率", better="more", league=True,
    ),
    Kpi(
        kpi="first_dispatch", bit=1, zh="首派准确率", en="Right at the first dispatch", kind=Kind.RATE,
        counted=Counted.ORDER, numerator="orders whose first lead finished its part",
        denominator="those, and orders whose first lead's return was granted or left undecided",
        day="of the finishing; of the decision on the return",
        excluded=_MERGED + "; orders whose first lead was withdrawn by hand: no verdict; counted for the centre",
        source="1 − returns granted ÷ dispatched (domain note F4)", better="more", league=True,
    ),
    Kpi(
        kpi="returned", bit=2, zh="退单率", en="Returned", kind=Kind.RATE, counted=Counted.ASSIGNMENT,
        numerator="parts given back, with the centre's grant or because nobody could say whose they are",
        denominator="those, and parts finished", day="of the decision; of the finishing",
        excluded=_NEVER + "; parts withdrawn by the centre (收单)", source="榆林 回退率; CITYGRID DeptBackCheck",
        better="less", league=True,
    ),
    Kpi(
        kpi="contact_in_time", bit=3, zh="先行联系率", en="Contacted in time", kind=Kind.RATE, counted=Counted.REPORT,
        numerator="reporters reached by their `contact` deadline", denominator="those, and reporters who were not",
        day="of the contact, of the deadline where that came first",
        excluded=_NEVER + "; reporters who left no way to reach them (未评价); reports whose order ended before",
        source="青浦赵巷: 是 ÷ (是 + 否), 未评价 left out; 夏阳 2022: within one working day", better="more",
        league=True,
    ),
    Kpi(
        kpi="answer_in_time", bit=4, zh="按时办结率", en="Answered in time", kind=Kind.RATE, counted=Counted.CASE,
        numerator="cases answered by the promised deadline (`total`)", denominator="those, and cases past it",
        day="of the approved answer, of the deadline where that came first",
        excluded=_NEVER + "; cases that left unanswered in time: rejected, passed on, moved to another order",
        source="12345 assessment: 按时办结; 榆林 按时办结率", better="more", league=True,
    ),
    Kpi(
        kpi="handle_in_time", bit=5, zh="按期处置率", en="Handled in time", kind=Kind.RATE, counted=Counted.ASSIGNMENT,
        numerator="parts finished by their `handle` deadline", denominator="those, and parts past it",
        day="of the finishing, of the deadline where that came first",
        excluded=_NEVER + "; parts withdrawn or returned in time", source="GB/T 30428 (CJ/T 292) 按期处置率",
        better="more", league=True,
    ),
    Kpi(
        kpi="close_in_time", bit=6, zh="按期结案率", en="Closed in time", kind=Kind.RATE, counted=Counted.ORDER,
        numerator="orders closed with no promise missed", denominator="orders closed, or with a promise missed",
        day="of the closing, of the first deadline missed where that came first",
        excluded=_MERGED + "; rejected or passed on in time; a round that a reopening began counts for itself",
        source="CITYGRID 及时结案 = STATUS 9 and ALLLIGHT not red; status 10 is dropped", better="more", league=True,
    ),
    Kpi(
        kpi="solved", bit=7, zh="实际解决率", en="Really solved", kind=Kind.RATE, counted=Counted.CASE,
        numerator="cases closed as solved (实际解决)", denominator="those, and cases closed as explained (解释说明)",
        day="of the closing", excluded=_MERGED + "; not possible (办不成), which the formula does not know",
        source="青浦赵巷: 实际解决 ÷ (实际解决 + 解释说明)", better="more", league=True,
    ),
    Kpi(
        kpi="solved_said", bit=8, zh="回访解决率", en="Solved, says the reporter", kind=Kind.RATE,
        counted=Counted.REPORT,
        numerator="reporters who say it is solved", denominator="reporters who said whether it is solved",
        day="of their first word in the round; a later word takes its place",
        excluded=_NEVER + "; calls before the answer and the handler's own; 未评价",
        source="北京接诉即办 三率: 解决 ÷ 回访", better="more",
    ),
    Kpi(
        kpi="satisfied", bit=9, zh="满意率", en="Satisfied", kind=Kind.RATE, counted=Counted.REPORT,
        numerator="sum of 满意 1, 基本满意 0.8, 一般 0.6, 不满意 0",
        denominator="reporters who said how satisfied they are",
        day="of their first word in the round; a later word takes its place",
        excluded=_NEVER + "; calls before the answer and the handler's own; 未评价",
        source="青浦赵巷: Σ weights ÷ n", better="more", league=True,
    ),
    Kpi(
        kpi="rework", bit=10, zh="返工率", en="Rework", kind=Kind.RATE, counted=Counted.ORDER,
        numerator="checks that failed", denominator="checks of a result (核查)", day="of the check",
        excluded=_NEVER, source="cityguard: not_pass → rework_count + 1", better="less", league=True,
    ),
    Kpi(
        kpi="reopened", bit=11, zh="重办率", en="Handled again", kind=Kind.RATE, counted=Counted.ORDER,
        numerator="closings of a round that a reopening began", denominator="closings", day="of the closing",
        excluded=_MERGED, source="榆林 重办率", better="less",
    ),
    Kpi(
        kpi="repeat", bit=12, zh="重复率", en="Repeats", kind=Kind.RATE, counted=Counted.REPORT,
        numerator="reports marked as a repeat of the same person's earlier one (重复件)",
        denominator="reports received",
        day="of the receipt", excluded=_NEVER, source="12345 export: 是否重复, 重复工单号", better="less",
    ),
    Kpi(
        kpi="merged", bit=13, zh="并单率", en="Joined an order that was there", kind=Kind.RATE, counted=Counted.REPORT,
        numerator="reports that hang on an order which another report opened", denominator="reports received",
        day="of the receipt", excluded=_NEVER, source="design §9: merge ratio",
    ),
    Kpi(
        kpi="found_first", bit=14, zh="先行发现率", en="Found before anybody complained", kind=Kind.RATE,
        counted=Counted.ORDER, numerator="orders whose earliest report is a patrol's or a sensor's",
        denominator="orders opened", day="of the opening",
        excluded=_MERGED + "; rows of lists, which nobody found; parts of a split",
        source="盈浦 先行发现率; derived reading: found by inspectors or sensors ÷ all", better="more",
    ),
    Kpi(
        kpi="recurred", bit=15, zh="复发率", en="Came up again", kind=Kind.RATE, counted=Counted.ORDER,
        numerator="orders opened as successor of a closed one", denominator="orders opened", day="of the opening",
        excluded=_MERGED, source="design §9: recurring", better="less",
    ),
    Kpi(
        kpi="no_match", bit=16, zh="待研判率", en="Needed a person to decide whose it is", kind=Kind.RATE,
        counted=Counted.ORDER, numerator="orders opened in triage", denominator="orders opened", day="of the opening",
        excluded=_MERGED, source="design §9: no-match rate", better="less",
    ),
    Kpi(
        kpi="ping_pong", bit=17, zh="拉锯率", en="Sent to and fro", kind=Kind.RATE, counted=Counted.ORDER,
        numerator="orders closed that were a ping-pong", denominator="orders closed", day="of the closing",
        excluded=_MERGED, source="design §9: ping-pong; [returns] ping_pong_from of the policy", better="less",
    ),
    Kpi(
        kpi="urged", bit=18, zh="催办数", en="Urged", kind=Kind.COUNT, counted=Counted.ORDER,
        numerator="orders urged that day", denominator="the same", day="of the urge", excluded=_NEVER,
        source="cityguard 催办", better="less",
    ),
    Kpi(
        kpi="supervised_1", bit=19, zh="督办数（一级）", en="Supervised, level 1", kind=Kind.COUNT,
        counted=Counted.ORDER,
        numerator="orders supervised at level 1 that day", denominator="the same", day="of the supervision",
        excluded=_NEVER, source="cityguard 督办 with level; domain note F4", better="less",
    ),
    Kpi(
        kpi="supervised_2", bit=20, zh="督办数（二级）", en="Supervised, level 2", kind=Kind.COUNT,
        counted=Counted.ORDER,
        numerator="orders supervised at level 2 that day", denominator="the same", day="of the supervision",
        excluded=_NEVER, source="cityguard 督办 with level; domain note F4", better="less",
    ),
    Kpi(
        kpi="supervised_3", bit=21, zh="督办数（三级及以上）", en="Supervised, level 3 and above", kind=Kind.COUNT,
        counted=Counted.ORDER, numerator="orders supervised at level 3 or above that day", denominator="the same",
        day="of the supervision", excluded=_NEVER, source="cityguard 督办 with level; domain note F4", better="less",
    ),
    Kpi(
        kpi="time_to_accept", bit=22, zh="接单时长", en="Time to accept", kind=Kind.DURATION,
        counted=Counted.ASSIGNMENT,
        numerator="seconds from offer to acceptance", denominator="parts accepted", day="of the acceptance",
        excluded=_NEVER + "; parts taken up again for rework", source="design §9", better="less",
    ),
    Kpi(
        kpi="time_to_contact", bit=23, zh="联系时长", en="Time to contact", kind=Kind.DURATION, counted=Counted.REPORT,
        numerator="seconds from the start of the `contact` clock to the first contact",
        denominator="reporters reached", day="of the contact", excluded=_NEVER, source="design §9", better="less",
    ),
    Kpi(
        kpi="time_to_handle", bit=24, zh="处置时长", en="Time to handle", kind=Kind.DURATION,
        counted=Counted.ASSIGNMENT,
        numerator="seconds from offer to finishing", denominator="parts finished", day="of the finishing",
        excluded=_NEVER, source="domain note F4: 平均处置时长", better="less",
    ),
    Kpi(
        kpi="overdue_open", bit=25, zh="超期未结数", en="Open past their promise", kind=Kind.STOCK,
        counted=Counted.ORDER,
        numerator="open orders with a `total` missed", denominator="the same",
        day="each: as it stood when the day was frozen; today: as it stands", excluded=_NEVER,
        source="design §9; domain note F4: 超期未结数", better="less",
    ),
)  # fmt: skip
BY_ID = {kpi.kpi: kpi for kpi in KPIS}
