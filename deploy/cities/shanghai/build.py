"""Re-make the files of this pack that come out of published lists: `python build.py --data DIR [--out DIR]`.

Writes divisions.csv, units.csv, polygons.geojson, calendar.csv, devices.csv, resources.csv and rosters.csv; the other
files are written by hand. DIR holds the source files named in SOURCES.md. The same sources always give the same bytes.
"""

import argparse
import csv
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import shapely
from shapely.geometry import MultiPolygon, Point, Polygon, mapping, shape

from schemas.geo import gcj02_to_wgs84

HERE = Path(__file__).parent
SIMPLIFY_DEG = 0.0003  # about 30 m; keeps the polygons under 250 KB with shared borders still shared
POINT_SLACK_DEG = 0.003  # a committee's point farther than this outside its district is taken for a wrong one
ROOT = "310000"

FORMER = {  # retired names and codes (GB/T 2260, earlier editions; mergers that made today's districts)
    "310101": "卢湾区|卢湾|310103|南市区|310102",
    "310106": "闸北区|闸北|310108",
    "310114": "嘉定县",
    "310115": "南汇区|南汇县|310119|310225|川沙县",
    "310116": "金山县|310228",
    "310117": "松江县|310227",
    "310118": "青浦县|310229",
    "310120": "奉贤县|310226",
    "310151": "崇明县|310230",
    "310105009": "虹桥路街道",
    "310107022": "真如镇|真如街道",
    "310109018": "提篮桥街道|提篮桥",
    "310109019": "江湾镇|江湾街道",
    "310110019": "五角场镇|310110101",
    "310113501": "宝山城市工业园区",
    "310114004": "嘉定镇",
    "310114401": "菊园街道",
    "310115103": "川沙镇",
    "310115145": "芦潮港镇|申港街道",
    "310116503": "金山工业区",
    "310120003": "金海社区|310120504",
}
# bare names (without 街道, 镇, 区) that mean the place and little else; of towns all but the words of other uses
BARE_NAMES = (
    "浦东 闵行 徐汇 杨浦 虹口 普陀 徐家汇 陆家嘴 北外滩 曹家渡 漕河泾 豫园 小东门 老西门 北新泾 新江湾城 周家渡"
)
ORDINARY_WORDS = (
    "建设 书院 中兴 长兴 三星 陈家 东平 新海 绿华 华亭 新场 川沙新 新浜 海湾 浦江 长征 徐行 高行 高东 新泾 青村 "
    "庄行 向化 廊下 金汇 梅陇 白鹤 大团 新河 港沿 港西 彭浦 虹桥 五角场 万祥 佘山"
)
SUB_AREAS = {"310109018": (("east", "东"), ("middle", "中"), ("west", "西"))}
DISTRICTS_EN = (
    "310101 Huangpu,310104 Xuhui,310105 Changning,310106 Jing'an,310107 Putuo,310109 Hongkou,310110 Yangpu,"
    "310112 Minhang,310113 Baoshan,310114 Jiading,310115 Pudong,310116 Jinshan,310117 Songjiang,310118 Qingpu,"
    "310120 Fengxian,310151 Chongming"
)
CITY_UNITS = """centre|上海市城市运行管理中心|Shanghai City Operations Centre|
duty_desk|市城运中心总值班室|City duty desk|
hotline|上海市12345市民服务热线办公室|12345 Citizen Hotline Office|12345
police|市公安局110接警服务平台|110 Police Call Centre|110
fire|市消防救援总队119指挥中心|119 Fire and Rescue Command|119
medical|市医疗急救中心120调度|120 Medical Emergency Dispatch|120
traffic_police|市公安局交警总队|Traffic Police|
water|市水务局|Water Authority|
drainage|市排水管理事务中心|Drainage Service Centre|
road|市交通委员会道路运输管理局|Road and Transport Administration|
housing|市房屋管理局|Housing Administration|
construction|市住房和城乡建设管理委员会|Housing, Urban and Rural Construction Commission|
greening|市绿化和市容管理局|Landscaping and City Appearance Bureau|
sanitation|市环境卫生管理事务中心|Sanitation Service Centre|
urban_management|市城市管理行政执法局|Urban Management Enforcement Bureau|
market|市市场监督管理局|Market Regulation Administration|
environment|市生态环境局|Ecology and Environment Bureau|
civil_affairs|市民政局|Civil Affairs Bureau|
labour|市人力资源和社会保障局|Human Resources and Social Security Bureau|
health|市卫生健康委员会|Health Commission|
education|市教育委员会|Education Commission|
culture_tourism|市文化和旅游局|Culture and Tourism Administration|
emergency|市应急管理局|Emergency Management Bureau|
mediation|市司法局人民调解工作处|People's Mediation, Justice Bureau|
volunteer|市老伙伴计划服务中心|Senior Volunteers Programme Centre|
device_maintenance|市城运中心物联设备运维组|IoT Device Maintenance|
water_supply|供水服务热线值班组|Water Supply Service|
gas_supply|燃气抢修值班组|Gas Repair Service|
power_supply|供电抢修值班组|Power Repair Service|
telecom|市通信管理局|Communications Administration|"""
DISTRICT_UNITS = """centre|城市运行管理中心|Operations Centre
police|公安分局|Police Branch
traffic_police|公安分局交警支队|Traffic Police Unit
urban_management|城市管理行政执法局|Urban Management Enforcement Bureau
market|市场监督管理局|Market Regulation Bureau
housing|房屋管理局|Housing Bureau
construction|建设和管理委员会|Construction and Management Commission
road|市政道路养护中心|Road Maintenance Centre
water|水务局|Water Bureau
greening|绿化和市容管理局|Landscaping and City Appearance Bureau
sanitation|环境卫生管理中心|Sanitation Centre
environment|生态环境局|Ecology and Environment Bureau
civil_affairs|民政局|Civil Affairs Bureau
labour|人力资源和社会保障局|Human Resources and Social Security Bureau
health|卫生健康委员会|Health Commission
education|教育局|Education Bureau
culture_tourism|文化和旅游局|Culture and Tourism Bureau
emergency|应急管理局|Emergency Management Bureau
mediation|司法局人民调解中心|People's Mediation Centre
volunteer|老伙伴计划服务中心|Senior Volunteers Centre"""
STREET_UNITS = """centre|{full}城市运行管理中心|Operations Centre|centre
street_office|{office}|{office_en}|centre
police|{short}派出所|Police Station|police
market|{short}市场监督管理所|Market Regulation Station|market
urban_management|{short}城管中队|Urban Management Squad|urban_management
housing|{short}房管办|Property Coordination Office|housing
sanitation|{short}市容环卫所|Sanitation Station|sanitation
mediation|{full}人民调解委员会|People's Mediation Committee|mediation
volunteer|{full}老伙伴志愿队|Senior Volunteers|volunteer"""
DIVISION_COLUMNS = ("code", "name", "parent", "tier", "kind", "aliases", "lon", "lat", "valid_from", "valid_to")
UNIT_COLUMNS = ("unit_id", "name", "name_en", "tier", "function", "division", "parent", "second_parent", "phone")
ROSTER_COLUMNS = ("unit_id", "days", "starts", "ends", "person", "deputy", "phone", "note")
ON_DUTY = (
    "centre", "duty_desk", "traffic_police", "drainage", "water_supply", "gas_supply", "power_supply",
    "device_maintenance",
)  # fmt: skip
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
GIVEN = "安平|若水|知行|守正|明远|思齐|慎言|致和|立新|乐群|景行|怀瑾|望舒|清和|向晚|初晴|南乔|北辰|东篱|西岭"
SHIFTS = (
    ("mon|tue|wed|thu|fri", "08:30", "17:30", ""),
    ("mon|tue|wed|thu|fri", "17:30", "08:30", "夜班，交接后方可离岗"),
    ("sat|sun", "08:30", "17:30", "周末"),
    ("sat|sun", "17:30", "08:30", "周末夜班"),
)
NATIONAL_DAYS = "|".join(f"2026-10-{day:02d}" for day in range(1, 8))
RESOURCE_COLUMNS = ("resource_id", "kind", "name", "unit", "lon", "lat")
DEVICE_COLUMNS = ("device_id", "kind", "division", "name", "lon", "lat", "gateway", "asset")


