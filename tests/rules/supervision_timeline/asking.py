"""Tells what a unit asked for, and what was decided."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from schemas.facts import AssignmentReturned, OrderParked, OrderResumed, RequestDecided, RequestMade
from schemas.ids import NAMESPACE
from schemas.vocabulary import OrderStatus, RequestKind, RequestReason, RequestState
from tests.rules.supervision_timeline.story import Story

K, G = RequestKind, RequestState


def asked(story: Story, at: datetime, kind: RequestKind, until: datetime | None = None, name: str = "r") -> UUID:
    """The lead asks the district."""
    id_ = uuid5(NAMESPACE, name)
    reason = RequestReason.COMPLEX
    said: dict[str, Any] = {"request_id": id_, "assignment_id": story.assignment(0), "kind": kind, "reason": reason}
    story.tell(RequestMade, at, decider="centre-district", until=until, **said)
    return id_


def decided(
    story: Story, at: datetime, id_: UUID, kind: RequestKind, outcome: RequestState, until: datetime | None = None
) -> None:
    """The district decides; what is parked is parked."""
    part = story.assignment(0)
    story.tell(RequestDecided, at, request_id=id_, assignment_id=part, kind=kind, outcome=outcome, until=until)
    if kind is K.PARKING and outcome is G.GRANTED:
        story.status = OrderStatus.PARKED
        reason = RequestReason.FUNDING
        story.tell(OrderParked, at, request_id=id_, assignment_id=part, reason=reason, review_at=until)


def returned(story: Story, at: datetime, since: datetime, to: str = "street-b") -> None:
    """The first lead asked to give its part back, and was heard: another unit leads."""
    id_ = asked(story, since, K.RETURN, name=f"return-{len(story.facts)}")
    decided(story, at, id_, K.RETURN, G.GRANTED)
    story.status = OrderStatus.DISPATCHED
    path, part = story.facts[0].path, story.assignment(0)  # type: ignore[attr-defined]
    said: dict[str, Any] = {"request_id": id_, "assignment_id": part, "lead": to, "path": path}
    story.tell(AssignmentReturned, at, assignments=story._offers((to,)), **said)


def parked(story: Story, at: datetime, until: datetime) -> None:
    """Asked for and granted at once."""
    id_ = asked(story, at, K.PARKING, until, name=f"park-{len(story.facts)}")
    decided(story, at, id_, K.PARKING, G.GRANTED, until)


def resumed(story: Story, at: datetime) -> None:
    """The order goes on."""
    story.status = OrderStatus.HANDLING
    story.tell(OrderResumed, at, reason="funded")
