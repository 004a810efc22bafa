"""Shanghai's words, read the way the router reads them: what is meant, what is dangerous, what only sounds so."""

from datetime import UTC, datetime

import pytest

from schemas.city import City
from schemas.facts import ReportReceived
from schemas.vocabulary import Source
from services.router.rules.atlas import Atlas
from services.router.rules.classify import classify
from services.router.rules.hearing import hear
from services.router.rules.text import wording
from services.router.rules.veto import danger
from tests.city.shanghai_sentences import CLASSES, DANGERS, HARMLESS

LIKELY = 0.5  # the likeliest by far; whose cover an unnamed cover is, a person may still be asked
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def atlas(shanghai: City) -> Atlas:
    return Atlas.of(shanghai)


def report(text: str) -> ReportReceived:
    return ReportReceived(source=Source.HOTLINE, received_at=NOW, text=text)


@pytest.mark.parametrize(("text", "key"), CLASSES)
def test_a_sentence_is_of_its_class(atlas: Atlas, text: str, key: str) -> None:
    told = report(text)
    plain = wording(told)
    found = classify(told, plain, atlas, next(hear([plain.partition("\n")[2]], atlas.model)))
    ref = found.class_ref
    assert f"{ref.standard}/{ref.kind}/{ref.code}" == key, found.because
    assert found.confidence >= LIKELY, found.because


@pytest.mark.parametrize(("text", "platforms"), DANGERS)
def test_a_danger_is_told_to_those_who_can_help(atlas: Atlas, text: str, platforms: set[str]) -> None:
    told = report(text)
    found = danger(wording(told), told, atlas)
    assert found is not None
    assert platforms <= set(found.platforms), found.because


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_sounds_dangerous_is_left_alone(atlas: Atlas, text: str) -> None:
    told = report(text)
    found = danger(wording(told), told, atlas)
    assert found is None, found.because
