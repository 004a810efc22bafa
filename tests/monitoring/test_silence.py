"""A process that has nothing to say of a thing says nothing of it: a gauge without labels would say 0, and alarm."""

import re

from prometheus_client import Gauge

from services.chassis import metrics
from tests.monitoring.test_rules import ALERTS

# what fires at 0, or long after the moment that a gauge names
_AT_NOTHING = re.compile(r"(paidan_\w+)(?:\{[^}]*\})? == 0|time\(\) - [a-z_() ]*(paidan_\w+)")


def test_no_alert_fires_because_a_process_never_sets_a_gauge() -> None:
    gauges = {each._name: each for each in vars(metrics).values() if isinstance(each, Gauge)}
    asked = {name for alert in ALERTS for found in _AT_NOTHING.findall(alert["expr"]) for name in found if name}
    assert {"paidan_kafka_answers", "paidan_canary_last_seconds"} <= asked
    for name in asked & gauges.keys():
        assert gauges[name]._labelnames, f"{name} says 0 in processes that never set it"
