"""A rainstorm: many people about few sites. Callers in their own words, inspectors with a point, sensors by device."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from schemas.facts import Reporter, ReportReceived
from schemas.vocabulary import Source
from services.router.rules.atlas import Atlas

DEGREE = 111_320 * 0.8553  # metres of a degree of longitude at this latitude
STREETS = (
    "静安区临汾路街道", "静安区大宁路街道", "静安区彭浦新村街道", "徐汇区田林街道", "徐汇区龙华街道", "徐汇区长桥街道",
    "长宁区新华路街道", "长宁区天山路街道", "普陀区长寿路街道", "普陀区万里街道", "虹口区北外滩街道",
    "虹口区凉城新村街道",
    "杨浦区五角场街道", "杨浦区控江路街道", "黄浦区豫园街道", "浦东新区塘桥街道", "浦东新区花木街道", "闵行区七宝镇",
    "宝山区大场镇", "嘉定区江桥镇",
)  # fmt: skip
ROADS = ("平安路", "长青路", "和顺路", "永福路", "新建路", "光明路", "向阳路", "文化路")
PROBLEMS = (
    ("路面积水很深", "门口积水没过脚踝", "一下雨就积水，车都熄火了", "马路上积水严重，走不过去", "积水，请派人来抽"),
    ("行道树倒了", "大树倒下来压着人行道", "行道树倾斜快要倒了", "树枝断了挂在半空", "台风把行道树刮倒了"),
    ("电线掉下来了", "架空线垂落", "电线断了垂到地面", "架空线缆损坏，很危险", "电线垂落离地不到一米"),
    ("雨水井盖被冲走了", "井盖缺失", "井盖不见了露个洞", "雨水井盖没了", "窨井盖缺失，差点掉下去"),
    ("小区突然停电", "停电了，电梯也停了", "整栋楼停电", "从早上起停电到现在", "停电，冰箱里东西都坏了"),
    ("下水道堵塞污水外溢", "下水道堵了", "污水外溢臭得很", "下水道堵塞，水排不下去", "窨井往外冒污水，下水道堵了"),
)  # fmt: skip


def storm(atlas: Atlas, reports: int, sites: int, now: datetime, seed: int = 7) -> Iterator[tuple[int, ReportReceived]]:
    """So many reports about so many sites within three hours before now, each with the site it is about. A sixth of the
    sites are devices, a third are told with points, the others in words alone."""
    rand = random.Random(seed)
    devices = [d for d in atlas.devices.values() if d.lon is not None and "water" in d.kind][: sites // 6]
    homes = [(d.lon, d.lat) for _, d in sorted(atlas.divisions.items()) if d.lon is not None and d.lat is not None]
    for n in range(reports):
        site = rand.randrange(sites)
        at = now - timedelta(seconds=rand.uniform(0, 10_800))
        who = Reporter(phone=f"13{rand.randrange(10**9):09}")
        id_ = uuid5(NAMESPACE_URL, f"storm{seed}/{n}")
        if site < len(devices):
            device = devices[site]
            text = rand.choice(("积水深度超过警戒线", "水位报警", "下立交积水"))
            yield (
                site,
                ReportReceived(
                    source=Source.PATROL, report_id=id_, received_at=at, text=text, device_id=device.device_id
                ),
            )
            continue
        words = rand.choice(PROBLEMS[site % len(PROBLEMS)])
        street, road = STREETS[site % len(STREETS)], ROADS[site // len(STREETS) % len(ROADS)]
        if site % 3 == 0:
            lon, lat = homes[site * 97 % len(homes)]
            lon, lat = lon + rand.uniform(-12, 12) / DEGREE, lat + rand.uniform(-12, 12) / 111_320
            source = Source.PATROL
            yield site, ReportReceived(source=source, report_id=id_, received_at=at, text=words, lon=lon, lat=lat)
            continue
        said = rand.choice(("市民来电反映：{}{}", "{1}，地址在{0}", "{}附近{}，请尽快处理", "来电人称，{}门口{}"))
        text = said.format(f"{street}{road}{100 + 2 * site}号", words)
        yield site, ReportReceived(source=Source.HOTLINE, report_id=id_, received_at=at, text=text, reporter=who)
