"""What the trained model hears in reports, a batch at a time: the whole text, and each demand where there are several.

Without a model nothing is heard, and words alone decide.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import repeat

from msgspec import Struct

from services.router.rules.model import Model, Scored
from services.router.rules.text import bytewise

# What is denied is not what it is about. 是不是 asks, 不是…而是 denies only up to 而是, 不是第一次 denies nothing.
_DENIED = re.compile(
    r"(?<![是要])(?:不是|并非|不属于|不涉及|而非|不反映|不投诉)(?!第|一次|很|太|不|没)[^,。、;:!?\n]{1,16}?(?=而是|是|[,。、;:!?\n]|$)"
)
# 没有 mostly says what is missing (没有路灯, 没有火灾报警器): only what nobody misses is denied by it, and only where
# the clause ends with it. 有没有 asks, 不是没有 affirms. Alternatives only, so that it can be read bytewise too.
_DID_NOT_HAPPEN = (
    "(?<!有)(?<!是)(?<!非)(?:并没有|并未|没有|没|未|无|不存在)(?:再|任何|明显|发生|出现|发现|看到|见到|闻到|听到|有人|人){0,2}"
    "(?:起火|着火|失火|火灾|火情|明火|冒烟|浓烟|爆炸|燃气泄漏|煤气泄漏|泄漏|漏气|漏水|漏电|触电|坍塌|倒塌|塌方|溺水|落水|"
    "被困|受伤|中毒|打架|斗殴|噪音|噪声|扰民|油烟|异味|臭味|积水)"
    "(?=,|。|、|;|:|!|\\?|\\s|了|的|情况|现象|迹象|只|但|就|$)"
)
_UNDONE = re.compile(_DID_NOT_HAPPEN)
_UNDONE_BYTES = re.compile(bytewise(_DID_NOT_HAPPEN))
_SIGNS_OF_UNDONE = ("没", "未", "无", "不存在")
_SIGNS_IN_BYTES = tuple(map(bytewise, _SIGNS_OF_UNDONE))
_ALSO = re.compile(
    r"[,。;、\s](?:另外|此外|另反映|另有|另,|还有一件事|还有个问题|同时反映|同时还|其次|顺便|第[二三][,、个件]|[2二3三][、.]|"
    r"诉求[2二3三]|并且反映|还反映|also|in addition)[,:]?"
)
AT_ONCE = 56  # texts read at a time
_LEAST = 6  # signs of a demand
_MOST = 4  # demands of one text


class Part(Struct, frozen=True):
    """One demand: its span in the text (signs) and what the model says of it."""

    start: int
    end: int
    scored: Scored


class Heard(Struct, frozen=True):
    """What the model says of one text: of all of it, and of each demand where there are several."""

    text: str
    scored: Scored
    parts: tuple[Part, ...] = ()


def without_denied(text: str) -> str:
    """A plain text whose denied matters (不是噪音问题, 没有起火) are blanked out, as long as before."""
    if "不" in text or "非" in text:
        text = _DENIED.sub(_blank, text)
    if any(sign in text for sign in _SIGNS_OF_UNDONE):
        text = _UNDONE.sub(_blank, text)
    return text


def _blank(found: re.Match[str]) -> str:
    return "," * len(found[0])


def undone(body: str) -> list[tuple[int, int]]:
    """Where a plain text in bytewise form says that something did not happen (没有起火): from and to, in bytes."""
    if not any(sign in body for sign in _SIGNS_IN_BYTES):
        return []
    return [found.span() for found in _UNDONE_BYTES.finditer(body)]


def spans(text: str) -> list[tuple[int, int]]:
    """The spans of the demands of a text, in signs; one span for a text that makes one."""
    cuts = [0]
    for found in _ALSO.finditer(text):
        if found.start() - cuts[-1] >= _LEAST and len(text) - found.end() >= _LEAST and len(cuts) < _MOST:
            cuts.append(found.start())
    return list(zip(cuts, [*cuts[1:], len(text)], strict=True))


def hear(texts: Sequence[str], model: Model | None) -> Iterator[Heard | None]:
    """What the model says of each plain text, in their order; None for all of them without a model. Texts are read some
    at a time, just before they are asked for, so that what was heard is still at hand when it is judged."""
    if model is None:
        yield from repeat(None, len(texts))
        return
    for begin in range(0, len(texts), AT_ONCE):
        yield from _heard(texts[begin : begin + AT_ONCE], model)


def _heard(texts: Sequence[str], model: Model) -> Iterator[Heard]:
    told = [without_denied(text) for text in texts]
    parts: list[tuple[int, int, int]] = []
    for number, text in enumerate(told):
        found = spans(text)
        if len(found) > 1:
            parts += [(number, start, end) for start, end in found]
    scored = model.score(told + [told[number][start:end] for number, start, end in parts])
    several: dict[int, list[Part]] = {}
    for (number, start, end), one in zip(parts, scored[len(told) :], strict=True):
        several.setdefault(number, []).append(Part(start, end, one))
    for number, text in enumerate(told):
        yield Heard(text, scored[number], tuple(several.get(number, ())))
