"""`GET /v1/explain/{report_id}`: why a report went where it went, and what would have changed it."""

import asyncio
from uuid import UUID

import msgspec
from fastapi import Request, Response

from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.web import answer, principal
from services.router import store
from services.router.handlers.force import InForce
from services.router.rules.atlas import Atlas
from services.router.rules.plan import Explanation
from services.router.rules.told import told

# Not a responder: who holds the order of a report is not the router's to know, and a decision tells what was reported
# about whom.
DECIDED = (Role.AGENT, Role.DISPATCHER, Role.INSPECTOR, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR)
_explanation = msgspec.json.Decoder(Explanation).decode


async def explain(request: Request, report_id: UUID) -> Response:
    """Every step of the decision in words of both languages and as data: its answer, confidence, evidence, candidates,
    and what would have changed it. For those who take reports in, send work out or look after it; never for the unit
    that the report complains about, nor one that answers to it."""
    caller = principal(request, *DECIDED)
    force: InForce = request.app.state.force
    kept = await store.decision_of(request.app.state.pool, report_id)
    if kept is None:
        raise Refused("not_found", "no decision on this report (yet)")
    if caller.unit and force.atlas.organisation.bars(kept.ruling.question.accused, caller.unit):
        raise Refused("other_unit")
    explained = _explanation(kept.explanation)
    atlas = await _then(request, force, explained.rulebook_version)
    body = await asyncio.to_thread(told, explained, kept.ruling, kept.order_id, kept.decided_at, atlas)
    return answer(body)


async def _then(request: Request, force: InForce, version: str) -> Atlas:
    """The city of today under the rulebook of a version; under the one in force where that was never kept."""
    if version == force.atlas.rulebook.version:
        return force.atlas
    text = await store.text_of_version(request.app.state.pool, version)
    return force.atlas if text is None else await force.compiled(text, checked=False)
