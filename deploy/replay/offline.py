"""The same comparison with the rules alone: no server runs, nothing is sent."""

from collections.abc import Iterable

from deploy.replay.compare import Ours
from deploy.replay.filing import class_key_of, class_keys
from deploy.replay.records import Record
from schemas.city import City
from schemas.vocabulary import Source, Stage
from services.supervision.rules.limits import LimitFacts, Terms


def ours_by_rules(records: Iterable[Record], city: City) -> dict[str, Ours]:
    """Case id → deadline by the pack's policy, and whether the published closing came by then; a request that is still
    open has not kept it."""
    terms, keys = Terms.of(city.policy, city.calendars), class_keys(city)
    majors = {item.key: item.major for item in city.classes}
    found: dict[str, Ours] = {}
    for record in records:
        key = class_key_of(record, keys)
        facts = LimitFacts(source=Source.HOTLINE, class_key=key, major=majors.get(key, ""))
        limit = terms.limit_for(Stage.TOTAL, facts, record.opened)
        if limit is None:
            found[record.case_id] = Ours()
            continue
        due = terms.due(limit, record.opened).at
        found[record.case_id] = Ours(due, record.closed is not None and record.closed <= due, limit.limit_id)
    return found
