"""The names of metrics: those the services have, and those a PromQL expression asks for."""

import re
from functools import cache

from prometheus_client import Counter, Gauge, Histogram

from services.chassis import metrics

_SUFFIXES = {Counter: ("_total",), Gauge: ("",), Histogram: ("_bucket", "_sum", "_count")}
_NAME = re.compile(r"(?<![\w:\"])(paidan[\w:]*|up)(?![\w:(\"])")


@cache
def known_metrics() -> frozenset[str]:
    """Every series name that a service can have."""
    found = set()
    for metric in vars(metrics).values():
        for kind, suffixes in _SUFFIXES.items():
            if isinstance(metric, kind):
                found |= {metric._name + suffix for suffix in suffixes}
    return frozenset(found)


def metrics_in(expression: str) -> set[str]:
    """The names of series that an expression asks for."""
    return set(_NAME.findall(expression))
