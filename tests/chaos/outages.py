"""Kafka away for a minute, PostgreSQL away for a minute: once silent with its connections open, once dead."""

import time
from collections.abc import Callable

from deploy.stack.lifecycle import Stack
from deploy.stack.processes import SERVERS
from tests.chaos.judge import Verdict, count_ways, judge
from tests.chaos.load import Load, load
from tests.chaos.town import (
    all_answer,
    freeze,
    kill_and_keep_down,
    pids,
    say,
    start_again,
    thaw,
    town,
    until,
)

AWAY = 60.0
BETWEEN = 8.0
NOTICED = 2.5  # seconds until a send has run into its time-out


def run(seed: int, away: float = AWAY) -> Verdict:
    """Four outages one after the other, under load; then judge."""
    verdict = Verdict()
    with town("outages") as stack:
        before = pids(stack)
        with load(stack, seed) as sender:
            for server in ("kafka", "postgres"):
                for manner, outage in (("silent", _silent), ("dead", _dead)):
                    time.sleep(BETWEEN)
                    say(f"{server} is {manner} for {away:.0f} s")
                    began, ended = outage(stack, server, away)
                    _must_have_answered(sender, f"{server}_{manner}", began, ended, verdict)
                    _must_recover(stack, sender, f"{server}_{manner}", verdict)
            for cause in sender.finish():
                verdict.must(False, cause)
            ledger = sender.entries()
        count_ways(ledger, verdict)
        after = pids(stack)
        restarted = [each for each, pid in before.items() if each not in SERVERS and after[each] != pid]
        verdict.counts["restarted_services"] = ", ".join(restarted) or "none"
        unkept = [e for e in ledger if e.way == "status" and (e.status >= 500 or e.status == 0)]
        verdict.must(not unkept, f"{len(unkept)} requests without a 202, first {unkept[:3]}")
        judge(stack, ledger, verdict)
    return verdict


def _silent(stack: Stack, server: str, away: float) -> tuple[float, float]:
    frozen = freeze(stack, server)
    began = time.time()
    try:
        time.sleep(away)
    finally:
        ended = time.time()
        thaw(frozen)
    return began, ended


def _dead(stack: Stack, server: str, away: float) -> tuple[float, float]:
    kill_and_keep_down(stack, server)
    began = time.time()
    time.sleep(away)
    ended = time.time()
    start_again(stack, server)
    return began, ended


def _must_have_answered(sender: Load, what: str, began: float, ended: float, verdict: Verdict) -> None:
    """All the time 202, and while Kafka was away every one of them spooled and said so."""
    entries = [e for e in sender.entries() if began <= e.answered <= ended and e.way in ("single", "bulk", "readings")]
    late = [e.answered - e.sent for e in entries]
    verdict.counts[f"{what}_accepted"] = len(entries)
    verdict.counts[f"{what}_slowest_answer_s"] = round(max(late, default=0), 2)
    answered = sorted(e.answered for e in entries)
    gap = max((b - a for a, b in zip([began, *answered], [*answered, ended], strict=True)), default=0.0)
    verdict.counts[f"{what}_longest_silence_s"] = round(gap, 2)
    verdict.must(gap < 10, f"{what}: nothing was answered for {gap:.0f} s")
    if what.startswith("kafka"):
        settled = [e for e in entries if e.sent > began + NOTICED and e.answered < ended - 0.5]
        untold = [e for e in settled if e.state != "spooled"]
        verdict.counts[f"{what}_spooled"] = sum(e.state == "spooled" for e in entries)
        verdict.must(bool(settled), f"{what}: nothing was accepted while it was away")
        verdict.must(not untold, f"{what}: {len(untold)} were not said to be spooled, first {untold[:2]}")


def _must_recover(stack: Stack, sender: Load, what: str, verdict: Verdict) -> None:
    """Everything answers again, and new reports go straight to Kafka."""
    began = time.monotonic()
    verdict.must(all_answer(stack, 120), f"{what}: not everything answered again within two minutes")
    flowing = until("reports flow again", _flows(sender), 90)
    verdict.must(flowing, f"{what}: reports were still spooled 90 s after it was back")
    verdict.counts[f"{what}_back_after_s"] = round(time.monotonic() - began, 1)


def _flows(sender: Load) -> Callable[[], bool]:
    since = time.time()

    def look() -> bool:
        time.sleep(0.5)
        recent = [e for e in sender.entries() if e.sent > since and e.way in ("single", "bulk")]
        return len(recent) >= 20 and all(e.state == "accepted" for e in recent[-20:])

    return look
