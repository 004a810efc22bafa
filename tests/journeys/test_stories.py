"""The three stories of the tour, as tests: what the system answers must bear them out."""

from datetime import datetime

import pytest

from deploy.demo import stories
from deploy.demo.teller import Teller


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_the_elders_meter_reaches_the_committee_and_the_neighbours_silence_is_a_fault(
    teller: Teller, capsys: pytest.CaptureFixture[str]
) -> None:
    stories.elders_meter(teller, datetime.now(teller.zone))
    told = said(capsys)
    assert "静安区城市运行管理中心 → 临汾路街道城市运行管理中心" in told and "居委会 须上门核实" in told
    assert "设备故障 → 市城运中心物联设备运维组" in told


def test_the_gate_quarrel_goes_to_the_right_hongqiao_and_danger_is_never_the_streets_alone(
    teller: Teller, capsys: pytest.CaptureFixture[str]
) -> None:
    stories.gate_quarrel(teller, datetime.now(teller.zone))
    told = said(capsys)
    assert "110 移交：虹桥街道" in told and "虹桥镇" not in told.split("“焦味")[0]
    assert all(unit in told for unit in ("虹桥派出所", "虹桥市场监督管理所", "虹桥街道城市运行管理中心"))
    assert "urgency critical" in told and "市城运中心总值班室牵头" in told


def test_seven_callers_are_one_order_through_a_kill_with_the_make_up_saturday_counted(
    teller: Teller, capsys: pytest.CaptureFixture[str]
) -> None:
    stories.seven_callers(teller, datetime.now(teller.zone))
    told = said(capsys)
    assert "七件诉求、一张工单" in told and "due 14 Oct" in told and "超期" in told
