"""What may threaten life takes the urgent lane; a word is enough."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from schemas.city import City
from schemas.facts import Alarm, ReportReceived
from schemas.vocabulary import Lane, Source
from services.intake.rules.lanes import DangerList

NOW = datetime(2026, 3, 2, tzinfo=UTC)

URGENT: list[dict[str, Any]] = [
    {"text": "楼下着火了"},
    {"text": "没有着火"},  # the router looks closely; here recall counts
    {"title": "着火"},
    {"address": "着火点：虹桥路1号"},
    {"text": "there is a GAS LEAK here"},
    {"text": "ＧＡＳ ＬＥＡＫ".replace(" ", " ")},
    {"text": "电表箱里一直冒烟"},
    {"text": "冒烟。过了一会儿。才看到是电表箱"},
    {"police_class": "P1"},
    {"device_id": "W1"},
    {"alarm": Alarm(rule="water_level", device_id="W1", value=1.0, unit="m")},
    {"alarm": Alarm(rule="r1", device_id="W1", value=1.0, unit="m", scene="underpass")},
]
NORMAL: list[dict[str, Any]] = [
    {"text": "井盖缺失"},
    {"text": ""},
    {"text": "着\n火"},
    {"text": "烟囱冒烟"},  # its near word is missing
    {"police_class": "P2"},
    {"police_class": ""},
    {"device_id": "M1"},
    {"alarm": Alarm(rule="elder_meter", device_id="M1", value=0.0, unit="m³")},
    {"text": "🔥😀"},
    {"reporter": None, "subject": "着火了火锅店"},  # a name, not what happened
]


@pytest.mark.parametrize(
    ("lane", "said"), [(Lane.URGENT, said) for said in URGENT] + [(Lane.NORMAL, said) for said in NORMAL]
)
def test_lane(city: City, lane: Lane, said: dict[str, Any]) -> None:
    report = ReportReceived(source=Source.HOTLINE, received_at=NOW, **said)
    assert DangerList(city).lane(report) is lane


def test_a_city_without_words_has_only_normal_texts(city: City) -> None:
    quiet = DangerList(structs.replace(city, dangers=()))
    assert quiet.lane(ReportReceived(source=Source.HOTLINE, received_at=NOW, text="着火")) is Lane.NORMAL
