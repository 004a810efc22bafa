"""The whole decision about one report: what needs no memory (`prepare`), then what to do with it (`conclude`).

`prepare` may run before the transaction, for a batch at a time; `conclude` gets the matters found by
`prepared.lookup_keys`, read under the locks `prepared.lock_keys`.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct, structs

from schemas.facts import (
    Candidate,
    OrderProposed,
    Place,
    Plan,
    ReportAnswered,
    ReportLinked,
    ReportReceived,
    ReportTransferred,
    TriageRequested,
)
from schemas.ids import order_id_of
from schemas.vocabulary import GRAVITY, Lane, Urgency, Verification
from services.router.rules.address import without_place
from services.router.rules.assign import Asked, Assigned, assign
from services.router.rules.atlas import Atlas
from services.router.rules.classify import Classified, classify
from services.router.rules.day import Day
from services.router.rules.hearing import Heard, hear
from services.router.rules.keys import lock_keys, lookup_keys, matter_keys
from services.router.rules.locate import Located, locate
from services.router.rules.match import Matched, match
from services.router.rules.merge import (
    Link,
    Matter,
    Suggest,
    about_whom,
    choose,
    joined,
    matter_of,
    may_merge,
)
from services.router.rules.question import Question, question_of, with_accused
from services.router.rules.quiet import marks_of
from services.router.rules.reasons import Evidence, Term
from services.router.rules.text import both, grams, wording
from services.router.rules.veto import Veto, danger
from services.router.rules.voices import voice_of

WORDS_ALONE = "lexicon-1"  # the model version of a class that was told without the trained model

RoutedFact = OrderProposed | ReportLinked | ReportAnswered | TriageRequested | ReportTransferred


class Kind(StrEnum):
    """What became of a report."""

    PROPOSE = "propose"
    LINK = "link"
    ANSWERED = "answered"
    TRIAGE = "triage"
    TRANSFERRED = "transferred"


class Step(Struct, frozen=True, omit_defaults=True):
    """One step of a decision, with what it rests on. `bar` is the confidence or score that would have settled it (0:
    none is asked for)."""

    step: str
    answer: str
    confidence: float
    because: str
    candidates: tuple[Candidate, ...] = ()
    bar: float = 0.0
    evidence: tuple[Evidence, ...] = ()
    terms: tuple[Term, ...] = ()


class Prepared(Struct, frozen=True):
    """All that can be said about a report without memory. `this` is the report as the matter it would open; `doubt`
    says why a person must decide, or "".

    `lock_keys`, `matter_keys` and `lookup_keys` are signed 64-bit keys: to lock, to store the matter under, to look for
    candidates under; all empty where the report cannot merge."""

    report: ReportReceived
    order_id: UUID
    text: str
    veto: Veto | None
    located: Located
    classified: Classified
    question: Question
    matched: Matched
    this: Matter
    lock_keys: tuple[int, ...]
    matter_keys: tuple[int, ...]
    lookup_keys: tuple[int, ...]
    urgency: Urgency
    doubt: str


class Explanation(Struct, frozen=True):
    """A decision as it is stored and served: its steps, its rule, and the versions it was taken by."""

    report_id: UUID
    decision: Kind
    steps: tuple[Step, ...]
    rule: str
    rulebook_version: str
    model_version: str
    area_version: str


class Decision(Struct, frozen=True):
    """What to do with a report: the fact to announce on `lane` under `order_id` (None: there is no order), the steps to
    keep for explaining, and the matter to write (a new one, the linked one brought up to date, or None);
    `suggested` is what a person should compare it with."""

    kind: Kind
    order_id: UUID | None
    fact: RoutedFact
    lane: Lane
    why: tuple[Step, ...]
    matter: Matter | None = None
    suggested: Suggest | None = None

    def explanation(self) -> Explanation:
        """The decision with its reasons, ready to be stored."""
        report, plan = self.fact.report, self.fact.plan
        return Explanation(
            report_id=report.report_id or UUID(int=0),
            decision=self.kind,
            steps=self.why,
            rule=plan.rule,
            rulebook_version=plan.rulebook_version,
            model_version=plan.model_version,
            area_version=plan.area_version,
        )


def prepare(report: ReportReceived, atlas: Atlas) -> Prepared:
    """Everything about a report that needs no memory. Raises ValueError for a report without its id."""
    return prepare_all([report], atlas)[0]


def prepare_all(reports: Sequence[ReportReceived], atlas: Atlas) -> list[Prepared]:
    """The same for a batch: the trained model reads all texts at once."""
    texts = [wording(report) for report in reports]
    heard = hear([text.partition("\n")[2] for text in texts], atlas.model)
    return [_prepare(*one, atlas) for one in zip(reports, texts, heard, strict=True)]


def _prepare(report: ReportReceived, text: str, heard: Heard | None, atlas: Atlas) -> Prepared:
    if report.report_id is None:
        raise ValueError("a report needs its id before it is routed")
    veto = danger(text, report, atlas)
    located = locate(report, text, atlas)
    classified = classify(report, text, atlas, heard)
    question = question_of(report, classified, located, veto.kind if veto else "", atlas)
    question = with_accused(question, text, atlas)
    matched = match(atlas, question, located)
    report = _kept_confidential(report, question)
    assert report.report_id is not None
    order_id = order_id_of(report.report_id)
    urgency = _urgency(report, veto, matched, atlas)
    voice = voice_of(report, atlas.district_of(located.place.division) if located.place else "")
    listed = classified.key in atlas.severe
    marks = marks_of(
        urgency, listed, text, atlas.vulnerable, danger=veto.kind if veto else "", accuses=question.accuses
    )
    about = about_whom(report, question.accused, atlas)
    sure = classified.confidence >= atlas.thresholds.classify_confidence
    this = matter_of(
        report, located, classified, order_id, grams(without_place(text)), voice, marks, sure=sure, about=about
    )
    free = may_merge(report, this)
    return Prepared(
        report=report,
        order_id=order_id,
        text=text,
        veto=veto,
        located=located,
        classified=classified,
        question=question,
        matched=matched,
        this=this,
        lock_keys=lock_keys(this, atlas) if free else (),
        matter_keys=matter_keys(this, atlas) if free else (),
        lookup_keys=lookup_keys(this, atlas) if free else (),
        urgency=urgency,
        doubt="" if veto else _doubt(located, classified, matched, atlas),
    )


def _kept_confidential(report: ReportReceived, question: Question) -> ReportReceived:
    """The report with its reporter's silence resolved: dispatch masks whom it is told to mask."""
    said = report.reporter
    if said is None or not question.confidential or said.confidential:
        return report
    return structs.replace(report, reporter=structs.replace(said, confidential=True))


