"""Rows out of what people corrected: the router's labels, joined with what was said and what the router made of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import psycopg
from msgspec import Struct

from deploy.model.rows import Row

# The report that opened the order; those linked to it said the same in other words, and nobody judged them.
_QUERY = (
    "SELECT l.order_id, l.seq, l.kind, l.class_key, l.lead, l.unit, l.actor, l.occurred_at, d.said, d.kind AS decision,"
    " d.explanation->'model_version' #>> '{}' AS model,"
    " (SELECT step->>'answer' FROM json_array_elements(d.explanation->'steps') AS step WHERE step->>'step' = 'classify'"
    " LIMIT 1) AS told FROM labels l JOIN decisions d ON d.order_id = l.order_id AND d.kind IN ('propose', 'triage')"
    " WHERE d.said IS NOT NULL ORDER BY l.order_id, l.seq"
)


class Correction(Struct, frozen=True):
    """One label with its provenance: `kind` is reclass, routed, return or relead, `decision` what the router had done
    (propose, triage), `told` the class it had told by `model`; `class_key` is None where only the unit was judged."""

    order_id: UUID
    seq: int
    kind: str
    class_key: str | None
    lead: str | None
    unit: str
    actor: str
    occurred_at: datetime
    said: str
    decision: str
    model: str
    told: str

    @property
    def origin(self) -> str:
        """The source of the row as a model card names it."""
        if self.kind == "routed":
            return "corrections/triage" if self.decision == "triage" else "corrections/redispatch"
        return f"corrections/{self.kind}"


class Learned(Struct, frozen=True):
    """Rows for training, and what they came of: how many orders, on how many of them handlers disagree about the class,
    how many labels judged only the unit, and how many name a class that the city no longer has."""

    rows: tuple[Row, ...]
    orders: int = 0
    disagreed: int = 0
    units_only: int = 0
    unknown: int = 0


def read(url: str) -> list[Correction]:
    """All labels of the router's database, the oldest of an order first. Raises psycopg.Error."""
    with psycopg.connect(url) as connection:
        return [Correction(*row) for row in connection.execute(_QUERY)]


def learned(corrections: Iterable[Correction], classes: Sequence[str]) -> Learned:
    """The rows of these labels. Of one order every class that a person gave counts, each for its share of the persons:
    the last word of one person replaces his earlier ones, never another's."""
    known = set(classes)
    by_order: dict[UUID, dict[str, Correction]] = {}
    orders: set[UUID] = set()
    units_only = unknown = 0
    for one in corrections:
        orders.add(one.order_id)
        if one.class_key is None:
            units_only += 1
        elif one.class_key not in known:
            unknown += 1
        else:
            by_order.setdefault(one.order_id, {})[one.actor or f"#{one.seq}"] = one
    rows: list[Row] = []
    disagreed = 0
    for order_id, answers in by_order.items():
        counts: dict[str, list[Correction]] = {}
        for answer in answers.values():
            counts.setdefault(answer.class_key or "", []).append(answer)
        disagreed += len(counts) > 1
        for key, given in counts.items():
            _, _, text = given[-1].said.partition("\n")  # the first line is the address
            if text.strip():
                share = len(given) / len(answers)
                rows.append(Row(text.strip(), key, "", str(order_id), share, given[-1].origin))
    return Learned(tuple(rows), len(orders), disagreed, units_only, unknown)
