"""How long the router's rules take for one report: `python -m tests.bench.router_rules [--city NAME]`.

Prints microseconds per report for each step, the best of many short runs, so that other work on the machine counts
little. Nothing is asserted.
"""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from uuid import UUID

from schemas.codec import encode
from schemas.facts import ReportReceived
from schemas.vocabulary import Source
from services.chassis.city import load
from services.router.rules.atlas import Atlas
from services.router.rules.classify import classify
from services.router.rules.hearing import hear
from services.router.rules.keys import lock_keys, lookup_keys, matter_keys
from services.router.rules.locate import locate
from services.router.rules.match import match
from services.router.rules.outcome import ruling_of
from services.router.rules.plan import conclude, prepare
from services.router.rules.question import question_of
from services.router.rules.text import grams, wording
from services.router.rules.veto import danger
from services.router.store import pack

NOW = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)
CITIES = Path(__file__).parents[2] / "deploy" / "cities"
TEXTS = (
    "市民来电反映:虹口区北外滩街道东余杭路100弄旁工地,昨晚23时至今晨5时浇筑作业,噪声扰民,已多次反映未果,要求核实许可。",
    "来电人称:静安区临汾路街道临汾路100弄3号楼电梯今早起停运,楼内有行动不便老人,物业称等配件,请求尽快协调修复。",
    "咨询徐汇区田林街道社区食堂老年人就餐补贴办理条件及所需材料,市民家中有八十岁老人,希望工作人员电话告知具体流程。",
    "报警人称:长宁区虹桥街道虹桥路1000弄小区门口,商户要进小区开店,居民不让进,双方争吵,无人受伤,无械具。",
    "巡查发现:塘桥街道浦建路300号门前人行道雨水井盖缺失,已设锥桶,附照片2张,请养护单位尽快补上,注意行人安全。",
    "市民反映,普陀区真如镇街道兰溪路200号饭店油烟直排到居民窗口,味道很重,已持续两个月,希望相关部门核查处理。",
)


def best(work: Callable[[], object], reports: int) -> float:
    """Microseconds per report in the quietest of 400 short runs."""
    quietest = float("inf")
    for _ in range(400):
        begin = perf_counter()
        work()
        quietest = min(quietest, perf_counter() - begin)
    return quietest / reports * 1e6


def main() -> None:
    """Measure every step over the same reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--city", default="shanghai")
    begin = perf_counter()
    atlas = Atlas.of(load(CITIES / parser.parse_args().city))
    print(f"city loaded and compiled in {perf_counter() - begin:.2f} s")
    reports = [
        ReportReceived(source=Source.HOTLINE, received_at=NOW, report_id=UUID(int=n), text=text)
        for n, text in enumerate(TEXTS)
    ]
    prepared = [prepare(one, atlas) for one in reports]

    def told() -> None:
        for one in reports:
            text = wording(one)
            danger(text, one, atlas)
            locate(one, text, atlas)
            classify(one, text, atlas, next(hear([text.partition("\n")[2]], atlas.model)))

    decisions = [conclude(p, [], NOW, atlas) for p in prepared]

    def whole() -> None:
        for one in reports:
            conclude(prepare(one, atlas), [], NOW, atlas)

    steps: dict[str, Callable[[], object]] = {
        "wording": lambda: [wording(one) for one in reports],
        "wording + veto + locate + classify": told,
        "question": lambda: [question_of(p.report, p.classified, p.located, "", atlas) for p in prepared],
        "match": lambda: [match(atlas, p.question, p.located) for p in prepared],
        "signature": lambda: [grams(p.text) for p in prepared],
        "keys": lambda: [
            (lock_keys(p.this, atlas), matter_keys(p.this, atlas), lookup_keys(p.this, atlas)) for p in prepared
        ],
        "conclude, no candidates": lambda: [conclude(p, [], NOW, atlas) for p in prepared],
        "conclude, 5 candidates": lambda: [conclude(p, [p.this] * 5, NOW, atlas) for p in prepared],
        "explanation and ruling, as stored": lambda: [
            (encode(one.explanation()), pack(ruling_of(p.question, p.matched)))
            for one, p in zip(decisions, prepared, strict=True)
        ],
        "prepare + conclude": whole,
    }
    print(f"{len(reports)} reports of {sum(map(len, TEXTS)) / len(TEXTS):.0f} characters; µs per report")
    for name, work in steps.items():
        print(f"{best(work, len(reports)):8.1f}  {name}")


if __name__ == "__main__":
    main()