def decide(
    report: ReportReceived, atlas: Atlas, prepared: Prepared | None, matters: list[Matter], now: datetime
) -> Decision:
    """The decision about a report in one call, e.g. for a dry run; `matters` are the candidates for a merge."""
    return conclude(prepared or prepare(report, atlas), matters, now, atlas)


def conclude(
    prepared: Prepared, candidates: list[Matter], now: datetime, atlas: Atlas, day: Day | None = None
) -> Decision:
    """What to do with a prepared report, given the matters it may belong to and the day as it is (None: nobody is full,
    nothing is free to be sent). `now` stamps the hops."""
    report, matched = prepared.report, prepared.matched
    found, considered = choose(candidates, prepared.this, atlas) if prepared.matter_keys else (None, ())
    matter = found.matter if isinstance(found, Link) else None
    assigned = assign(_asked(prepared, matter), now, day or Day(), atlas)
    plan = _plan(prepared, assigned, atlas)
    why = _steps(prepared, plan, assigned, found, considered, atlas)
    transfer = matched.rule.transfer_to if matched.rule and matched.settled and not prepared.veto else ""
    if report.answered and not prepared.veto:
        return _decision(Kind.ANSWERED, prepared, ReportAnswered(report=report, plan=plan), why)
    if transfer:
        fact = ReportTransferred(report=report, plan=plan, platform=transfer, why=matched.why)
        return _decision(Kind.TRANSFERRED, prepared, fact, why)
    if isinstance(found, Link):
        return _linked(prepared, found, plan, why, assigned)
    if prepared.doubt:
        triage = TriageRequested(
            order_id=prepared.order_id, report=report, plan=plan, candidates=matched.candidates, why=prepared.doubt
        )
        return _decision(Kind.TRIAGE, prepared, triage, why, prepared.this, found)
    proposed = OrderProposed(order_id=prepared.order_id, report=report, plan=plan)
    return _decision(Kind.PROPOSE, prepared, proposed, why, prepared.this, found)


def _decision(
    kind: Kind,
    prepared: Prepared,
    fact: RoutedFact,
    why: tuple[Step, ...],
    matter: Matter | None = None,
    suggested: Suggest | None = None,
) -> Decision:
    order_id = None if kind in (Kind.ANSWERED, Kind.TRANSFERRED) else prepared.order_id
    return Decision(kind, order_id, fact, _lane(fact.plan), why, matter, suggested)


def _lane(plan: Plan) -> Lane:
    return Lane.NORMAL if plan.urgency is Urgency.NORMAL else Lane.URGENT


def _asked(prepared: Prepared, matter: Matter | None) -> Asked:
    return Asked(
        report=prepared.report,
        located=prepared.located,
        classified=prepared.classified,
        matched=prepared.matched,
        veto=prepared.veto,
        urgency=prepared.urgency,
        doubt=prepared.doubt,
        accused=prepared.question.accused,
        matter=matter,
    )


