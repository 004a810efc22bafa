"""Every metric of the system, in one list: name, kind, labels, meaning. Labels are bounded: never an order, a person
or a street with a class."""

from prometheus_client import Counter, Gauge, Histogram

_SPANS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

# delivery
MESSAGES = Counter("paidan_messages_total", "Messages by outcome: done, repeat, dead", ["consumer", "outcome"])
BATCH = Histogram("paidan_batch_seconds", "Time from a batch's read to its commit", ["consumer"], buckets=_SPANS)
BATCH_SIZE = Histogram(
    "paidan_batch_messages", "Messages in a batch", ["consumer"], buckets=(1, 5, 20, 50, 100, 250, 500)
)
EVENT_AGE = Histogram(
    "paidan_event_age_seconds", "Age of a message on Kafka when its batch is committed", ["consumer"], buckets=_SPANS
)
BISECTIONS = Counter("paidan_bisections_total", "Batches that failed and were halved", ["consumer"])
WAITING = Gauge("paidan_waiting", "1 while a consumer waits for a dependency", ["consumer"])
STOPPED = Gauge("paidan_stopped", "1 while a consumer waits for a person after too many dead in a row", ["consumer"])
LAST_PROGRESS = Gauge("paidan_last_progress_seconds", "Unix time of a consumer's last progress", ["consumer"])

# Kafka, as the broker tells it
CONSUMER_LAG = Gauge("paidan_consumer_lag", "Messages a consumer group has not yet brought to their end", ["group"])
DEAD_LETTERS = Gauge("paidan_dead_letters", "Dead letters that a topic's dead-letter topic holds", ["topic"])
# A gauge without labels says 0 in every process that never sets it: one that alarms at 0 has a label.
KAFKA_ANSWERS = Gauge("paidan_kafka_answers", "1 while the broker answers", ["asked_by"])

# outbox
OUTBOX_ROWS = Gauge("paidan_outbox_rows", "Rows waiting in the outbox", ["service"])
OUTBOX_AGE = Gauge("paidan_outbox_age_seconds", "Age of the oldest row in the outbox", ["service"])
OUTBOX_REFUSED = Gauge("paidan_outbox_refused", "Messages that Kafka refused for good", ["service"])
RELAYED = Counter("paidan_relayed_total", "Messages relayed to Kafka", ["service"])
RELAY_LEADER = Gauge("paidan_relay_leader", "1 in the process that relays", ["service"])
TICK_HELD = Gauge("paidan_tick_held_seconds", "How far the Tick trails the present", ["service"])

# webhooks; a destination is a platform of the configuration
WEBHOOKS = Counter(
    "paidan_webhooks_total",
    "Attempts, letters too, by outcome: delivered, failed, gone, dead",
    ["destination", "outcome"],
)
WEBHOOKS_WAITING = Gauge("paidan_webhooks_waiting", "Deliveries that have not arrived yet", ["destination"])
WEBHOOKS_OLDEST = Gauge("paidan_webhooks_oldest_seconds", "Age of the oldest of them", ["destination"])
WEBHOOKS_DEAD = Gauge("paidan_webhooks_dead", "Deliveries that were given up and wait for a person", ["destination"])
WEBHOOKS_PAUSED = Gauge("paidan_webhooks_paused", "1 while nothing is sent to a destination", ["destination"])

# web
REQUESTS = Counter("paidan_requests_total", "HTTP requests by route and status", ["service", "route", "status"])
REQUEST_SECONDS = Histogram("paidan_request_seconds", "Time to answer", ["service", "route"], buckets=_SPANS)
REFUSALS = Counter("paidan_refusals_total", "Refusals by code", ["service", "code"])

# intake
REPORTS_ACCEPTED = Counter("paidan_reports_accepted_total", "Reports accepted", ["source", "lane", "state"])
REPORTS_REPEATED = Counter("paidan_reports_repeated_total", "Repeats that were seen as one", ["source"])
LAST_REPORT = Gauge("paidan_last_report_seconds", "Unix time of a source's last report", ["source"])
SPOOL_RECORDS = Gauge("paidan_spool_records", "Reports waiting in the local spool", ["lane"])
SPOOL_BYTES = Gauge("paidan_spool_bytes", "Bytes in the local spool", ["lane"])

# router
DECISIONS = Counter("paidan_decisions_total", "Routing decisions", ["kind", "source"])
CLASSIFIED = Counter("paidan_classified_total", "Reports classified, by what and whether surely", ["by", "sure"])
CLASS_CONFIDENCE = Histogram(
    "paidan_class_confidence",
    "Confidence of the trained model",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
)
MODEL_DRIFT = Gauge(
    "paidan_model_drift",
    "How far the last reports are from the model's training: share of another major, mean confidence less than then",
    ["of"],
)
RULEBOOK_FAULTS = Gauge("paidan_rulebook_faults", "Faults of a rulebook that was not taken; the old one is in force")
RULEBOOK_ROWS = Gauge("paidan_rulebook_rows", "Rows of the rulebook in force, and of the one beside it", ["role"])
SHADOW = Counter(
    "paidan_shadow_total",
    "Reports asked again beside the live rulebook, by the weightiest difference",
    ["kind", "difference"],
)
ALARMS = Counter("paidan_alarms_total", "Alarms by event: raised, cleared, faulty, silent", ["event", "kind"])

