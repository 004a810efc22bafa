"""First minute 第一分钟: what whoever takes over the shift must know before anything else."""

from grafana_foundation_sdk.models import dashboard as model

from deploy.monitoring.boards.asking import count, due, oldest, placed, undecided, waiting, waits
from deploy.monitoring.boards.panels import (
    DISPATCH,
    ROUTER,
    RUNBOOKS,
    SUPERVISION,
    Ask,
    Look,
    city_map,
    number,
    rows,
    trend,
)
from deploy.monitoring.boards.sheet import Sheet

_DANGERS = f"{DISPATCH}/v1/orders?urgency=critical&urgency=urgent&status=dispatched"
_LAST_WEEK = (
    "paidan:reports_accepted:increase1h / (paidan:reports_accepted:increase1h offset 1w > 0)"
    " or 0 * paidan:reports_accepted:increase1h + 1"
)


def first_minute() -> model.Dashboard:
    """The board of the duty officer."""
    sheet = Sheet(
        "paidan-first-minute", "第一分钟 First minute", "接班先看 | what nobody may overlook", variables=("district",)
    )
    danger = Look(
        _DANGERS,
        red=1,
        width=4,
        about="紧急、特急且无人接单；值班电话见名单 | urgent and not accepted; phones in the list",
    )
    since = Look(_DANGERS, "s", yellow=300, red=600, width=4)
    phone = Look(
        f"{DISPATCH}/v1/duty/gaps", red=1, width=4, about="有值班表而此刻无人 | a roster, and nobody on it now"
    )
    triage = Look(f"{DISPATCH}/v1/triage", yellow=20, red=100, width=4)
    asked = Look(f"{DISPATCH}/v1/requests", yellow=20, red=100, width=4)
    bad = Look(f"{DISPATCH}/v1/orders?proposed=reopen", yellow=1, red=20, width=4)
    sheet.row(
        "先看 First",
        number("紧急未接单 Danger, not accepted", waits("danger"), danger),
        number("其中最老 The oldest of them", oldest("danger"), since),
        number("空班 Nobody on duty", "max(paidan_duty_empty)", phone),
        number("待研判 To be triaged", waits("triage"), triage),
        number(
            "待决定 Requests to decide",
            undecided(),
            asked,
        ),
        number("不满意待定 Bad words to decide", waits("reopening"), bad),
    )
    silent = Look(
        f"{RUNBOOKS}/source-silent.md", "s", yellow=1800, red=3600, width=8, about="无声不等于无事 | silent is not calm"
    )
    week = Look(
        f"{DISPATCH}/v1/orders",
        "percentunit",
        yellow=1.5,
        red=3,
        width=8,
        about="近一小时来件与上周同时段之比 | the last hour against the same hour last week",
    )
    grave = Look(
        f"{DISPATCH}/v1/orders?urgency=critical",
        width=8,
        about="安全词命中与报警 | danger words and alarms in the last hour",
    )
    alarms = 'sum by (kind) (increase(paidan_alarms_total{event="raised"}[1h]))'
    sheet.row(
        "来件 Intake",
        number("距上一件 Since the last message", "paidan:source_silent_seconds", silent, "{{source}}"),
        number("与上周同时段 Against last week", _LAST_WEEK, week, "{{source}}"),
        number("报警 Alarms in an hour", f"{alarms} or vector(0)", grave, "{{kind}}"),
    )
    soon = Look(
        f"{SUPERVISION}/v1/due?within=2h", yellow=20, red=100, width=6, about="两小时内到期 | due within two hours"
    )
    never = Look(
        f"{SUPERVISION}/v1/due?within=2h&stage=contact",
        yellow=1,
        red=20,
        width=6,
        about="两小时内到期且从未联系 | due and never contacted",
    )
    late = Look(f"{SUPERVISION}/v1/kpis?kpi=overdue_open", yellow=1, red=50, width=6)
    upper = Look(f"{DISPATCH}/v1/supervisions", yellow=1, red=10, width=6)
    soonest = f"sum({due('2h')}) or vector(0)"
    contact = f"sum({due('2h', 'contact')}) or vector(0)"
    sheet.row(
        "时限 Deadlines",
        number("两小时内到期 Due in two hours", soonest, soon),
        number("其中未联系 Never contacted", contact, never),
        number("超期未结 Open and overdue", f"{count('overdue_open', 'city', period='today')} or vector(0)", late),
        number("今日三级督办 Level 3 today", f"{count('supervised_3', 'city', period='today')} or vector(0)", upper),
    )
    known = Look(
        f"{RUNBOOKS}/tick-held.md", "s", yellow=60, red=300, width=6, about="数据截至多久以前 | how old the newest is"
    )
    storm = Look(
        f"{ROUTER}/v1/rulebook", width=6, red=1, about="节假日名单缺失次数 | deadlines in a year without a list"
    )
    hour = Look(f"{DISPATCH}/v1/orders", "short", width=12)
    where = Look(_DANGERS, width=12, height=10)
    table = Look(f"{DISPATCH}/v1/orders?status=dispatched", width=12, height=10)
    open_by = placed(waiting("danger|triage|reopening"))
    sheet.row(
        "全局 The whole city",
        number("数据截至 Data as of", "max(paidan_tick_age_seconds)", known),
        number(
            "无名单年份 Years without a list", "sum(increase(paidan_calendar_unlisted_total[1d])) or vector(0)", storm
        ),
        trend("每小时来件 Reports an hour", [Ask("paidan:reports_accepted:increase1h", "{{source}}")], hour),
        city_map("等待处理 Waiting", Ask(open_by, "waiting"), where),
        rows(
            "各区 By district",
            [
                Ask(
                    placed(waiting("danger")),
                    "紧急 danger",
                ),
                Ask(
                    placed(waiting("triage")),
                    "研判 triage",
                ),
                Ask(
                    placed(due("2h")),
                    "将到期 due",
                ),
            ],
            table,
        ),
    )
    return sheet.build()
