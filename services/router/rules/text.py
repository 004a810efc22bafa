"""How alike two texts are, and how the router searches and tells them. Their normal form is that of `schemas.text`."""

from math import sqrt

import numpy as np

from schemas.text import plain as plain
from schemas.text import wording as wording

GRAM_BITS = 1024
_LEFT, _RIGHT, _DOWN = np.uint16(40503), np.uint16(26267), np.uint16(6)
_BOILERPLATE = (
    "市民来电反映|来电反映|市民反映|居民反映|来电人反映|来电人称|报警人称|市民表示|市民称|来电人表示|希望相关部门核查处理并电话告知处理结果|"
    "请相关部门尽快处理|希望有关部门核实处理|请求尽快协调修复|要求核实处理并回复|希望尽快处理|请尽快处理|请求尽快处理|电话答复|"
    "电话告知处理结果|巡查发现|上述地址|感谢|谢谢|请派人|已多次反映未果"
)


def both(*reasons: str) -> str:
    """Reasons of the form `Chinese | English`, empty ones left out, as one of that form."""
    parts = [reason.partition(" | ") for reason in reasons if reason]
    english = "; ".join(part for _, _, part in parts if part)
    return "；".join(part for part, _, _ in parts) + (f" | {english}" if english else "")


def bytewise(text: str) -> str:
    """The UTF-8 bytes of a plain text as a string of as many signs: the form in which words are searched, because a
    search tree over 256 signs is several times faster than one over all Chinese characters."""
    return text.encode().decode("latin-1")


def readable(part: str) -> str:
    """The text that a part of a bytewise string stands for; halves of characters at its ends are dropped."""
    return part.encode("latin-1").decode("utf-8", "ignore")


def _bitmap(text: str) -> bytes:
    bits = np.zeros(GRAM_BITS, dtype=np.uint8)
    marks = np.frombuffer(text.encode("utf-16-le"), dtype=np.uint16)
    bits[(marks[:-1] * _LEFT + marks[1:] * _RIGHT) >> _DOWN] = 1  # 16-bit products wrap; their top 10 bits are the slot
    return np.packbits(bits).tobytes()


_STOP = ~int.from_bytes(_bitmap("".join(f",{phrase},{phrase}。" for phrase in _BOILERPLATE.split("|"))), "big")


def grams(text: str) -> bytes:
    """The signature of a plain text: a bitmap (128 bytes) of its pairs of neighbouring characters, without the pairs
    of phrases that every ticket has. The same text has the same signature in every process and build."""
    return (int.from_bytes(_bitmap(text.replace("\n", "")), "big") & _STOP).to_bytes(GRAM_BITS // 8, "big")


def alike(a: bytes, b: bytes) -> float:
    """How alike two signatures are, in 0–1: the cosine of their sets of pairs, less what chance alone would share.

    Symmetric; 1 for equal signatures; 0 when either is empty.
    """
    left, right = int.from_bytes(a, "big"), int.from_bytes(b, "big")
    count_left, count_right = left.bit_count(), right.bit_count()
    if not count_left or not count_right:
        return 0.0
    if left == right:
        return 1.0
    chance = count_left * count_right / GRAM_BITS
    whole = sqrt(count_left * count_right)
    if whole <= chance:
        return 0.0
    return min(1.0, max(0.0, ((left & right).bit_count() - chance) / (whole - chance)))
