"""Which traits of how tickets are really written a report has, told from its words alone; what only the simulator knows
is whether the district is the wrong one."""

import re

from deploy.simulator.stream import Sent

__all__ = ["TRAITS", "traits_of"]

_TRADITIONAL = "來電樓號區無門廣東車間時從長開關報請這還進過個們處對麼聲點燈話說實現學國業"
_WORDS = {
    "full-width digits 全角": r"[０-９]",
    "half-width marks 半角标点": r"[\u4e00-\u9fff][,:;]",
    "traditional script 繁体": f"[{_TRADITIONAL}]",
    "lane, house, room 弄号室": r"[0-9０-９](?:弄|号|號|室)",
    "crossing 路口": r"路口|交叉口|交界|(?:路|街|道)(?:近|和)[\u4e00-\u9fff]{2,6}(?:路|街|道)",
    "side 方位": r"[东西南北東][侧側]|对面|對面|[以往][东西南北東]",
    "several demands 多诉求": r"另反映|此外|另外|同时反映|同時反映|第二个诉求|第二個訴求",
    "address above 上述地址": r"上述地址|该地址|該地址|诉求地址|訴求地址",
    "masked data 脱敏": r"\*{2,}|＊{2,}",
    "time word 时间词": r"昨[晚天]|今[晨早天]|前[天晚]|凌晨|傍晚|中午|刚才|剛才|上周|这两天|這兩天",
    "negation 否定": r"不是|并非|並非|没有|沒有|未见|未見",
}
_WRONG = "wrong district 错报区"
_MATCH = {name: re.compile(words) for name, words in _WORDS.items()}
TRAITS = (*_WORDS, _WRONG)


def traits_of(item: Sent) -> list[str]:
    """The traits of one report, by their names in `TRAITS`; none for readings."""
    if item.meant is None:
        return []
    text = f"{item.body.get('address', '')} {item.body['text']}"
    found = [name for name, words in _MATCH.items() if words.search(text)]
    return [*found, _WRONG] if item.meant.told == "wrong" else found