def _linked(prepared: Prepared, found: Link, plan: Plan, why: tuple[Step, ...], assigned: Assigned) -> Decision:
    matter = found.matter
    fact = ReportLinked(
        order_id=matter.order_id,
        report=prepared.report,
        plan=plan,
        why=found.score.because,
        score=round(found.score.total, 4),
        raised_to=assigned.raised_to,
    )
    return Decision(Kind.LINK, matter.order_id, fact, _lane(plan), why, joined(matter, prepared.this))


def _urgency(report: ReportReceived, veto: Veto | None, matched: Matched, atlas: Atlas) -> Urgency:
    """The gravest of what danger, the rule and the alarm's screen say."""
    found = [Urgency.NORMAL]
    if veto:
        found.append(Urgency.CRITICAL)
    if matched.rule and matched.rule.urgency:
        found.append(matched.rule.urgency)
    if report.alarm and not report.alarm.fault:
        device = atlas.devices.get(report.device_id)
        screen = atlas.screens.get(device.kind if device else report.alarm.rule.partition(":")[0])
        if screen:
            found.append(screen.urgency)
    return max(found, key=GRAVITY.__getitem__)


def _doubt(located: Located, classified: Classified, matched: Matched, atlas: Atlas) -> str:
    """Why a person must decide; "" if nobody has to. Danger never waits for one: the city's desk has it already."""
    limits, doubts = atlas.thresholds, []
    if located.confidence < limits.locate_confidence:
        doubts.append(f"地点把握 {located.confidence:.2f}：{located.because}")
    if classified.confidence < limits.classify_confidence:
        doubts.append(f"类别把握 {classified.confidence:.2f}：{classified.because}")
    if not matched.settled:
        doubts.append(matched.why)
    return both(*doubts)


def _plan(prepared: Prepared, assigned: Assigned, atlas: Atlas) -> Plan:
    """The plan of a report; in doubt the deciding centre leads alone, as nothing else is sure."""
    matched, located, veto = prepared.matched, prepared.located, prepared.veto
    rule = matched.rule
    item = atlas.classes.get(prepared.classified.key)
    verification = item.verification if item else Verification.CALL
    return Plan(
        class_ref=prepared.classified.class_ref,
        place=located.place or atlas.place(atlas.city.root, 0.0),
        urgency=assigned.urgency,
        lead=assigned.lead.unit_id,
        assists=tuple(unit.unit_id for unit in assigned.assists),
        path=assigned.path,
        together=rule.together if rule else False,
        platforms=veto.platforms if veto else (),
        scene=prepared.classified.scene or (rule.scene if rule else ""),
        verification=rule.verification if rule and rule.verification else verification,
        rule=rule.rule_id if rule else "",
        rulebook_version=atlas.city.rulebook_version,
        model_version=atlas.card.version if prepared.classified.learned else WORDS_ALONE,
        demands=prepared.classified.demands,
        area_version=atlas.city.version,
        confidence=round(min(located.confidence, prepared.classified.confidence), 4),
        subjects=prepared.question.accused,
        resources=assigned.called,
    )


def _steps(
    prepared: Prepared,
    plan: Plan,
    assigned: Assigned,
    found: Link | Suggest | None,
    considered: tuple[Candidate, ...],
    atlas: Atlas,
) -> tuple[Step, ...]:
    veto, located, classified, matched = prepared.veto, prepared.located, prepared.classified, prepared.matched
    place: Place | None = located.place
    limits = atlas.thresholds
    bar = limits.merge_score
    if isinstance(found, Link):
        merge = Step("merge", f"link {found.matter.order_id}", found.score.total, found.score.because, considered, bar)
    elif found:
        merge = Step(
            "merge", f"suggest {found.matter.order_id}", found.score.total, found.score.because, considered, bar
        )
    else:
        merge = Step("merge", "new", 1.0, "没有足够相近的工单 | nothing near enough", considered, bar)
    return (
        Step("veto", veto.kind, 1.0, veto.because)
        if veto
        else Step("veto", "none", 1.0, "没有危险迹象 | no sign of danger"),
        Step(
            "locate",
            place.division if place else "",
            located.confidence,
            located.because,
            located.candidates,
            limits.locate_confidence,
            located.evidence,
        ),
        Step(
            "classify",
            classified.key,
            classified.confidence,
            classified.because,
            classified.candidates,
            limits.classify_confidence,
            terms=classified.terms,
        ),
        merge,
        Step(
            "match",
            matched.rule.rule_id if matched.rule else "",
            1.0 if matched.settled else 0.0,
            matched.why,
            matched.candidates,
        ),
        Step("tiers", plan.lead, 1.0, both(" → ".join(hop.unit for hop in plan.path), assigned.why)),
        *_sent_step(assigned),
    )


def _sent_step(assigned: Assigned) -> tuple[Step, ...]:
    """What is sent, where the rule asks for something."""
    if not assigned.sent:
        return ()
    answer = "、".join(one.resource_id for one in assigned.called)
    return (Step("resources", answer, 1.0 if assigned.called else 0.0, assigned.sent, assigned.considered),)
