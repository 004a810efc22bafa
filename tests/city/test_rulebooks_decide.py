"""What the checker promises holds in the router: in a whole pack one rule decides every case, and only one."""

from datetime import UTC, datetime
from itertools import product

import pytest

from schemas.city import City
from schemas.facts import Place, ReportReceived
from schemas.vocabulary import Source, TicketType, Tier
from services.router.rules.atlas import Atlas
from services.router.rules.classify import Classified
from services.router.rules.locate import Located
from services.router.rules.match import match
from services.router.rules.question import question_of

PLACES = ("310000", "310106", "310105009", "310112107", "310106021001", "310109018017", "310104501")
NIGHT, DAY = datetime(2026, 11, 2, 15, 30, tzinfo=UTC), datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def atlas(shanghai: City) -> Atlas:
    return Atlas.of(shanghai)


def place_of(atlas: Atlas, division: str) -> Place:
    known = atlas.divisions[division]
    return Place(division=division, name=known.name, tier=known.tier)


def cases(atlas: Atlas, division: str) -> list[tuple[Classified, ReportReceived]]:
    found = []
    scenes = {screen.class_key: screen.scene for screen in atlas.city.screens}
    for key, source, ticket_type, at in product(atlas.keys, Source, TicketType, (DAY, NIGHT)):
        scene = scenes.get(key, "") if source is Source.SENSOR else ""
        ref, major = atlas.refs[key], atlas.classes[key].major
        report = ReportReceived(source=source, received_at=at)
        found.append((Classified(ref, ticket_type, 1.0, "given", scene=scene, major=major, key=key), report))
    return found


@pytest.mark.parametrize("division", PLACES)
def test_one_rule_decides_whatever_comes(atlas: Atlas, division: str) -> None:
    place = place_of(atlas, division)
    for classified, report in cases(atlas, division):
        found = match(atlas, question_of(report, classified, Located(place, 1.0, "given"), "", atlas))
        assert found.rule is not None, (classified.class_ref, report.source, classified.ticket_type, found.why)


@pytest.mark.parametrize("division", [one for one in PLACES if len(one) == 12])
def test_where_the_committee_is_known_nothing_waits_for_a_person_but_what_is_held(atlas: Atlas, division: str) -> None:
    assert atlas.divisions[division].tier is Tier.COMMITTEE
    place = place_of(atlas, division)
    for classified, report in cases(atlas, division):
        found = match(atlas, question_of(report, classified, Located(place, 1.0, "given"), "", atlas))
        assert found.rule is not None
        assert found.settled is not found.rule.hold, (classified.class_ref, found.why)
