"""One unit 单位: what the director of a street office looks at."""

from grafana_foundation_sdk.models import dashboard as model

from deploy.monitoring.boards.asking import part, rate
from deploy.monitoring.boards.panels import DISPATCH, SUPERVISION, Ask, Look, number, rows, trend
from deploy.monitoring.boards.sheet import Sheet

_RATES = {
    "contact_in_time": "先行联系率 Contacted in time",
    "answer_in_time": "按时办结率 Answered in time",
    "solved": "实际解决率 Really solved",
    "satisfied": "满意率 Satisfied",
}


def unit() -> model.Dashboard:
    """The board of one unit."""
    sheet = Sheet(
        "paidan-unit", "单位 One unit", "本单位本月各项指标与全市对照 | a unit beside the city", variables=("unit",)
    )
    panels = []
    for kpi, title in _RATES.items():
        behind = f"{SUPERVISION}/v1/kpis?kpi={kpi}&group=unit&key=${{unit}}"
        look = Look(behind, "percentunit", 0.95, 0.85, 6, falls=True)
        ours = f"sum({part('numerator', kpi, 'unit', '$unit')}) / sum({part('denominator', kpi, 'unit', '$unit')})"
        panels.append(number(title, f"{ours} or vector(0)", look))
    sheet.row("本月 This month", *panels)
    beside = Look(f"{SUPERVISION}/v1/kpis?group=unit&key=${{unit}}", "percentunit", width=24, height=9)
    lines = [Ask(rate("answer_in_time", "unit", "$unit"), "{{key}}"), Ask(rate("answer_in_time", "city"), "全市 city")]
    queue = Look(f"{DISPATCH}/v1/me/queue", "none", width=24, height=10)
    columns = [Ask(rate(kpi, "unit", "$unit"), title.split()[0]) for kpi, title in _RATES.items()]
    columns.append(Ask(part("denominator", "answer_in_time", "unit", "$unit"), "分母 of"))
    sheet.row("对照 Beside the city", trend("按时办结率 Answered in time", lines, beside))
    sheet.row("明细 In detail", rows("各项指标 All numbers", columns, queue))
    return sheet.build()
