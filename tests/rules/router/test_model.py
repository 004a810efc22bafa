"""The trained model: the same answers in the router as where it was trained, and no answer from a broken file."""

import zlib
from datetime import date
from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from deploy.model.fitting import rounded
from deploy.model.rows import Row
from deploy.model.training import TICKETS, scores_of, sheet_of, train, trained
from schemas.model import FORMAT, MAGIC, ModelFile, read_model, write_model
from services.router.rules.model import Model
from services.router.rules.shreds import READ, tear
from services.router.rules.text import plain

KEYS = ("lamp", "cover", "dog")
SAID = {
    "lamp": ("路灯不亮", "路灯坏了", "灯杆倾斜", "整条路没有照明", "夜里漆黑一片"),
    "cover": ("井盖不见了", "窨井盖松动", "井盖破损", "车一压就响", "盖板翘起"),
    "dog": ("流浪狗追人", "遛狗不牵绳", "狗咬伤孩子", "野狗成群", "有人养大型犬"),
}


def made(rows: int = 300) -> list[Row]:
    chance = Random(7)
    found = []
    for _ in range(rows):
        key = chance.choice(KEYS)
        said = chance.choice(SAID[key])
        text = plain(
            f"市民反映,{chance.randint(1, 999)}弄{said},{chance.choice(['请处理', '要求查处', '很危险', '已一周'])}。"
        )
        found.append(Row(text, key, chance.choice(TICKETS), said))
    return found


@pytest.fixture(scope="module")
def file() -> ModelFile:
    return train(made(), KEYS, None, date(2026, 11, 2), terms=400)


@pytest.fixture(scope="module")
def model(file: ModelFile) -> Model:
    return Model.of(write_model(file))


def test_the_router_scores_as_training_did_but_for_the_rounding(file: ModelFile) -> None:
    """The bound: half a unit of a column's scale for each unit of a text's length in terms (its L1 norm, which is at
    most the square root of its terms), and what float32 loses."""
    rows = made()
    fitted = trained(sheet_of(rows, KEYS, None), len(KEYS), 400, np.ones(len(rows), dtype=np.bool_))
    scales = rounded(fitted.weights)[1]
    model = Model(file)
    texts = [row.text for row in rows[:80]] + ["", "路灯", "x", "井盖" * 900, "狗灯盖" * 40]
    expected = scores_of(fitted, texts)
    scales_of = np.array([file.card.scale] * len(KEYS) + [file.card.ticket_scale] * len(TICKETS))
    for text, wanted, one in zip(texts, expected, model.score(texts), strict=True):
        found = np.concatenate([one.classes, one.tickets]) / scales_of
        bound = float(np.sqrt(max(1, len(one.shares)))) * scales / 2 + 1e-5
        assert (np.abs(found - wanted) <= bound).all(), text
        assert (wanted[: len(KEYS)].argmax() == one.classes.argmax()) or np.ptp(wanted[: len(KEYS)]) < 0.02


def test_a_batch_says_what_each_text_alone_would(model: Model) -> None:
    texts = [row.text for row in made(150)] + ["", "🎉", "no chinese at all"]
    for text, one in zip(texts, model.score(texts), strict=True):
        alone = model.score([text])[0]
        assert np.allclose(alone.classes, one.classes, atol=1e-5)
        assert [t.word for t in model.terms(text, alone, 0)] == [t.word for t in model.terms(text, one, 0)]


def test_terms_are_parts_of_the_text(model: Model) -> None:
    text = "市民反映,3弄路灯 不亮,请处理。"
    one = model.score([text])[0]
    told = model.terms(text, one, KEYS.index("lamp"))
    terms = [term.word for term in told]
    assert terms and all(term in text for term in terms)
    assert all(term.weight > 0 for term in told)
    assert not any(a != b and a in b for a in terms for b in terms)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_text_is_torn_into_its_own_parts(texts: list[str]) -> None:
    texts = [plain(text) for text in texts]
    found = tear(texts)
    for owner, start, end in zip(found.texts.tolist(), found.starts.tolist(), found.ends.tolist(), strict=True):
        part = texts[owner][start:end]
        assert part and part[0].isalnum() and part[-1].isalnum() and "\n" not in part


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("路灯", ["路", "灯", "路灯"]),
        ("led 屏", ["led", "屏", "led 屏"]),
        ("300号", ["300", "号", "300号"]),
        ("灯,盖", ["灯", "盖"]),
        ("灯🎉盖", ["灯", "盖"]),
        ("a dog barks", ["a", "dog", "barks", "a dog", "dog barks", "a dog barks"]),
        ("灯 盖", ["灯", "盖", "灯 盖"]),
        ("", []),
    ],
)
def test_a_text_is_torn(text: str, parts: list[str]) -> None:
    found = tear(["x", text, "y"])
    mine = [text[a:b] for o, a, b in zip(found.texts, found.starts, found.ends, strict=True) if o == 1]
    assert mine == parts
    assert [found.hashes[n] for n in np.flatnonzero(found.texts == 1)] == list(tear([text]).hashes)


def test_a_number_is_any_number() -> None:
    assert tear(["300号"]).hashes.tolist() == tear(["417号"]).hashes.tolist() != tear(["30号"]).hashes.tolist()


def test_no_more_of_a_text_is_read_than_promised(model: Model) -> None:
    assert len(set(tear(["灯" * 10_000]).starts.tolist())) == READ
    assert np.allclose(model.score(["噪" * 10_000])[0].classes, model.score(["噪" * READ])[0].classes)


def test_a_written_file_reads_back(file: ModelFile) -> None:
    assert read_model(write_model(file)) == file


def _repacked(raw: bytes, change: bytes) -> bytes:
    return raw.replace(MAGIC + str(FORMAT).encode(), change, 1)


@pytest.mark.parametrize(
    ("broken", "cause"),
    [
        (lambda raw: b"", "not a model file"),
        (lambda raw: b"\x00" * 5000, "not a model file"),
        (lambda raw: raw[: len(raw) // 2], "cut short or changed"),
        (lambda raw: raw[:-1], "cut short or changed"),
        (lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), "cut short or changed"),
        (lambda raw: _repacked(raw, MAGIC + b"2"), "format '2'; this release reads format 1"),
        (lambda raw: _repacked(raw, MAGIC + b"\xff\xfe"), "this release reads format 1"),
    ],
)
def test_a_broken_file_is_refused_with_its_cause(file: ModelFile, broken: object, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        read_model(broken(write_model(file)))  # type: ignore[operator]


def test_numbers_that_do_not_fit_together_are_refused(file: ModelFile) -> None:
    with pytest.raises(ValueError, match="weights has"):
        read_model(write_model(structs.replace(file, weights=file.weights[:-5])))
    with pytest.raises(ValueError, match="shreds-0"):
        Model(structs.replace(file, card=structs.replace(file.card, shreds="shreds-0")))


def test_a_content_that_is_no_model_is_refused(file: ModelFile) -> None:
    from hashlib import blake2b

    for content, cause in (
        (b"xx", "cannot be read"),
        (zlib.compress(msgspec.msgpack.encode({"a": 1})), "cannot be read"),
    ):
        checksum = blake2b(content, digest_size=16).hexdigest().encode()
        with pytest.raises(ValueError, match=cause):
            read_model(MAGIC + b"1\n" + checksum + b"\n" + content)
