"""Three stories, told live on the running city: what was sent, and what the system made of it."""

import signal
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

from kafka import KafkaProducer

from deploy.demo.teller import Teller
from deploy.stack.trouble import Trouble
from schemas.city import Device
from schemas.codec import encode
from schemas.facts import Reporter, ReportReceived
from schemas.ids import alarm_report_id, number_of, order_id_of, report_id_of
from schemas.topics import REPORTS_NORMAL
from schemas.vocabulary import Source, TicketType

METER = "water_meter_day"
LINFEN = "310106021"  # 临汾路街道
RESPONDERS = "310105009-centre"  # 虹桥街道城市运行管理中心: told in the quarrel at the gate


def elders_meter(teller: Teller, now: datetime) -> None:
    """0.004 m³ in a day at the home of an elder who lives alone; a neighbour's meter is silent."""
    teller.title("独居老人的水表", "The elder's meter")
    elder, neighbour = _two_unheard(teller)
    at = _six_o_clock(now)
    _read(teller, neighbour, 0.21, at - timedelta(hours=40))
    _read(teller, elder, 0.23, at - timedelta(hours=24))
    _read(teller, elder, 0.004, at)
    clock = at.strftime("%H:%M")
    teller.say(clock, f"水表 {elder.device_id} 一天只走了 0.004 m³", "the meter turned 0.004 m³ in a day (limit 0.01)")
    report_id = alarm_report_id(elder.device_id, METER, _stamp(at))
    order = teller.order_of(str(report_id))
    _tell_path(teller, order, clock)
    accept = teller.clocks_of(order["order_id"])["accept"]
    lead = teller.name(order["lead"])
    teller.say(
        clock,
        f"{lead} 须上门核实，{teller.local(accept['due']):%H:%M} 前接单（规则 {teller.rule_of(str(report_id))}）",
        f"the committee must visit; accept within: {teller.left(accept, datetime.now(teller.zone))}",
    )
    silent = _silent_order(teller, neighbour, at - timedelta(hours=40))
    teller.say(
        clock,
        f"邻居的水表 {neighbour.device_id} 40 小时没有数据：不是“没用水”，是设备故障 → {teller.name(silent['lead'])}",
        "the neighbour's meter sent nothing for 40 h: a device fault, not “no water used”",
    )


def _silent_order(teller: Teller, meter: Device, last: datetime) -> dict[str, Any]:
    report_id = alarm_report_id(meter.device_id, f"{METER}:silent", _stamp(last))
    return teller.order_of(str(report_id))


def _six_o_clock(now: datetime) -> datetime:
    """Six in the morning, today's or, before that, yesterday's."""
    at = now.replace(hour=6, minute=0, second=0, microsecond=0)
    return at if at <= now else at - timedelta(days=1)


def _two_unheard(teller: Teller) -> tuple[Device, Device]:
    """Two meters on one gateway of which nothing was heard yet, in 临汾路街道 if there are any left there, so that the
    story can be told again. Raises Trouble when it was told everywhere."""
    meters = [d for d in teller.city.devices if d.kind == METER]
    meters.sort(key=lambda d: (not d.division.startswith(LINFEN), d.device_id))
    by_gateway: dict[str, list[Device]] = {}
    for meter in meters:
        by_gateway.setdefault(meter.gateway, []).append(meter)
    for together in by_gateway.values():
        fresh = [m for m in together if teller.get("router", f"/v1/devices/{m.device_id}") is None]
        if len(fresh) >= 2:
            return fresh[0], fresh[1]
    raise Trouble("every elder's meter has told its story", "start from an empty state folder (PAIDAN_HOME)")


def _read(teller: Teller, meter: Device, value: float, at: datetime) -> None:
    reading = {"device_id": meter.device_id, "kind": METER, "value": value, "unit": "m3", "at": at.isoformat()}
    teller.post("intake", "/v1/sensors/readings", [reading], "gateway")


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _tell_path(teller: Teller, order: dict[str, Any], clock: str) -> None:
    hops = " → ".join(teller.name(hop["unit"]) for hop in order["path"])
    teller.say(
        clock, f"工单 {order['number']}：{hops}", f"order {order['number']} passed {len(order['path'])} tiers at once"
    )


def gate_quarrel(teller: Teller, now: datetime) -> None:
    """A 110 call that is not the police's alone, and one that must stay an emergency."""
    teller.title("小区门口的争执", "The gate quarrel")
    house = Random(uuid4().int).randint(300, 2900)
    call = teller.post(
        "intake",
        "/v1/police/calls",
        {
            "source_id": f"demo-{uuid4().hex}",
            "police_class": "080000",
            "address": f"长宁区虹桥街道虹桥路{house}弄小区门口",
            "text": f"报警人称：长宁区虹桥街道虹桥路{house}弄小区门口，商户要进小区开店，居民不让进，"
            "双方争吵，无人受伤，无械具。",
        },
        "gateway",
    )
    order = teller.order_of(call["report_id"])
    because = teller.because(call["report_id"], "locate")
    teller.say(
        teller.clock(),
        f"110 移交：{order['place']['name']}，{because}",
        "110 hands over a quarrel at a gate; the place, with its reason",
    )
    units = "、".join(teller.name(a["unit"]) for a in order["assignments"])
    teller.say(
        teller.clock(),
        f"同时通知：{units}（规则 {teller.rule_of(call['report_id'])}）",
        "all told at once, the first to accept leads",
    )
    contact = teller.clocks_of(order["order_id"]).get("contact")
    if contact:
        teller.say(
            teller.clock(),
            f"先行联系：{teller.left(contact, datetime.now(teller.zone))}",
            "to be contacted within three minutes",
        )
    _smell_of_burning(teller, house + 40)


