"""All paths of intake on one app."""

from typing import Any

from fastapi import FastAPI

from schemas.refusals import REFUSALS
from services.chassis.clock import Clock
from services.intake.api.description import components, described
from services.intake.api.reports import PATHS, BulkItem, ReportsApi
from services.intake.api.sensors import PATH, ReadingItem, ReadingsAccepted, SensorsApi
from services.intake.api.whereabouts import Whereabouts, WhereaboutsApi
from services.intake.clients import Dispatch
from services.intake.handlers.door import Accepted, Door
from services.intake.handlers.keys import KeyKeeper
from services.intake.rules.bodies import ReadingBody
from services.intake.rules.register import Register

_ASKING = (
    *("unauthenticated", "token_expired", "forbidden", "key_invalid", "malformed", "body_too_large", "timeout"),
    *("unsupported_media_type", "spool_full", "unavailable", "key_reused", "invalid"),
)
_REPORT = (
    *("nothing_said", "text_too_long", "text_unreadable", "ticket_type_unknown", "source_due_invalid"),
    *("coordinates_outside", "coordinates_swapped", "coordinates_incomplete", "time_in_future", "time_too_old"),
    *("phone_invalid", "device_unknown", "class_unknown", "police_class_unknown"),
)
_READING = (
    *("device_unknown", "unit_missing", "value_not_finite", "value_impossible", "text_unreadable"),
    *("time_in_future", "time_too_old"),
)
_BULK = ("bulk_too_many", "bulk_empty")
assert set(_ASKING + _REPORT + _READING + _BULK) <= REFUSALS.keys()


def add_routes(
    app: FastAPI, door: Door, keeper: KeyKeeper, dispatch: Dispatch, register: Register, clock: Clock
) -> None:
    """Put every path of intake on the app."""
    for path in PATHS:
        api = ReportsApi(path, door, register, clock)
        one = described(path.kind, Accepted, _ASKING + _REPORT)
        many = described(list[path.kind], list[BulkItem], _ASKING + _BULK, bulk=True)  # type: ignore[name-defined]
        app.add_api_route(path.path, api.post, methods=["POST"], summary=path.about, name=path.path, **one)
        bulk = f"{path.path}/bulk"
        app.add_api_route(bulk, api.post_bulk, methods=["POST"], summary=f"{path.about}, in bulk", name=bulk, **many)
    sensors = SensorsApi(door, register, clock)
    one = described(list[ReadingBody], ReadingsAccepted, _ASKING + _READING + _BULK)
    many = described(list[ReadingBody], list[ReadingItem], _ASKING + _BULK, bulk=True)
    app.add_api_route(PATH, sensors.post, methods=["POST"], summary="Readings, all or none 传感读数", **one)
    app.add_api_route(f"{PATH}/bulk", sensors.post_bulk, methods=["POST"], summary="Readings, in bulk", **many)
    where = WhereaboutsApi(dispatch, keeper, door.recent)
    about = described(None, Whereabouts, ("unauthenticated", "token_expired", "not_found"))
    app.add_api_route("/v1/reports/{report}", where.get, methods=["GET"], summary="Where a report is 来件进度", **about)
    _describe_components(app)


def _describe_components(app: FastAPI) -> None:
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        document.setdefault("components", {}).setdefault("schemas", {}).update(components())
        return document

    app.openapi = openapi  # type: ignore[method-assign]
