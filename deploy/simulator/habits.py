"""How people work: who accepts at once, who comes back late, who forgets; and what they say when they are done."""

from math import exp
from random import Random

from msgspec import Struct

from deploy.simulator.grammar import pick

__all__ = ["Habit", "habit_of"]

_FORGETS = 0.06
_LATE = 0.12
_NEVER_ACCEPTS = 0.3  # of those who forget
_LATE_FACTOR = 8.0
_NOT_REACHED = 0.15
_FAILS_CHECK = 0.05
_ANSWERS = (
    "已到现场处理完毕，已向来电人说明情况。",
    "经现场核实，问题属实，已整改完成。",
    "已联系责任单位处理，现场已恢复。",
    "经核查，该情况符合规定，已向来电人解释说明。",
    "已清理完毕，后续将加强巡查。",
    "已协调双方达成一致，来电人表示认可。",
)
_RESULTS = (("solved", 0.78), ("explained", 0.95), ("not_possible", 1.0))
_WORDS = (("satisfied", 0.62), ("mostly", 0.8), ("fair", 0.9), ("dissatisfied", 1.0))


class Habit(Struct, frozen=True):
    """What one responder will do with one assignment. Delays are in simulated minutes, from the step before."""

    kind: str  # "prompt", "late", "forgets"
    accept: float | None  # None: never
    contact: float
    arrive: float
    finish: float | None
    reached: bool
    result: str
    answer: str
    passes: bool
    satisfied: str | None  # None: not reached at the call-back
    solved: bool


def habit_of(seed: int, assignment: str) -> Habit:
    """The habit of whoever gets this assignment: the same seed and assignment give the same."""
    random = Random(f"{seed}/{assignment}")
    rand = random.random

    def minutes(median: float) -> float:
        return median * exp(random.gauss(0.0, 0.6))

    chance = rand()
    kind = "forgets" if chance < _FORGETS else "late" if chance < _FORGETS + _LATE else "prompt"
    slow = _LATE_FACTOR if kind == "late" else 1.0
    accept: float | None = minutes(6) * slow
    finish: float | None = minutes(45) * slow
    if kind == "forgets":
        finish = None
        if rand() < _NEVER_ACCEPTS:
            accept = None
    result = _of(_RESULTS, rand())
    word = _of(_WORDS, rand())
    return Habit(
        kind=kind,
        accept=accept,
        contact=minutes(8),
        arrive=minutes(20),
        finish=finish,
        reached=rand() >= _NOT_REACHED,
        result=result,
        answer=pick(_ANSWERS, rand),
        passes=rand() >= _FAILS_CHECK,
        satisfied=word if rand() >= _NOT_REACHED else None,
        solved=result == "solved",
    )


def _of(table: tuple[tuple[str, float], ...], chance: float) -> str:
    return next(name for name, most in table if chance < most)
