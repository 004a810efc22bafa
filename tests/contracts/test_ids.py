"""Ids are the standard's, numbers survive being read over a telephone."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import code_of, number_of, read_number, uuid5

IDS = st.uuids()


@given(IDS, st.text())
def test_named_ids_are_those_of_the_standard_library(namespace: uuid.UUID, name: str) -> None:
    name = name.encode(errors="ignore").decode()
    assert uuid5(namespace, name) == uuid.uuid5(namespace, name)


@given(IDS, st.text())
def test_a_number_is_read_as_it_was_given_however_it_is_typed(id_: uuid.UUID, _: str) -> None:
    number = number_of(id_)
    sloppy = number.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert read_number(sloppy) == number


@given(IDS, st.integers(0, 9), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_one_wrong_sign_is_noticed(id_: uuid.UUID, place: int, sign: str) -> None:
    number = number_of(id_)
    at = place + (place > 4)
    if number[at] == sign:
        return
    assert read_number(number[:at] + sign + number[at + 1 :]) is None


@pytest.mark.parametrize("text", ["", "7K3M9", "7K3M9-QX2TB-CC", "7K3M9-QX2T!-C", "*K3M9-QX2TB-C"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert read_number(text) is None


def test_a_code_belongs_to_its_number_and_city() -> None:
    assert code_of("7K3M9-QX2TB-C", b"a") == code_of("7K3M9-QX2TB-C", b"a") != code_of("7K3M9-QX2TB-C", b"b")
    assert len(code_of("7K3M9-QX2TB-C", b"a")) == 6
