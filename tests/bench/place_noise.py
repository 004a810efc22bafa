"""What happens to names between a caller's mouth and a ticket: misheard, mistyped, cut short, old, wrong, in another
script. Written from general knowledge of how people type; each noise may decline (None) where it has nothing to do."""

import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

from msgspec import Struct, structs

_SCRIPT = Path(__file__).parents[2] / "deploy" / "simulator" / "speech" / "shanghai" / "script.toml"
# Characters that a recogniser of speech or a pinyin keyboard puts for others.
_HEARD = """
虹红洪弘 桥乔侨 泾径经京 漕曹槽草 淞松宋嵩 浦普铺埔 闵敏闽 宝保堡 山三 杨扬阳洋 徐许须 汇会惠慧 静净敬 安案鞍 普浦
陀驼 嘉佳家 定订 松淞 江将姜 青清轻 奉凤丰 贤闲 崇重冲 明名铭 黄皇 新兴心辛鑫 华花化 路陆鹿 街接 道到 镇振震 村存 北背
外崴 滩摊 长常昌 宁林凝 天添 平瓶萍 四市寺 川穿 石十时 泉全 宜怡一 真珍针 如茹儒 征正 桃陶 万湾 里李理 曲屈 凉良 广光
中钟 欧殴 大达 控孔 延沿盐 吉级 殷因英 行航杭 角脚 场厂常 海亥 古谷 美梅 莘辛新 庄装 七期 颛专砖 梅眉 陇龙 吴无武 马玛
友有 谊艺意 张章彰 庙苗 罗洛萝 店点 月岳 顾故 高搞 境镜 成城程 翔祥 亭停廷 陆路 外歪 冈岗刚 潍维围 坊房方 陆六 嘴咀
周州洲 家佳嘉 渡度 塘堂糖 上尚 钢岗 南男 码马 沪护户 东冬 金今津 花华 木目 川传 沙莎 北被 蔡菜 合和河 庆清 曹操 三山
林霖 惠会 团湍 康抗 航行 祝住竹 泥尼 宣轩 书舒 院苑 祥翔 老劳 港岗 朱珠诸 枫风丰 堰燕 吕旅 廊郎 卫围 阳扬 岳月 永勇
丰峰 方芳 富付 九久 泗四 佘蛇舍 车彻 墩敦蹲 洞动 泖卯茂 湖胡 荡当 叶业 榭谢 昆坤 夏下 盈营迎 香乡 角觉 练炼 泽择 赵照
巷像 固故 白百 鹤贺 西希 庄桩 柘者 城成 河和 竖树 向像 星兴 沿延 陈程 绿录 建健 设社 横恒 五武 瑞锐 打大 淮怀 豫玉预
园元圆 天田 湖胡 枫峰 田天 斜协 凌灵玲 龙隆 仙先 霞侠 程成 周舟 曹槽 芷子止 共供 和河 临林 汾芬 彭朋棚 岳月 胜圣 利力
民名 红宏 光广 星新 建剑 丽利 苑院 苏素 申深 福富 德得 景井 运云 绿律
"""
_SHAPE = (
    "径泾 未末 土士 日曰 己已 千干 人入 大太 木本 末未 淌趟 陇拢 浃侠 漕槽 墩敦 滩摊 塘糖 泖柳 颛端 莘萃 "
    "榭射 堰偃 廊廓 淞凇 闵闽 浜滨 汾纷 芷芯 "
)
_OFTEN = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多"
    "定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因"
    "由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解"
    "问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少"
)
# What divisions were called before, or are called by some; from general knowledge.
_OLD = {
    "黄浦区": ("卢湾区", "南市区"),
    "静安区": ("闸北区",),
    "浦东新区": ("南汇区",),
    "崇明区": ("崇明县",),
    "北外滩街道": ("提篮桥街道",),
    "虹桥街道": ("虹桥路街道",),
    "真如镇街道": ("真如镇", "真如街道"),
    "江湾镇街道": ("江湾街道", "江湾镇"),
    "嘉定镇街道": ("嘉定镇",),
    "南汇新城镇": ("临港新城", "芦潮港镇"),
    "康健新村街道": ("康健街道",),
    "曹杨新村街道": ("曹杨街道",),
    "凉城新村街道": ("凉城街道",),
    "潍坊新村街道": ("潍坊街道",),
    "金杨新村街道": ("金杨街道",),
    "沪东新村街道": ("沪东街道",),
    "上钢新村街道": ("上钢街道",),
    "仙霞新村街道": ("仙霞街道",),
    "长风新村街道": ("长风街道",),
    "延吉新村街道": ("延吉街道",),
    "长白新村街道": ("长白街道",),
    "五角场街道": ("五角场镇",),
    "川沙新镇": ("川沙镇",),
    "菊园新区": ("菊园街道",),
    "浦锦街道": ("浦锦街办",),
}
_TO_SAY = {
    "街道": ("", "街道办", "街办"),
    "镇": ("", "镇政府"),
    "居委会": ("", "居委", "居民区", "社区"),
    "村委会": ("", "村", "村民委员会"),
    "区": ("",),
    "新区": ("",),
}
_DISTRICTS = [
    "黄浦区",
    "徐汇区",
    "长宁区",
    "静安区",
    "普陀区",
    "虹口区",
    "杨浦区",
    "闵行区",
    "宝山区",
    "嘉定区",
    "浦东新区",
    "金山区",
    "松江区",
    "青浦区",
    "奉贤区",
    "崇明区",
]
_DIGITS = dict(zip("一二三四五六七八九", "123456789", strict=True))


