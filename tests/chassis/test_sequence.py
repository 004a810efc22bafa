"""Facts of one order are folded once and in order, however they arrive."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.envelope import TYPE_PREFIX, Record
from schemas.facts import Urged
from schemas.topics import ORDERS_EVENTS
from schemas.vocabulary import OrderStatus
from services.chassis.sequence import Sequence

ORDER = UUID("00000000-0000-0000-0000-0000000000aa")
MOMENT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def fact(seq: int) -> Urged:
    return Urged(order_id=ORDER, seq=seq, occurred_at=MOMENT, recorded_at=MOMENT, status=OrderStatus.HANDLING)


def record(seq: int) -> Record:
    kind = (TYPE_PREFIX + "Urged").encode()
    return Record(ORDERS_EVENTS.name, 0, seq, None, encode(fact(seq)), (("ce_type", kind),))


@given(st.permutations(range(1, 9)), st.lists(st.integers(1, 8)))
def test_any_arrival_order_with_any_repeats_folds_each_once_in_order(order: list[int], repeats: list[int]) -> None:
    sequence = Sequence({}, [])
    folded = [f.seq for seq in [*order, *repeats] for f in sequence.take(fact(seq), record(seq))]
    assert folded == list(range(1, 9))
    assert not sequence.has_gap(ORDER)


@given(st.sets(st.integers(1, 12)))
def test_nothing_behind_a_gap_is_folded(arrived: set[int]) -> None:
    sequence = Sequence({}, [])
    folded = [f.seq for seq in sorted(arrived, reverse=True) for f in sequence.take(fact(seq), record(seq))]
    reach = next(n for n in range(1, 14) if n not in arrived) - 1
    assert folded == list(range(1, reach + 1))
    assert sequence.has_gap(ORDER) == (len(arrived) > reach)


async def test_what_waits_survives_the_batch_and_is_released_by_the_missing_fact(pool: asyncpg.Pool) -> None:
    async def batch(last: int, *seqs: int) -> tuple[list[int], int]:
        async with pool.acquire() as connection, connection.transaction():
            sequence = await Sequence.gather(connection, {ORDER: last} if last else {}, [ORDER])
            folded = [f.seq for seq in seqs for f in sequence.take(fact(seq), record(seq))]
            await sequence.apply(connection, MOMENT)
            return folded, await connection.fetchval("SELECT count(*) FROM pending")

    assert await batch(0, 3, 4) == ([], 2)
    assert await batch(0, 4, 6) == ([], 3)
    assert await batch(0, 1) == ([1], 3)
    assert await batch(1, 2) == ([2, 3, 4], 1)
    assert await batch(4, 3, 5) == ([5, 6], 0)
