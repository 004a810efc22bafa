"""Which clocks an order has, since when, until when and how they stand: a pure function of its timeline and the terms.

| stage    | one for each | starts                                     | met by                                     |
|----------|--------------|--------------------------------------------|--------------------------------------------|
| triage   | order        | opening without a sure unit                | the decision: routed, rejected, passed on  |
| accept   | assignment   | the offer                                  | acceptance                                 |
| dispatch | assignment   | the offer to a centre                      | passing it on; being done ends it          |
| arrive   | assignment   | the offer                                  | arrival; being done ends it                |
| handle   | assignment   | the offer (派遣): dawdling earns no time    | the unit's "done"                          |
| contact  | report       | its receipt, not before a unit leads       | a reporter reached by a unit               |
| verify   | order        | the result waits for its check             | the check, whatever it says                |
| callback | report       | the answer is approved                     | reached, rated or 未评价; at closing, any try |
| sign     | hand-over    | another platform is asked                  | a named person there signs; going back ends|
| decide   | request, for | when it came before that centre            | the decision; the centre above takes over  |
|          | each centre  |                                            |                                            |
| decide   | parking      | the parking; due on its review date        | the order going on, or parked anew         |
| answer   | supervision, | its opening; then each refusal             | the answer; what it is about being over    |
|          | each answer  |                                            | ends it                                    |
| total    | report       | its receipt; in a reopened round that      | the approved answer                        |

The limits of a clock are those of the policy version that covers it (`promises`).

A request moves no clock until it is granted. Then, of the stages that the policy names for its kind: an extension sets
a new end for its unit's `handle` and the reporters' `total`; a deferral and a parking make clocks stand still, a
deferral until its date, a parking until the order goes on. No `total` is moved past the sending platform's own due.

An order that becomes more urgent has, from then on, no more time than one that begins so; what was promised before, and
is sooner, stays. One that becomes less urgent has as long as if it had never been more urgent than that.

A part that was passed on has clocks of its own, its handling the sooner of the policy's deadline and its parent's; the
parent's run on. An assist that becomes the lead starts anew from that moment.

A failed check is rework: `contact` and `total` run on, the lead gets a `handle` of the new round. Of the computed
deadline of `total` and the sending platform's own, the earlier counts. What ends without being met is cancelled, unless
it was late already; an order entered in error (void) was never late. A stage without a policy row has no clock.
"""

from collections.abc import Sequence
from datetime import datetime

from services.supervision.rules.stages import parts, reports, requests, supervising
from services.supervision.rules.stages.promises import Asked, Clock, Promises, Span, TermsData, set_to
from services.supervision.rules.stages.reader import PARENT_DUE, REVIEW_DATE, SOURCE_DUE, Reader
from services.supervision.rules.stages.reports import promised
from services.supervision.rules.timeline import Round, Timeline

__all__ = [
    "PARENT_DUE",
    "REVIEW_DATE",
    "SOURCE_DUE",
    "Asked",
    "Clock",
    "Promises",
    "Span",
    "TermsData",
    "clocks",
    "promised",
    "run_from",
    "set_to",
]


def clocks(timeline: Timeline, promises: Promises, known: datetime | None = None) -> list[Clock]:
    """All clocks of an order, in the order of its rounds. `known`: every fact recorded before it is in the timeline,
    so what was due before it and is not met is missed; None leaves it running until that is certain."""
    reader = Reader(timeline, promises, known)
    parts.of_triage(reader)
    for place, round_ in enumerate(timeline.rounds):
        for part in timeline.parts:
            if part.round == round_.number:
                parts.of_part(reader, part, round_, place)
        if round_.verify_from is not None:
            parts.of_check(reader, round_, round_.verify_from)
        for asked in timeline.handovers:
            if asked.round == round_.number:
                parts.of_handover(reader, asked, round_)
        for ask in timeline.asks:
            if ask.round == round_.number:
                requests.of_ask(reader, ask, round_)
        for watch in timeline.watches:
            if watch.round == round_.number:
                supervising.of_watch(reader, watch, round_)
        run = run_from(timeline.rounds, place)
        for voice in timeline.voices:
            if voice.round <= round_.number and not voice.away:
                reports.of_voice(reader, voice, round_, run)
    return reader.found


def run_from(rounds: tuple[Round, ...], place: int) -> Sequence[Round]:
    """A round with the rework that followed it: one promise."""
    end = place + 1
    while end < len(rounds) and rounds[end].rework:
        end += 1
    return rounds[place:end]
