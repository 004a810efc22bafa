"""SLA supervision 时限督办: which promises are kept, by whom, and what falls due."""

from grafana_foundation_sdk.models import dashboard as model

from deploy.monitoring.boards.asking import PLACES, count, due, part, rate, seconds
from deploy.monitoring.boards.panels import DISPATCH, SUPERVISION, Ask, Look, bars, number, rows, trend
from deploy.monitoring.boards.sheet import Sheet

_RATES = {
    "accept_in_time": "接单及时率 Accepted in time",
    "contact_in_time": "先行联系率 Contacted in time",
    "answer_in_time": "按时办结率 Answered in time",
    "handle_in_time": "按期处置率 Handled in time",
    "solved": "实际解决率 Really solved",
    "satisfied": "满意率 Satisfied",
}
_TIMES = {"time_to_accept": "接单 accept", "time_to_contact": "联系 contact", "time_to_handle": "处置 handle"}


def sla() -> model.Dashboard:
    """The board of supervisors."""
    sheet = Sheet(
        "paidan-sla",
        "时限督办 SLA supervision",
        "兑现、超时、督办、排名 | promises kept and broken, the ladder, the league",
        variables=("district", "tier", "source", "major"),
    )
    panels = []
    for kpi, title in _RATES.items():
        look = Look(f"{SUPERVISION}/v1/kpis?kpi={kpi}&period=month", "percentunit", 0.95, 0.85, 4, falls=True)
        panels.append(number(title, rate(kpi, "city"), look))
    sheet.row("本月 This month", *panels)
    missed = Look(f"{SUPERVISION}/v1/breaches", width=12, about="近一天的超时，按时限种类 | missed in a day, by stage")
    burn = Look(
        f"{SUPERVISION}/v1/due?within=24h",
        width=12,
        about="24 小时内到期，随办结而下降 | due within a day: it burns down",
    )
    sheet.row(
        "超时与到期 Missed and due",
        bars(
            "超时 Missed in a day",
            Ask('sum by (stage) (increase(paidan_notices_total{notice="missed"}[1d])) or vector(0)', "{{stage}}"),
            missed,
        ),
        trend(
            "今日到期 Falls due within a day",
            [Ask(f"sum by (stage) ({due('24h')}) or vector(0)", "{{stage}}")],
            burn,
        ),
    )
    took = Look(f"{SUPERVISION}/v1/kpis?kpi=time_to_handle", "s", width=12)
    ladder = Look(f"{DISPATCH}/v1/supervisions", width=12)
    rungs = {"urged": "催办 urged", "supervised_1": "一级 L1", "supervised_2": "二级 L2", "supervised_3": "三级 L3"}
    sheet.row(
        "时长与督办 Times and ladder",
        trend(
            "时长 p50 p90 Times",
            [
                Ask(seconds(kpi, quantile, "city"), f"{name} p{quantile[2:]}0")
                for kpi, name in _TIMES.items()
                for quantile in ("0.5", "0.9")
            ],
            took,
        ),
        trend("督办 Ladder, this month", [Ask(count(kpi, "city"), name) for kpi, name in rungs.items()], ladder),
    )
    groups = {"district": "$district", "tier": "$tier", "source": "$source", "major": "$major"}
    spread = []
    for group, chosen in groups.items():
        look = Look(
            f"{SUPERVISION}/v1/kpis?kpi=answer_in_time&group={group}", "percentunit", 0.95, 0.85, 6, 9, falls=True
        )
        ask = Ask(rate("answer_in_time", group, chosen), "{{key}}")
        spread.append(bars(f"按时办结 In time, by {group}", ask, look))
    sheet.row("分布 Where", *spread)
    league = Look(f"{SUPERVISION}/v1/kpis?group=district&period=month", "none", width=24, height=12)
    columns = [
        Ask(f"({rate(kpi, 'district', '$district')}) {PLACES}", title.split()[0]) for kpi, title in _RATES.items()
    ]
    columns.append(Ask(f"({part('denominator', 'answer_in_time', 'district', '$district')}) {PLACES}", "分母 of"))
    sheet.row("排名 League", rows("各区本月 Districts, this month", columns, league))
    return sheet.build()
