"""Orders and assignments out of their rows."""

from typing import Any

import msgspec

from schemas.vocabulary import (
    AssignmentRole,
    AssignmentStatus,
    OrderStatus,
    Result,
    Source,
    Tier,
    Urgency,
    Verification,
)
from services.dispatch.rules.order import Assignment, Detail, Order, Voice

_voices = msgspec.json.Decoder(list[Voice]).decode
_detail = msgspec.json.Decoder(Detail).decode


def order_of(row: Any) -> Order:
    """An order out of its row, without its assignments."""
    return Order(
        order_id=row["order_id"],
        status=OrderStatus(row["status"]),
        urgency=Urgency(row["urgency"]),
        source=Source(row["source"]),
        verification=Verification(row["verification"]),
        lead=row["lead"],
        detail=_detail(row["detail"]),
        opened_at=row["opened_at"],
        since=row["since"],
        recorded_at=row["recorded_at"],
        version=row["version"],
        seq=row["seq"],
        round=row["round"],
        closed_at=row["closed_at"],
        result=None if row["result"] is None else Result(row["result"]),
        imported=row["imported"],
        proposed=row["proposed"],
        warned=row["warned"],
        voices=_voices(row["voices"]),
        recurrence_of=row["recurrence_of"],
        merged_into=row["merged_into"],
        subjects=tuple(filter(None, row["subjects"].split("\n"))),
        class_intake=row["class_intake"],
        coordinated=row["coordinated"],
        parked_by=row["parked_by"],
        review_at=row["review_at"],
        assignments=[],
        left=[],
        requests=[],
        supervisions=[],
    )


def assignment_of(row: Any) -> Assignment:
    """An assignment out of its row."""
    return Assignment(
        assignment_id=row["assignment_id"],
        order_id=row["order_id"],
        parent=row["parent"],
        unit=row["unit"],
        role=AssignmentRole(row["role"]),
        tier=Tier(row["tier"]),
        ordinal=row["ordinal"],
        offered_at=row["offered_at"],
        status=AssignmentStatus(row["status"]),
        version=row["version"],
        accepted_at=row["accepted_at"],
        contacted_at=row["contacted_at"],
        arrived_at=row["arrived_at"],
        done_at=row["done_at"],
        result=None if row["result"] is None else Result(row["result"]),
        answer=row["answer"],
        hard_case_owner=row["hard_case_owner"],
        actors=tuple(filter(None, row["actors"].split("\n"))),
        told_at=row["told_at"],
        stood_since=row["stood_since"],
        pinned=row["pinned"],
        stored=True,
    )