class Named(Struct, frozen=True):
    """The names that stand in one sentence, as they will be written; an empty committee is none."""

    district: str
    street: str
    committee: str


def _field(named: Named, rand: Random) -> str:
    """Which name it happens to: the lowest one three times in four, for it is the least known."""
    return ("committee" if named.committee else "street") if rand.random() < 0.75 else "street"


def _change(named: Named, field: str, text: str | None) -> Named | None:
    return None if text is None or text == getattr(named, field) else structs.replace(named, **{field: text})


@cache
def _heard() -> dict[str, str]:
    return {group[0]: group[1:] for group in _HEARD.split()}


def misheard(named: Named, rand: Random) -> Named | None:
    """One character as another of the same sound."""
    field = _field(named, rand)
    text = getattr(named, field)
    at = [n for n, sign in enumerate(text) if sign in _heard()]
    if not at:
        return None
    n = rand.choice(at)
    return _change(named, field, text[:n] + rand.choice(_heard()[text[n]]) + text[n + 1 :])


def mistyped(named: Named, rand: Random) -> Named | None:
    """One character wrong, missing, doubled, or changed with its neighbour."""
    field = _field(named, rand)
    text = getattr(named, field)
    n = rand.randrange(len(text))
    way = rand.random()
    if way < 0.4:
        looks = {pair[0]: pair[1] for pair in _SHAPE.split()}
        return _change(named, field, text[:n] + looks.get(text[n], rand.choice(_OFTEN)) + text[n + 1 :])
    if way < 0.65:
        return _change(named, field, text[:n] + text[n + 1 :])
    if way < 0.85 and n + 1 < len(text):
        return _change(named, field, text[:n] + text[n + 1] + text[n] + text[n + 2 :])
    return _change(named, field, text[:n] + text[n] + text[n:])


def cut_short(named: Named, rand: Random) -> Named | None:
    """The ending of a name left out, or said as people say it."""
    field = rand.choice(("district", "street", "street", "committee"))
    text = getattr(named, field)
    for ending, others in _TO_SAY.items():
        if text.endswith(ending) and len(text) > len(ending) + 1:
            return _change(named, field, text.removesuffix(ending) + rand.choice(others))
    return None


def old_name(named: Named, rand: Random) -> Named | None:
    """A name of before a merger."""
    field = rand.choice(("district", "street"))
    names = _OLD.get(getattr(named, field))
    return _change(named, field, rand.choice(names)) if names else None


def wrong_district(named: Named, rand: Random) -> Named | None:
    """The caller is mistaken about the district, now and then."""
    return _change(named, "district", rand.choice(_DISTRICTS)) if rand.random() < 0.5 else None


def digits(named: Named, rand: Random) -> Named | None:
    """Number words as digits."""
    text = "".join(_DIGITS.get(sign, sign) for sign in named.committee)
    return _change(named, "committee", text)


def spaced(named: Named, rand: Random) -> Named | None:
    """A blank or a mark inside or behind a name."""
    field = _field(named, rand)
    text = getattr(named, field)
    n = rand.randint(1, len(text))
    return _change(named, field, text[:n] + rand.choice((" ", "　", "-", "、", "·")) + text[n:])


NOISES: dict[str, Callable[[Named, Random], Named | None]] = {
    "misheard": misheard,
    "mistyped": mistyped,
    "cut short": cut_short,
    "old name": old_name,
    "wrong district": wrong_district,
    "digits": digits,
    "spaced": spaced,
}


@cache
def _traditional() -> dict[int, str]:
    pairs = tomllib.loads(_SCRIPT.read_text(encoding="utf-8"))["pairs"].split()
    return {ord(pair[0]): pair[1] for pair in pairs}


def as_typed(rand: Random) -> Callable[[str], str]:
    """How the keyboard was set: full-width digits and letters, the traditional script, or half-width marks."""
    way = rand.random()
    if way < 0.34:
        return lambda text: "".join(chr(ord(s) + 0xFEE0) if s.isascii() and s.isalnum() else s for s in text)
    if way < 0.67:
        return lambda text: text.translate(_traditional())
    return lambda text: text.translate(str.maketrans("，。：；（）", ",.:;()"))
