"""Clocks of reporters: whoever reported is spoken to, answered and called back, each by his own promise."""

from collections.abc import Sequence
from datetime import datetime

from schemas.vocabulary import Source, Stage
from services.supervision.rules.stages.promises import Asked
from services.supervision.rules.stages.reader import SOURCE_DUE, Reader
from services.supervision.rules.timeline import Round, Voice


def of_voice(reader: Reader, voice: Voice, round_: Round, run: Sequence[Round]) -> None:
    """The contact, the answer and the call-back that a reporter waits for."""
    timeline = reader.of
    asked = (voice.source, voice.ticket_type, timeline.class_key, timeline.urgency, timeline.tier, round_.number)
    brought = voice.promise if voice.round == round_.number else None
    if brought is not None:  # a promise made elsewhere is kept here as it was made
        asked = (*asked[:2], brought.class_key, brought.urgency, brought.tier, brought.round)
    if not round_.rework or voice.round == round_.number:
        _contact(reader, asked, voice, round_, run)
    _total(reader, asked, voice, round_, run)
    if round_.callback_from is not None:
        _callback(reader, asked, voice, round_, max(voice.received_at, round_.callback_from))


def promised(
    voice: Voice, round_: Round, run: Sequence[Round]
) -> tuple[datetime, datetime | None, datetime | None] | None:
    """From when to when a report waits for its answer in a round with its rework (`run`): since when, when it was
    answered, when the order ended; None where the round makes it no promise of its own."""
    joins = voice.round == round_.number
    if round_.rework and not joins:
        return None
    start = _since(voice) if joins else round_.started_at
    answered = next((lap.answered_at for lap in run if lap.answered_at is not None), None)
    came = start if voice.promise is None or not joins else max(start, voice.promise.arrived_at)
    if answered is not None and answered < came:  # a report that joined after the answer was given
        answered = next((lap.ended_at for lap in run if lap.ended_at is not None), None)
    return start, answered, run[-1].ended_at


def _total(reader: Reader, asked: Asked, voice: Voice, round_: Round, run: Sequence[Round]) -> None:
    frame = promised(voice, round_, run)
    if frame is None:
        return
    start, answered, end = frame
    sent_with = voice.source_due if voice.round == round_.number else None
    sooner = None if sent_with is None else (sent_with, SOURCE_DUE)
    id_, granted, owner = voice.report_id, reader.moved(Stage.TOTAL, run), reader.of.top
    reader.add(asked, Stage.TOTAL, round_, owner, start, answered, end, report=id_, sooner=sooner, granted=granted)


def _contact(reader: Reader, asked: Asked, voice: Voice, round_: Round, run: Sequence[Round]) -> None:
    if voice.source is Source.TASK:  # a row of a list: nobody waits to be spoken to
        return
    numbers = {lap.number for lap in run}
    led = [p.offered_at for p in reader.of.parts if p.led and p.round in numbers]
    joins = voice.round == round_.number
    start = voice.promise.contact_from if joins and voice.promise is not None else None
    if start is None and led:
        start = max(_since(voice) if joins else round_.started_at, min(led))
    if start is not None:
        at = min((contact.at for contact in voice.contacts if contact.round in numbers), default=None)
        end = run[-1].ended_at
        reader.add(asked, Stage.CONTACT, round_, reader.of.lead, start, at, end, report=voice.report_id)


def _callback(reader: Reader, asked: Asked, voice: Voice, round_: Round, start: datetime) -> None:
    calls = [call for call in voice.callbacks if call.round == round_.number]
    at = min((call.at for call in calls if call.reached), default=None)
    if at is None and calls and round_.ended_at is not None:
        at = max(call.at for call in calls)
    end, owner = round_.ended_at, reader.of.centre
    reader.add(asked, Stage.CALLBACK, round_, owner, start, at, end, report=voice.report_id)


def _since(voice: Voice) -> datetime:
    """Since when what a reporter was promised first counts."""
    return voice.received_at if voice.promise is None else voice.promise.since
