"""A complete city pack of a few lines, to be broken one spot at a time."""

from pathlib import Path

FILES = {
    "city.toml": """\
name = "small"
title = "小城"
title_en = "Small Town"
timezone = "Asia/Shanghai"
version = "1"
root = "C"
bounds = [10.0, 50.0, 11.0, 51.0]

[thresholds]
merge_score = 0.7

[[working_hours]]
name = "office"
shifts = [["9:00", "12:00"], ["13:00", "17:30"]]

[[calendar]]
name = "small"
file = "calendar.csv"
hours = "office"
version = "1"
years = [2026]
""",
    "calendar.csv": """\
date,kind,name
2026-01-01,holiday,New Year
2026-01-04,makeup_workday,New Year
""",
    "divisions.csv": """\
code,name,parent,tier,kind,aliases,lon,lat,valid_from,valid_to
C,小城,,city,,,,,,
D1,东区,C,district,,,10.2,50.2,,
D2,西区,C,district,,,10.7,50.2,,
S1,桥头街道,D1,street,,桥头|老桥,10.21,50.21,,
S2,河边街道,D1,street,,,10.25,50.25,,
S3,山上街道,D2,street,,,10.71,50.21,,
K1,一村居委会,S1,committee,,一村,10.211,50.211,,
""",
    "polygons.geojson": """\
{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"code":"D1"},"geometry":{"type":"Polygon","coordinates":[[[10.1,50.1],[10.5,50.1],[10.5,50.5],[10.1,50.1]]]}},
{"type":"Feature","properties":{"code":"D2"},"geometry":{"type":"MultiPolygon","coordinates":[[[[10.5,50.1],[10.9,50.1],[10.9,50.5],[10.5,50.1]]]]}}
]}
""",
    "landmarks.csv": """\
name,kind,division,share,numbers,aliases
长街,road,S1,0.5,1-99,
长街,road,S3,0.4,odd 101-199,大街
石桥新村,compound,K1,0.9,,
""",
    "units.csv": """\
unit_id,name,name_en,tier,function,division,parent,second_parent,phone
C-centre,城运中心,Centre,city,centre,C,,,
C-desk,值班室,Desk,city,duty_desk,C,C-centre,,
C-110,报警台,Police,city,police,C,C-centre,,110
D1-centre,东区中心,East,district,centre,D1,C-centre,,
S1-centre,桥头中心,Bridge,street,centre,S1,D1-centre,,
S1-cleaning,桥头环卫,Cleaning,street,cleaning,S1,S1-centre,,
D2-cleaning,西区环卫,Cleaning,district,cleaning,D2,C-centre,,
S2-cleaning,河边环卫,Cleaning,street,cleaning,S2,D1-centre,C-centre,
K1-committee,一村居委会,,committee,committee,K1,S1-centre,,
""",
    "classes.csv": """\
standard,kind,code,name,name_en,major,words,not_words,verification,photos
T,event,01,垃圾,Rubbish,环境,垃圾|污物,垃圾桶,site,both
T,event,02,积水,Water,环境,积水,,site,
T,service,03,咨询,Advice,服务,咨询,,none,
T,event,04,设备故障,Device fault,设备,,,sensor,
""",
    "lexicon.toml": """\
[[danger]]
words = ["持刀"]
kind = "violence"
platforms = ["110"]

[[danger]]
words = ["冒烟"]
kind = "fire"
platforms = ["110"]
near = ["楼"]
unless = ["油烟"]

[negation]
words = ["没有", "不是"]
""",
    "police.csv": """\
code,name,stays_with,class_key
010000,刑事,110,
050000,求助,,T/service/03
""",
    "one_stop.csv": """\
code,name,class_key
000109,公安,T/event/01
0001,其他,T/event/01
""",
    "scenes.toml": """\
[[screen]]
kind = "water_level"
unit = "cm"
minimum = 0.0
maximum = 500.0
high = 15.0
clear_high = 5.0
silent_after_s = 3600
scene = "underpass"
class_key = "T/event/02"
fault_class_key = "T/event/04"
""",
    "devices.csv": """\
device_id,kind,division,name,lon,lat,gateway,asset
WL-1,water_level,S1,桥下,10.22,50.22,GW-1,underpass-1
WL-2,water_level,S2,河下,,,GW-1,
""",
    "rosters.csv": """\
unit_id,days,starts,ends,person,deputy,phone,note
C-desk,mon|tue|wed|thu|fri|sat|sun,8:00,20:00,甲,乙,55550001,
C-desk,mon|tue|wed|thu|fri|sat|sun,20:00,8:00,丙,丁,55550001,夜班
C-desk,2026-10-01,8:00,8:00,戊,,55550002,国庆
S1-centre,mon|tue|wed|thu|fri,09:00,17:30,己,庚,55550003,
""",
    "rulebook.toml": """\
version = "1"

[[rule]]
rule_id = "fallback"
lead = "centre"

[[rule]]
rule_id = "rubbish"
classes = ["major:环境"]
lead = "cleaning"
assists = ["centre"]

[[rule]]
rule_id = "underpass"
classes = ["T/event/02"]
scenes = ["underpass"]
lead = "police"
hours = ["22:00", "6:00"]
""",
    "policy.toml": """\
version = "1"
stages_without_limit = [
    "triage", "dispatch", "contact", "arrive", "verify", "callback", "decide", "sign", "answer", "commitment",
]

[[limit]]
limit_id = "accept"
stage = "accept"
amount = 4
unit = "work_hour"

[[limit]]
limit_id = "handle-advice"
stage = "handle"
amount = 1
unit = "work_day"
classes = ["T/service/03"]

[[limit]]
limit_id = "handle"
stage = "handle"
amount = 4
unit = "work_day"

[[limit]]
limit_id = "total"
stage = "total"
amount = 5
unit = "work_day"
calendar = "small"
""",
    "SOURCES.md": "Made up for tests.\n",
}


def write(directory: Path) -> Path:
    """Write the whole pack into an empty folder."""
    for file, text in FILES.items():
        (directory / file).write_text(text, encoding="utf-8")
    return directory


def change(directory: Path, file: str, old: str, new: str) -> None:
    """Replace the one place where `old` stands; an `old` of "" appends."""
    path = directory / file
    text = path.read_text(encoding="utf-8")
    if not old:
        path.write_text(text + new, encoding="utf-8")
        return
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    path.write_text(text.replace(old, new), encoding="utf-8")
