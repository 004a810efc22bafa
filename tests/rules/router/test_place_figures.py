"""The figures of docs/results/router.md, on a smaller set with a seed of its own, so that a change that costs them is
seen at once. `python -m tests.bench.router_locate` measures the whole."""

import pytest

from services.router.rules.atlas import Atlas
from tests.bench.place_sentences import sentences
from tests.bench.router_locate import measure


@pytest.mark.parametrize(("noisy", "least"), [(False, 0.99), (True, 0.95)])
def test_places_are_found_and_hardly_ever_wrong_for_sure(shanghai: Atlas, noisy: bool, least: float) -> None:
    whole, parts = measure(sentences(shanghai.city, 3, noisy=noisy, per_street=4), shanghai)
    assert whole.of == 234 * 4 + 2000
    assert whole.right / whole.of >= least, parts
    assert whole.wrong / whole.of <= 0.005, parts


def test_the_sentences_name_every_street_town_and_a_thousand_committees(shanghai: Atlas) -> None:
    told = list(sentences(shanghai.city, 3, noisy=True))
    streets = {one.code for one in shanghai.city.divisions if one.tier == "street"}
    assert {one.street for one in told} == streets
    assert len(told) == 234 * 12 + 2000 == 4808
    noises = {noise for one in told for noise in one.noise}
    assert len(noises) == 11 and len({(one.text, one.address) for one in told}) > 0.99 * len(told)