MERGES_PROPOSED = Counter(
    "paidan_merges_proposed_total", "Pairs of orders proposed to be one, by who found them", ["by"]
)
WARNINGS = Counter("paidan_warnings_total", "Early warnings said, by kind", ["kind"])

# dispatch
MERGE_ANSWERS = Counter("paidan_merge_answers_total", "Proposed mergers answered, by answer", ["answer"])
CANARY_SECONDS = Histogram(
    "paidan_canary_seconds", "From intake's door to dispatch's commit, of our own reports", buckets=_SPANS
)
CANARY_LAST = Gauge("paidan_canary_last_seconds", "Unix time at which the last of them arrived", ["lane"])
ORDERS_OPENED = Counter("paidan_orders_opened_total", "Orders opened", ["status", "source"])
REPORTS_JOINED = Counter("paidan_reports_joined_total", "Reports joined to an order that existed", ["source"])
ACTIONS = Counter("paidan_actions_total", "Actions people took", ["action"])
FINISHED = Counter(
    "paidan_orders_finished_total",
    "Times a lead was done, by result and whether it was the first round",
    ["result", "first"],
)
CHECKED = Counter(
    "paidan_checks_total", "Checks of the work done, by who looked and whether it passed", ["by", "passed"]
)
DUTY_EMPTY = Gauge("paidan_duty_empty", "Units that keep a duty roster and have nobody on it now")
# `what`: what must never be, counted among open orders: unassigned, two_leads, reportless, clockless
INVARIANT_BROKEN = Gauge("paidan_invariant_broken", "Open orders that are as none may be", ["what"])
# `what`: danger (urgent, not accepted), triage, request (undecided), reopening (bad word undecided); `key` is the
# district, or the kind of request.
WAITING_PEOPLE = Gauge("paidan_waiting_for_people", "What waits for a person", ["what", "key"])
WAITING_OLDEST = Gauge("paidan_waiting_for_people_oldest_seconds", "Age of the oldest of these", ["what", "key"])
LINKS_PENDING = Gauge("paidan_links_pending", "Reports waiting for an order that is not known yet")
LINKS_PENDING_AGE = Gauge("paidan_links_pending_age_seconds", "Age of the oldest report that waits for its order")

# supervision
PLACE = Gauge("paidan_place_info", "A district: its code, its name and a point in it", ["key", "name", "lat", "lon"])
CLOCKS_DUE = Gauge("paidan_clocks_due", "Running clocks that fall due, by district", ["stage", "within", "key"])
CLOCKS_SET = Counter("paidan_clocks_set_total", "Clocks armed or moved", ["stage"])
NOTICES = Counter("paidan_notices_total", "Notices by kind: warned, missed, withdrawn", ["stage", "notice"])
NOTICES_LATE = Counter("paidan_notices_late_total", "Notices given long after their moment", ["stage"])
TIMERS_ASIDE = Gauge("paidan_timers_aside", "Clocks whose notice failed and is tried again")
RUNGS = Counter("paidan_rungs_total", "Rungs of the ladder that were raised", ["stage", "kind", "level"])
RUNGS_ASIDE = Gauge("paidan_rungs_aside", "Clocks of which a rung failed and is tried again")
PENDING_FACTS = Gauge("paidan_pending_facts", "Facts waiting for an earlier one of their order")
PENDING_AGE = Gauge("paidan_pending_age_seconds", "Age of the oldest fact that waits for an earlier one")
TIMER_LAG = Gauge("paidan_timer_lag_seconds", "How late the last timer fired")
TICK_AGE = Gauge("paidan_tick_age_seconds", "How far the lowest Tick trails the present")
CLOCK_AUDIT = Gauge("paidan_clock_audit_differences", "Clocks that are not what their facts say, by fault", ["fault"])
CLOCK_AUDIT_ROUNDS = Counter("paidan_clock_audit_rounds_total", "Times that the auditor went over all open orders")
KPI_NUMERATOR = Gauge("paidan_kpi_numerator", "Numerator of a number", ["kpi", "period", "group", "key"])
KPI_DENOMINATOR = Gauge("paidan_kpi_denominator", "Denominator of a number", ["kpi", "period", "group", "key"])
KPI_SECONDS = Gauge(
    "paidan_kpi_seconds", "Quantiles of how long something took", ["kpi", "period", "group", "key", "quantile"]
)
OPEN_ORDERS = Gauge("paidan_open_orders", "Open orders by status and age", ["status", "age"])
FINDINGS_OPEN = Gauge("paidan_findings_open", "Findings of the last 30 days that stand", ["kind"])
FINDINGS = Counter("paidan_findings_total", "Findings by event: raised, withdrawn", ["kind", "event"])
FROZEN_THROUGH = Gauge("paidan_numbers_frozen_through", "Unix time of the end of the last frozen day")
CORRECTIONS = Counter(
    "paidan_number_corrections_total", "Corrections of frozen days by cause: late, appeal, rebuilt", ["cause"]
)
APPEALS_OPEN = Gauge("paidan_appeals_open", "Appeals that wait, by step: centre, city", ["step"])
UNLISTED_YEAR = Counter(
    "paidan_calendar_unlisted_total", "Deadlines computed in a year without a published list", ["calendar"]
)
