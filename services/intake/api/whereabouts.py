"""Where a report got to: dispatch knows; until it does, intake says that the report is safe."""

from datetime import datetime
from uuid import UUID

from fastapi import Request, Response
from msgspec import Struct

from schemas.ids import number_of, read_number
from schemas.refusals import Refused
from schemas.vocabulary import ReportState, Source
from services.chassis.web import answer, principal
from services.intake.clients import Dispatch
from services.intake.handlers.keys import KeyKeeper
from services.intake.store.recent import Recent, Taken


class Whereabouts(Struct, frozen=True, omit_defaults=True):
    """Where a report is; dispatch adds its order."""

    report_id: UUID
    number: str
    source: Source
    received_at: datetime
    state: ReportState
    order_id: UUID | None = None
    order_number: str | None = None
    order_status: str | None = None


class WhereaboutsApi:
    """The endpoint for one report."""

    def __init__(self, dispatch: Dispatch, keeper: KeyKeeper, recent: Recent) -> None:
        self._dispatch = dispatch
        self._keeper = keeper
        self._recent = recent

    async def get(self, request: Request) -> Response:
        """A report by id, or by number as it was typed."""
        principal(request)
        report_id, number = _identified(request.path_params["report"])
        taken = self._recent.by_id(report_id) if report_id is not None else self._recent.by_number(number or "")
        if taken is None or not taken.spooled:
            asked = str(taken.report_id if taken is not None else report_id or number)
            known = await self._dispatch.report(asked, request.headers.get("authorization", ""))
            if known is not None:
                return answer(known)
        own = _of(taken) if taken is not None else await self._by_key(report_id, number)
        if own is None:
            raise Refused("not_found")
        return answer(own)

    async def _by_key(self, report_id: UUID | None, number: str | None) -> Whereabouts | None:
        row = await self._keeper.row_of(report_id, number)
        if row is None or not row.acked:
            return None
        return _of(Taken(row.report_id, row.source, row.received_at))


def _identified(text: str) -> tuple[UUID | None, str | None]:
    number = read_number(text)
    if number is not None:
        return None, number
    try:
        return UUID(text), None
    except ValueError:
        raise Refused("not_found") from None


def _of(taken: Taken) -> Whereabouts:
    return Whereabouts(
        report_id=taken.report_id,
        number=number_of(taken.report_id),
        source=Source(taken.source),
        received_at=taken.received_at,
        state=ReportState.SPOOLED if taken.spooled else ReportState.ACCEPTED,
    )
