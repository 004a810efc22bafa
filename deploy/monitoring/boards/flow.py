"""Flow 流水: is everything that comes in brought to its end, and how fast."""

from grafana_foundation_sdk.models import dashboard as model

from deploy.monitoring.boards.panels import DISPATCH, RUNBOOKS, Ask, Look, bars, number, trend
from deploy.monitoring.boards.sheet import Sheet

_WIDE = 12


def flow() -> model.Dashboard:
    """The board of whoever keeps the system running."""
    sheet = Sheet("paidan-flow", "流水 Flow", "来件、积压、时延、死信、投递 | what comes in, what waits, what failed")
    down = Look(f"{RUNBOOKS}/process-down.md", red=1, width=4, about="没有应答的进程 | processes that do not answer")
    behind = Look(f"{RUNBOOKS}/consumer-behind.md", yellow=500, red=5000, width=4)
    dead = Look(f"{RUNBOOKS}/dead-letters.md", yellow=1, width=4)
    spool = Look(f"{RUNBOOKS}/spool-in-use.md", red=1, width=4)
    outbox = Look(f"{RUNBOOKS}/outbox-old.md", "s", yellow=5, red=30, width=4)
    tick = Look(f"{RUNBOOKS}/tick-held.md", "s", yellow=20, red=60, width=4)
    sheet.row(
        "此刻 Now",
        number("无应答进程 Processes down", "count(up == 0) or vector(0)", down),
        number("积压 Behind", "sum(max by (group) (paidan_consumer_lag))", behind),
        number("死信 Dead letters", "sum(max by (topic) (paidan_dead_letters))", dead),
        number("暂存 Spooled", "sum(paidan_spool_records)", spool),
        number("发件箱最老 Oldest in an outbox", "max(paidan_outbox_age_seconds)", outbox),
        number("时限推进滞后 Ticks behind", "max(paidan_tick_age_seconds)", tick),
    )
    reports = Look(f"{DISPATCH}/v1/orders", "reqps", width=_WIDE)
    decisions = Look(f"{DISPATCH}/v1/triage", "reqps", width=_WIDE)
    lag = Look(f"{RUNBOOKS}/consumer-behind.md", width=_WIDE)
    age = Look(
        f"{RUNBOOKS}/consumer-behind.md", "s", width=_WIDE, about="消息在 Kafka 上等到提交的时间 | from Kafka to commit"
    )
    sheet.row(
        "流 Flow",
        trend("每秒来件 Reports a second", [Ask("paidan:reports_accepted:rate5m", "{{source}}")], reports),
        trend("每秒判定 Decisions a second", [Ask("paidan:decisions:rate5m", "{{kind}}")], decisions),
        trend("各消费者积压 Behind, by consumer", [Ask("max by (group) (paidan_consumer_lag)", "{{group}}")], lag),
        trend("消息时延 p99 Age at commit", [Ask("paidan:event_age_seconds:p99_5m", "{{consumer}}")], age),
    )
    failing = Look(f"{RUNBOOKS}/requests-fail.md", "percentunit", yellow=0.001, red=0.01, width=8)
    slow = Look(f"{RUNBOOKS}/requests-fail.md", "s", width=8)
    refused = Look(f"{RUNBOOKS}/requests-fail.md", width=8, about="按代码的拒绝 | what was refused, by code")
    sheet.row(
        "接口 Interfaces",
        trend(
            "失败率 Share that failed",
            [
                Ask(
                    "paidan:requests_failed:ratio5m or 0 * sum by (service) (rate(paidan_requests_total[5m]))",
                    "{{service}}",
                )
            ],
            failing,
        ),
        trend("应答时间 p99 Time to answer", [Ask("paidan:request_seconds:p99_5m", "{{service}}")], slow),
        bars(
            "一小时内拒绝 Refused in an hour",
            Ask("sum by (code) (increase(paidan_refusals_total[1h])) or vector(0)", "{{code}}"),
            refused,
        ),
    )
    bird = Look(
        f"{RUNBOOKS}/canary-lost.md",
        "s",
        width=24,
        about="每分钟一件自检，从受理到派单入库 | from the door to dispatch",
    )
    dying = Look(f"{RUNBOOKS}/dead-letters.md", width=8)
    hooks = Look(f"{RUNBOOKS}/webhooks-old.md", width=8)
    timers = Look(f"{RUNBOOKS}/timers-late.md", "s", width=8)
    sheet.row(
        "投递 Delivery",
        trend("死信 Dead letters, by topic", [Ask("max by (topic) (paidan_dead_letters)", "{{topic}}")], dying),
        trend(
            "推送等待 Webhooks that wait",
            [Ask("sum by (destination) (paidan_webhooks_waiting) or vector(0)", "{{destination}}")],
            hooks,
        ),
        trend(
            "提醒迟到 Notices late",
            [Ask("max(paidan_timer_lag_seconds)", "timer"), Ask("max(paidan_tick_held_seconds)", "tick")],
            timers,
        ),
    )
    took = "histogram_quantile({}, sum by (le) (rate(paidan_canary_seconds_bucket[10m])))"
    round_trip = [Ask(took.format("0.5"), "p50"), Ask(took.format("0.99"), "p99")]
    sheet.row("自检 Canary", trend("自检用时 Round trip of our own reports", round_trip, bird))
    return sheet.build()
