"""SIGKILL of everything, again and again, under load."""

import random
import time

from deploy.stack.lifecycle import Stack
from tests.chaos.judge import Verdict, count_ways, judge
from tests.chaos.load import load
from tests.chaos.town import SERVICES, all_answer, kill, kill_backend, pids, say, town, until

KILLS = 20
BACKEND = "a postgres backend"
TARGETS = (*SERVICES, "kafka", "postgres", BACKEND, "supervisord")


def drawn(rand: random.Random, kills: int) -> list[str]:
    """What is killed, in which order: everything once, the rest by chance."""
    chosen = list(TARGETS) + [rand.choice(TARGETS) for _ in range(max(0, kills - len(TARGETS)))]
    rand.shuffle(chosen)
    return chosen[:kills]


def run(seed: int, kills: int = KILLS) -> Verdict:
    """Kill at random moments, let everything come to rest, judge."""
    rand = random.Random(seed)
    verdict = Verdict()
    with town("kills") as stack:
        with load(stack, seed) as sender:
            began = time.monotonic()
            for number, name in enumerate(drawn(rand, kills), 1):
                time.sleep(rand.uniform(0.5, 5))
                say(f"kill {number}/{kills}: {name} ({time.monotonic() - began:.0f} s)")
                verdict.must(_strike(stack, name, rand, verdict), f"{name} was not there to be killed for a minute")
            verdict.must(all_answer(stack), "a service did not come back")
            time.sleep(3)
            for cause in sender.finish():
                verdict.must(False, cause)
            verdict.counts["kills"] = kills
            verdict.counts["seconds_under_fire"] = round(time.monotonic() - began)
            ledger = sender.entries()
        count_ways(ledger, verdict)
        judge(stack, ledger, verdict)
        verdict.counts["restarts"] = restarts(stack)
    return verdict


def _strike(stack: Stack, name: str, rand: random.Random, verdict: Verdict) -> bool:
    if name == BACKEND:
        return kill_backend(stack, rand)
    if name != "supervisord":
        return kill(stack, name)
    settled = until("all processes run", lambda: all(pids(stack).values()), 60)
    before = pids(stack)
    done = kill(stack, name)
    stack.up()
    after = pids(stack)
    changed = [each for each, pid in before.items() if each != name and after[each] != pid]
    verdict.must(not settled or not changed, f"not adopted after the supervisor was killed: {', '.join(changed)}")
    return done


def restarts(stack: Stack) -> int:
    """How often the supervisors started anything, as their log tells."""
    log = stack.home.logs / "supervisor.log"
    return log.read_text(encoding="utf-8", errors="replace").count("spawned: ") if log.exists() else 0
