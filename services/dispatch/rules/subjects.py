"""The unit that a report complains about (被反映主体): it neither leads nor helps, nor sees the order; the centre above
it decides. Whoever answers to it does not lead either. Source: design §2, §6; domain notes §E4 (举报).
"""

from collections.abc import Iterable

from msgspec.structs import replace

from schemas.facts import Hop, Plan, ReportReceived
from schemas.refusals import Refused
from services.dispatch.rules.directory import Directory


def named(directory: Directory, report: ReportReceived, plan: Plan) -> tuple[str, ...]:
    """The units that a report complains about: those that its subject names by id or by official name, and those that
    the router read in its words. Most reports are about no unit at all."""
    return tuple(dict.fromkeys((*directory.called(report.subject), *plan.subjects)))


def bars(directory: Directory, subjects: Iterable[str], unit: str) -> bool:
    """Whether a unit may have no part in work about these units: it is one of them, or answers to one. The top of the
    city has nobody above it, so only itself is barred."""
    return directory.bars(subjects, unit)


def check(directory: Directory, subjects: Iterable[str], units: Iterable[str]) -> None:
    """Raises Refused `subject_unit` when one of the units may have no part in it."""
    about = tuple(subjects)
    barred = [unit for unit in units if bars(directory, about, unit)] if about else []
    if barred:
        raise Refused("subject_unit", ", ".join(barred))


def cleared(directory: Directory, plan: Plan, subjects: tuple[str, ...]) -> Plan:
    """A plan without the units that are complained about, and those that answer to them: where one of them was to lead,
    the nearest centre above it does. The plan itself when none is in it."""
    units = (plan.lead, *plan.assists)
    if not subjects or not any(bars(directory, subjects, unit) for unit in units):
        return plan
    assists = tuple(unit for unit in plan.assists if not bars(directory, subjects, unit))
    if not bars(directory, subjects, plan.lead):
        return replace(plan, assists=assists)
    lead = above(directory, subjects, plan)
    tier = directory.tier_of(lead) or plan.place.tier
    kept = tuple(hop for hop in plan.path if not bars(directory, subjects, hop.unit) and hop.unit != lead)
    at = plan.path[-1].at if plan.path else None
    path = (*kept, Hop(tier=tier, unit=lead, at=at, by="subject")) if at is not None else ()
    return replace(plan, lead=lead, assists=tuple(a for a in assists if a != lead), path=path, together=False)


def above(directory: Directory, subjects: tuple[str, ...], plan: Plan) -> str:
    """The nearest centre above the lead that is not itself complained about, nor answers to one that is; the lead where
    there is none: no order is without an owner."""
    found = directory.centre_above(plan.lead)
    while found and bars(directory, subjects, found):
        found = directory.centre_above(found)
    return found or plan.lead
