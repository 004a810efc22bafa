"""All paths of intake on one app."""

from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware

from schemas.refusals import REFUSALS
from services.chassis.clock import Clock
from services.chassis.webhooks.platforms import Platforms
from services.intake.api.description import components, description
from services.intake.api.direct import Direct, Endpoint
from services.intake.api.platforms import HANDOVERS, PlatformsApi
from services.intake.api.reports import PATHS, BulkAnswer, ReportsApi
from services.intake.api.sensors import PATH, ReadingsAccepted, ReadingsAnswer, SensorsApi
from services.intake.api.whereabouts import Whereabouts, WhereaboutsApi
from services.intake.clients import Dispatch
from services.intake.handlers.door import Accepted, Door
from services.intake.handlers.keys import KeyKeeper
from services.intake.rules.bodies import PlatformMatter, ReadingBody
from services.intake.rules.register import Register

_ASKING = (
    *("unauthenticated", "token_expired", "forbidden", "key_invalid", "malformed", "body_too_large", "timeout"),
    *("unsupported_media_type", "spool_full", "unavailable", "key_reused", "invalid"),
)
_REPORT = (
    *("nothing_said", "text_too_long", "text_unreadable", "ticket_type_unknown", "source_due_invalid"),
    *("coordinates_outside", "coordinates_swapped", "coordinates_incomplete", "time_in_future", "time_too_old"),
    *("phone_invalid", "device_unknown", "class_unknown", "police_class_unknown", "answer_missing"),
)
_READING = (
    *("device_unknown", "unit_missing", "value_not_finite", "value_impossible", "text_unreadable"),
    *("time_in_future", "time_too_old"),
)
_BULK = ("bulk_too_many", "bulk_empty")
_SIGNED = ("platform_unknown", "signature_invalid", "signature_expired")
assert set(_ASKING + _REPORT + _READING + _BULK + _SIGNED) <= REFUSALS.keys()
HANDED = description(PlatformMatter, Accepted, (*_ASKING[3:], *_REPORT, *_SIGNED))
HANDED["openapi_extra"] |= {"parameters": [], "security": []}


def add_routes(
    app: FastAPI,
    door: Door,
    keeper: KeyKeeper,
    dispatch: Dispatch,
    register: Register,
    clock: Clock,
    platforms: Platforms,
) -> None:
    """Put every path of intake on the app.

    What takes reports in is answered by `Direct`; a second app, which never serves, describes it.
    """
    described = FastAPI()
    endpoints: dict[str, Endpoint] = {}

    def post(path: str, endpoint: Endpoint, summary: str, description: dict[str, Any]) -> None:
        endpoints[path] = endpoint
        described.add_api_route(path, endpoint, methods=["POST"], name=path, summary=summary, **description)

    for path in PATHS:
        api = ReportsApi(path, door, register, clock)
        post(path.path, api.post, path.about, description(path.kind, Accepted, _ASKING + _REPORT))
        kinds: Any = list[path.kind]  # type: ignore[name-defined]
        many = description(kinds, BulkAnswer, _ASKING + _BULK, bulk=True)
        post(f"{path.path}/bulk", api.post_bulk, f"{path.about}, in bulk", many)
    sensors = SensorsApi(door, register, clock)
    one = description(list[ReadingBody], ReadingsAccepted, _ASKING + _READING + _BULK)
    post(PATH, sensors.post, "Readings, all or none 传感读数", one)
    many = description(list[ReadingBody], ReadingsAnswer, _ASKING + _BULK, bulk=True)
    post(f"{PATH}/bulk", sensors.post_bulk, "Readings, in bulk", many)
    handed = PlatformsApi(door, register, clock, platforms)
    app.add_api_route(HANDOVERS, handed.post, methods=["POST"], summary="A matter handed over 平台转办", **HANDED)
    where = WhereaboutsApi(dispatch, keeper, door.recent)
    about = description(None, Whereabouts, ("unauthenticated", "token_expired", "not_found"))
    app.add_api_route("/v1/reports/{report}", where.get, methods=["GET"], summary="Where a report is 来件进度", **about)
    app.user_middleware.append(Middleware(Direct, endpoints=endpoints))
    _describe(app, described)


def _describe(app: FastAPI, described: FastAPI) -> None:
    served = app.openapi

    def openapi() -> dict[str, Any]:
        document = served()
        document["paths"] = described.openapi()["paths"] | document["paths"]
        document.setdefault("components", {}).setdefault("schemas", {}).update(components())
        return document

    app.openapi = openapi  # type: ignore[method-assign]