def _smell_of_burning(teller: Teller, house: int) -> None:
    """It looks like a call for help, and is an emergency."""
    smell = teller.post(
        "intake",
        "/v1/police/calls",
        {
            "source_id": f"demo-{uuid4().hex}",
            "police_class": "050000",
            "address": f"长宁区虹桥街道虹桥路{house}弄6号302室",
            "text": f"老人独自在家，邻居闻到焦味，敲门无应答。长宁区虹桥街道虹桥路{house}弄6号302室。",
        },
        "gateway",
    )
    danger = teller.order_of(smell["report_id"])
    teller.say(
        teller.clock(),
        f"“焦味，敲门无应答”：{teller.because(smell['report_id'], 'veto')}；{teller.name(danger['lead'])}牵头",
        f"stays with 119/110, urgency {danger['urgency']}; the city's desk leads, never the street alone",
    )


def seven_callers(teller: Teller, now: datetime) -> None:
    """Seven reports about one manhole, delivered late by a gateway; the router is killed in the middle."""
    teller.title("七个来电，一个井盖", "Seven callers, one manhole")
    spot = f"静安区临汾路街道临汾路{Random(uuid4().int).randint(100, 2900)}号"
    filed = datetime(2026, 10, 8, 9, 0, tzinfo=teller.zone)
    producer = KafkaProducer(bootstrap_servers=teller.stack.kafka_bootstrap, acks="all")
    ids: list[UUID] = []
    for n, words in enumerate(_CALLS):
        report = _caller(spot, words, n, filed + timedelta(minutes=7 * n))
        producer.send(REPORTS_NORMAL.name, key=str(report.report_id).encode(), value=encode(report)).get(timeout=10)
        ids.append(report_id_of(Source.HOTLINE, report.source_id or ""))
        if n == 2:
            teller.order_of(str(ids[0]))
            teller.stack.kill("router-normal", signal.SIGKILL)
            teller.say(
                teller.clock(),
                "第三个来电后研判进程被强行终止（kill -9）",
                "after the third caller the router is killed (SIGKILL)",
            )
    producer.close()
    order = teller.until("seven reports on one order", lambda: _with_seven(teller, ids))
    numbers = "、".join(number_of(id_) for id_ in ids)
    teller.say(
        teller.clock(),
        f"七件诉求、一张工单 {order['number']}",
        "seven reports, one order, and each caller has a number of his own",
    )
    teller.say("", numbers, f"merged because: {teller.because(str(ids[-1]), 'merge')}")
    total = teller.clocks_of(order["order_id"])["total"]
    due = teller.local(total["due"])
    teller.say(
        "",
        f"10 月 8 日受理，5 个工作日，{due:%m 月 %d 日 %H:%M} 到期（10 月 10 日星期六调休上班，算一个工作日）",
        f"filed 8 Oct 2026, five working days, Saturday 10 Oct counts: due {due:%d %b %H:%M}",
    )
    miss = teller.until("the breach", lambda: _missed(teller, order["order_id"]))
    teller.say("", f"{teller.name(miss['owner'])} 超期：{teller.left(miss, now)}", "the breach arrives, once")


_CALLS = (
    "门口人行道上的雨水井盖缺失，有人差点踩空",
    "门前井盖不见了，晚上很危险，请尽快处理",
    "路边雨水井盖缺失，老人小孩经过危险",
    "人行道井盖被偷了，洞口露着，没有人管",
    "门口窨井盖缺失，已经两天了",
    "雨水井盖没有了，电动车差点翻车，希望马上修好",
    "井盖缺失，只放了一个锥桶，请装上新井盖",
)


def _caller(spot: str, words: str, n: int, at: datetime) -> ReportReceived:
    source_id = f"demo-{uuid4().hex}"
    return ReportReceived(
        source=Source.HOTLINE,
        source_id=source_id,
        report_id=report_id_of(Source.HOTLINE, source_id),
        received_at=at,
        ticket_type=TicketType.COMPLAINT,
        address=spot,
        text=f"市民来电反映：{spot}{words}，希望相关部门核查处理并电话告知处理结果。",
        reporter=Reporter(phone=f"1380000{n:04d}"),
    )


def _with_seven(teller: Teller, ids: list[UUID]) -> dict[str, Any] | None:
    order = teller.get("dispatch", f"/v1/orders/{order_id_of(ids[0])}")
    there = {r["report_id"] for r in order["reports"]} if order else set()
    return order if {str(i) for i in ids} <= there else None


def _missed(teller: Teller, order_id: str) -> dict[str, Any] | None:
    found = (teller.get("supervision", f"/v1/clocks/{order_id}") or {}).get("clocks", [])
    return next((c for c in found if c["stage"] == "total" and c["state"] == "missed"), None)
