"""The file of a trained classifier: a line that names the format, a line with the checksum, then the content.

Whoever reads a city pack can tell whether its model file is whole and what it was made of; what the numbers mean only
the router knows.
"""

import zlib
from datetime import date
from hashlib import blake2b

import msgspec
from msgspec import Struct

FORMAT = 1
MAGIC = b"PAIDAN-MODEL "
LARGEST = 64 << 20  # bytes of content; more is no model of this kind
_DIGEST = 16


class DataPart(Struct, frozen=True):
    """One source of training rows: its name, how many rows, and a digest of them."""

    name: str
    rows: int
    digest: str


class ModelCard(Struct, frozen=True, kw_only=True):
    """What a model is: `version` names it for ever, `shreds` how it tears texts, `classes` the class keys and `tickets`
    the ticket types it tells apart, `metrics` what was measured on rows it had not seen, `majors` the shares of the
    majors in its rows, `confidence` its mean confidence on them. `scale` and `ticket_scale` turn scores into log odds,
    `words` and `police` are what the weight of a lexicon word or a 110 class adds to them."""

    version: str
    made_on: date
    city: str
    shreds: str
    classes: tuple[str, ...]
    tickets: tuple[str, ...]
    terms: int
    data: tuple[DataPart, ...]
    metrics: dict[str, float]
    majors: dict[str, float]
    confidence: float
    scale: float
    ticket_scale: float
    words: float
    police: float


class ModelFile(Struct, frozen=True, kw_only=True):
    """Card and numbers. `keys` are the hashes of the terms (uint32), `idf` their weights (float32), `weights` terms x
    (classes + tickets) in int8, `scales` and `bias` one float32 for each of those columns; all little-endian."""

    card: ModelCard
    keys: bytes
    idf: bytes
    weights: bytes
    scales: bytes
    bias: bytes


def write_model(model: ModelFile) -> bytes:
    """The bytes of a model file."""
    content = zlib.compress(msgspec.msgpack.encode(model), 9)
    checksum = blake2b(content, digest_size=_DIGEST).hexdigest().encode()
    return MAGIC + str(FORMAT).encode() + b"\n" + checksum + b"\n" + content


def read_model(raw: bytes) -> ModelFile:
    """A model file's content. Raises ValueError with the cause: not a model file, another format, cut short or changed,
    or numbers that do not fit together."""
    head, _, rest = raw.partition(b"\n")
    if not head.startswith(MAGIC):
        raise ValueError("is not a model file (its first line does not say PAIDAN-MODEL)")
    said = head.removeprefix(MAGIC).decode("ascii", "replace")
    if said != str(FORMAT):
        raise ValueError(f"has format {said[:20]!r}; this release reads format {FORMAT}: train it again")
    checksum, _, content = rest.partition(b"\n")
    if blake2b(content, digest_size=_DIGEST).hexdigest().encode() != checksum:
        raise ValueError(f"its checksum does not match: the file was cut short or changed ({len(raw)} bytes)")
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(content, LARGEST)
        if unpacker.unconsumed_tail:
            raise ValueError(f"holds more than {LARGEST >> 20} MB")
        model = msgspec.msgpack.decode(plain, type=ModelFile)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ValueError(f"its content cannot be read: {error}") from error
    _check(model)
    return model


def _check(model: ModelFile) -> None:
    card = model.card
    columns = len(card.classes) + len(card.tickets)
    sizes = {
        "keys": (model.keys, 4 * card.terms),
        "idf": (model.idf, 4 * card.terms),
        "weights": (model.weights, card.terms * columns),
        "scales": (model.scales, 4 * columns),
        "bias": (model.bias, 4 * columns),
    }
    for name, (found, size) in sizes.items():
        if len(found) != size:
            raise ValueError(
                f"{name} has {len(found)} bytes where {card.terms} terms and {columns} columns make {size}"
            )