@dataclass
class Area:
    """One division on its way into divisions.csv."""

    code: str
    name: str
    parent: str
    tier: str
    kind: str
    aliases: list[str] = field(default_factory=list)
    point: tuple[float, float] | None = None

    def row(self) -> list[str]:
        """The cells of its line."""
        lon, lat = (f"{self.point[0]:.5f}", f"{self.point[1]:.5f}") if self.point else ("", "")
        return [self.code, self.name, self.parent, self.tier, self.kind, "|".join(self.aliases), lon, lat, "", ""]


def rows_of(data: Path, file: str) -> list[dict[str, str]]:
    """The rows of one source file."""
    with (data / file).open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def write(path: Path, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Write one CSV file of the pack."""
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def districts_of(data: Path) -> dict[str, Polygon | MultiPolygon]:
    """District polygons in WGS-84, simplified together so that neighbours still share their border."""
    collection = json.loads((data / "places_shanghai/districts_gcj02.geojson").read_text(encoding="utf-8"))
    codes = [str(feature["properties"]["adcode"]) for feature in collection["features"]]
    shapes = [
        shapely.transform(shape(feature["geometry"]), lambda points: [gcj02_to_wgs84(*point) for point in points])
        for feature in collection["features"]
    ]
    simpler = shapely.coverage_simplify(shapes, SIMPLIFY_DEG)
    return dict(sorted(zip(codes, shapely.set_precision(simpler, 1e-5), strict=True)))


def points_of(data: Path) -> tuple[dict[str, tuple[float, float]], dict[tuple[str, str], tuple[float, float]]]:
    """WGS-84 points of 2016, by 12-digit code and by (street code, name)."""
    by_code: dict[str, tuple[float, float]] = {}
    by_name: dict[tuple[str, str], tuple[float, float]] = {}
    for row in rows_of(data, "places_shanghai/adcode2016_shanghai_levels3to5.csv"):
        if row["lon"] and row["rank"] in "345":
            lon, lat = gcj02_to_wgs84(float(row["lon"]), float(row["lat"]))
            by_code[row["code"]] = by_name[row["code"][:9], row["name"]] = (lon, lat)
    return by_code, by_name


def areas_of(data: Path, polygons: dict[str, Polygon | MultiPolygon]) -> list[Area]:
    """All divisions: city, districts, street-towns, sub-areas, committees, in that order."""
    upper: list[Area] = []
    for row in rows_of(data, "shanghai_divisions.csv"):
        tier = {"city": "city", "district": "district", "street_town": "street"}[row["level"]]
        former = [part for part in FORMER.get(row["code"], "").split("|") if part]
        upper.append(Area(row["code"], row["name"], row["parent_code"], tier, row["kind"], former))
    by_code, by_name = points_of(data)
    near = {code: polygon.buffer(POINT_SLACK_DEG) for code, polygon in polygons.items()}
    committees: list[Area] = []
    for row in rows_of(data, "shanghai_villages.csv"):
        kinds = {"居委会": "residents_committee", "村委会": "villagers_committee"}
        kind = kinds.get(row["name"][-3:], "statistical_community")
        aliases = [row["name"][:-1]] if kind != "statistical_community" else []
        point = by_code.get(row["code"]) or by_name.get((row["street_code"], row["name"]))
        if point and not near[row["code"][:6]].contains(Point(point)):
            point = None
        committees.append(Area(row["code"], row["name"], row["street_code"], "committee", kind, aliases, point))
    give_points(upper, committees, by_code, polygons)
    give_short_names(upper)
    return upper + list(sub_areas_of(upper, committees)) + committees


def give_points(
    upper: list[Area],
    committees: list[Area],
    by_code: dict[str, tuple[float, float]],
    polygons: dict[str, Polygon | MultiPolygon],
) -> None:
    """Street-towns stand at their own published point, else amid their committees; districts inside their polygon."""
    amid: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for area in committees:
        if area.point:
            amid[area.parent].append(area.point)
    for area in upper:
        if area.tier == "street":
            own = by_code.get(f"{area.code}000")
            inside = own is not None and polygons[area.parent].buffer(POINT_SLACK_DEG).contains(Point(own))
            known = amid[area.code]
            if inside:
                area.point = own
            elif known:
                area.point = (sum(x for x, _ in known) / len(known), sum(y for _, y in known) / len(known))
        elif area.tier == "district":
            spot = polygons[area.code].representative_point()
            area.point = (spot.x, spot.y)


def give_short_names(upper: list[Area]) -> None:
    """Names people use without 街道 or 镇, only where one is unambiguous and not the name of a road."""
    short: dict[str, list[Area]] = defaultdict(list)
    for area in upper:
        ending = next((part for part in ("街道", "镇", "新区", "区") if area.name.endswith(part)), "")
        stem = area.name.removesuffix(ending)
        if ending and area.kind != "special_area":
            bare = stem in BARE_NAMES.split() or (area.kind == "town" and stem not in ORDINARY_WORDS.split())
            if bare and len(stem) > 1 and not stem.endswith(("路", "街", "桥", "镇")):
                short[stem].append(area)
            if stem.endswith("新村") and len(stem) > 3 and stem != "彭浦新村":
                short[stem].append(area)
                short[stem.removesuffix("新村") + "街道"].append(area)
    taken = {area.name for area in upper} | {alias for area in upper for alias in area.aliases}
    for stem, areas in short.items():
        if len(areas) == 1 and stem not in taken:
            areas[0].aliases.append(stem)


def sub_areas_of(upper: list[Area], committees: list[Area]) -> Iterator[Area]:
    """Sub-areas of the streets in SUB_AREAS: committees with a known point, by longitude, east first."""
    names = {area.code: area.name for area in upper}
    for street, parts in SUB_AREAS.items():
        known = [area for area in committees if area.parent == street and area.point]
        known.sort(key=lambda area: (-(area.point or (0.0, 0.0))[0], area.code))
        size = -(-len(known) // len(parts))
        for place, (suffix, word) in enumerate(parts):
            members = known[place * size : (place + 1) * size]
            points = [area.point for area in members if area.point]
            centre = (sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points))
            code = f"{street}-{suffix}"
            yield Area(code, f"{names[street]}{word}片区", street, "sub_area", "sub_area", [], centre)
            for area in members:
                area.parent = code


def english_names(data: Path, upper: list[Area]) -> dict[str, str]:
    """English names: districts by hand, street-towns by their published pinyin, joined by district and full name."""
    names = dict(pair.split(" ", 1) for pair in DISTRICTS_EN.split(","))
    rows = rows_of(data, "places_shanghai/areacity2024_shanghai_level4.csv")
    pinyin = {(row["pid"], row["ext_name"]): row["pinyin"].replace(" ", "").capitalize() for row in rows}
    for area in upper:
        if area.tier == "street" and (area.parent, area.name) in pinyin:
            names[area.code] = pinyin[area.parent, area.name]
    return names


def units_of(areas: list[Area], english: dict[str, str]) -> Iterator[list[str]]:
    """All units, from the city down; ids are `division-function`."""
    for line in CITY_UNITS.splitlines():
        function, name, name_en, phone = line.split("|")
        parent = "" if function == "centre" else f"{ROOT}-centre"
        yield [f"{ROOT}-{function}", name, name_en, "city", function, ROOT, parent, "", phone]
    names = {area.code: area.name for area in areas}
    for area in areas:
        if area.tier == "district":
            for line in DISTRICT_UNITS.splitlines():
                function, name, name_en = line.split("|")
                above, beside = f"{ROOT}-{function}", "" if function == "centre" else f"{area.code}-centre"
                told = f"{english[area.code]} {name_en}"
                yield [
                    f"{area.code}-{function}",
                    area.name + name,
                    told,
                    "district",
                    function,
                    area.code,
                    above,
                    beside,
                    "",
                ]
        elif area.tier == "street" and area.kind != "special_area":
            yield from street_units(area, english.get(area.code, ""))
        elif area.tier == "street":
            zone = [f"{area.code}-street_office", f"{area.name}管理机构", "", "street", "street_office", area.code]
            yield [*zone, f"{area.parent}-centre", "", ""]
        elif area.tier == "sub_area":
            told = f"{english.get(area.parent, '')} {area.code.rsplit('-', 1)[1].capitalize()} Sub-area Team"
            unit = [f"{area.code}-team", f"{area.name}工作站", told, "sub_area", "sub_area", area.code]
            yield [*unit, f"{area.parent}-centre", "", ""]
        elif area.tier == "committee":
            yield committee_unit(area, names)


def street_units(area: Area, english: str) -> Iterator[list[str]]:
    """The units of one street-town; a station has the line's bureau and the street above it."""
    is_street = area.name.endswith("街道")
    short = area.name.removesuffix("街道") if is_street else area.name
    words = {"full": area.name, "short": short, "office": area.name + ("办事处" if is_street else "人民政府")}
    words["office_en"] = "Subdistrict Office" if is_street else "Town Government"
    for line in STREET_UNITS.splitlines():
        function, name, name_en, above = (part.format(**words) for part in line.split("|"))
        beside = "" if above == "centre" else f"{area.code}-street_office"
        told = f"{english} {name_en}" if english else ""
        unit = [f"{area.code}-{function}", name, told, "street", function, area.code]
        yield [*unit, f"{area.parent}-{above}", beside, ""]


def committee_unit(area: Area, names: dict[str, str]) -> list[str]:
    """A committee below its street (or its sub-area's team, with the street beside)."""
    street = area.code[:9]
    office = f"{street}-street_office"
    above, beside = (f"{area.parent}-team", office) if area.parent != street else (office, "")
    name = names[street] + area.name.removeprefix(names[street])
    return [f"{area.code}-committee", name, "", "committee", "committee", area.code, above, beside, ""]


def resources_of(areas: list[Area]) -> Iterator[list[str]]:
    """Made-up pump trucks of the districts and senior volunteers of the streets: no such truck or person is meant."""
    chance = Random(310001)
    streets = [area for area in areas if area.tier == "street" and area.kind != "special_area" and area.point]
    for district in sorted({area.parent for area in streets}):
        for number in range(1, 7):
            lon, lat = chance.choice([area for area in streets if area.parent == district]).point or (0.0, 0.0)
            spot = [f"{lon + chance.uniform(-0.01, 0.01):.5f}", f"{lat + chance.uniform(-0.01, 0.01):.5f}"]
            yield [f"PT-{district}-{number:02d}", "pump_truck", f"排水车{number:02d}", f"{district}-water", *spot]
    for street in streets:
        for number in (1, 2):
            lon, lat = street.point or (0.0, 0.0)
            spot = [f"{lon + chance.uniform(-0.005, 0.005):.5f}", f"{lat + chance.uniform(-0.005, 0.005):.5f}"]
            name, unit = f"{street.name}老伙伴{number}号", f"{street.code}-volunteer"
            yield [f"SV-{street.code}-{number}", "senior_volunteer", name, unit, *spot]


def devices_of(areas: list[Area]) -> Iterator[list[str]]:
    """A made-up registry that looks like a real one: no device of it exists. The seed fixes it."""
    chance = Random(310000)
    streets = [area for area in areas if area.tier == "street" and area.kind != "special_area" and area.point]
    committees: dict[str, list[Area]] = defaultdict(list)
    for area in areas:
        if area.tier == "committee" and area.kind != "statistical_community":
            committees[area.code[:9]].append(area)
    for district in sorted({area.parent for area in streets}):
        for number in (7, 18, 26, 42, 55):
            street = chance.choice([area for area in streets if area.parent == district])
            lon, lat = street.point or (0.0, 0.0)
            lon, lat = lon + chance.uniform(-0.003, 0.003), lat + chance.uniform(-0.003, 0.003)
            name, device = f"{street.name}下立交{number}号水位点", f"WL-{district}-{number:04d}"
            asset = f"underpass-{district}-{number:04d}"
            yield [device, "water_level", street.code, name, f"{lon:.5f}", f"{lat:.5f}", f"GW-{district}-water", asset]
    for street in streets:
        homes = committees[street.code]
        meters = {"310106021": (317, 318, 319, 402, 403, 511), "310106020": (120, 121, 204)}
        for number in meters.get(street.code, (chance.randrange(10, 60), chance.randrange(60, 900))):
            home = homes[0] if number in (317, 318) else chance.choice(homes)
            device = f"WM-{street.code}-{number:05d}"
            yield [device, "water_meter_day", home.code, "独居老人智能水表", "", "", f"GW-{street.code}-meter", device]
    yield from lift_and_yard(streets, committees, chance)


def lift_and_yard(streets: list[Area], committees: dict[str, list[Area]], chance: Random) -> Iterator[list[str]]:
    """Cameras in lifts and yards, chargers and manholes of some compounds, those of one known compound among them."""
    homes = [chance.choice(committees[street.code]) for street in streets[::4]]
    twin = next(area for area in committees["310109018"] if area.code == "310109018019")
    for home in [twin, *(home for home in homes if home is not twin)]:
        for kind, prefix, suffix, name in (
            ("ebike_in_lift", "CAM", "E02", "电梯轿厢摄像机"),
            ("falling_object", "CAM", "T01", "高空抛物摄像机"),
            ("charger_temperature", "CHG", "C01", "车棚充电桩"),
            ("manhole_tilt", "MH", "M01", "小区门口井盖传感器"),
        ):
            device, spot = f"{prefix}-{home.code}-{suffix}", home.point
            lon, lat = (f"{spot[0]:.5f}", f"{spot[1]:.5f}") if spot else ("", "")
            yield [device, kind, home.code, f"{home.name[:-1]}{name}", lon, lat, f"GW-{home.code}", device]


def rosters_of(units: Iterable[list[str]]) -> Iterator[list[str]]:
    """Made-up rosters of the offices that are staffed day and night. No such person exists, and no subscriber's number
    begins with 0 behind the area code; the seed fixes both."""
    chance = Random(310001)
    names = [surname + given for surname in SURNAMES for given in GIVEN.split("|")]
    for number, unit in enumerate(unit for unit in units if _is_staffed(unit)):
        phone = f"021-0{number:07d}"
        for days, starts, ends, note in SHIFTS:
            person, deputy = chance.sample(names, 2)
            yield [unit[0], days, starts, ends, person, deputy, phone, note]
        if unit[4] == "duty_desk":
            leader, deputy = chance.sample(names, 2)
            yield [unit[0], NATIONAL_DAYS, "08:30", "08:30", leader, deputy, phone, "国庆值班，领导带班"]


def _is_staffed(unit: list[str]) -> bool:
    _, _, _, tier, function, *_ = unit
    return function == "centre" or (tier == "city" and function in ON_DUTY)


def main() -> None:
    """Read the sources, write the files."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True, help="folder with the source files of SOURCES.md")
    options.add_argument("--out", type=Path, default=HERE, help="folder to write to (default: this pack)")
    data, out = (chosen := options.parse_args()).data, chosen.out
    polygons = districts_of(data)
    areas = areas_of(data, polygons)
    upper = [area for area in areas if area.tier != "committee"]
    write(out / "divisions.csv", DIVISION_COLUMNS, (area.row() for area in areas))
    units = list(units_of(areas, english_names(data, upper)))
    write(out / "units.csv", UNIT_COLUMNS, units)
    write(out / "rosters.csv", ROSTER_COLUMNS, rosters_of(units))
    write(out / "devices.csv", DEVICE_COLUMNS, devices_of(areas))
    write(out / "resources.csv", RESOURCE_COLUMNS, resources_of(areas))
    shutil.copyfile(data / "cn_calendar_2024_2026.csv", out / "calendar.csv")
    features = [
        {"type": "Feature", "properties": {"code": code}, "geometry": mapping(polygon)}
        for code, polygon in polygons.items()
    ]
    lines = ",\n".join(json.dumps(feature, separators=(",", ":")) for feature in features)
    text = f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n'
    (out / "polygons.geojson").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
