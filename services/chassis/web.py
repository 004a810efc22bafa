"""The web app every API is: problem+json, request ids, limits on body and time, health, metrics, security headers."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import uuid4

import msgspec
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.refusals import REFUSALS, Refused
from services.chassis import metrics
from services.chassis.asking import known_only
from services.chassis.auth import Principal, Tokens, allow
from services.chassis.clock import monotonic
from services.chassis.logs import logger
from services.chassis.settings import ServiceSettings

log = logger(__name__)
encode = msgspec.json.Encoder().encode
Ready = Callable[[], Awaitable[dict[str, bool]]]
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer, encoded by msgspec."""
    return Response(encode(body), status_code=status, media_type="application/json", headers=headers)


def problem_body(refused: Refused) -> dict[str, Any]:
    """A refusal as an RFC 9457 problem."""
    rule = refused.refusal
    return {
        **refused.extra,
        "type": f"urn:paidan:refusal:{rule.code}",
        "code": rule.code,
        "status": rule.status,
        "title": rule.en,
        "title_zh": rule.zh,
        "detail": refused.detail,
    }


def problem(refused: Refused) -> Response:
    """A refusal as an RFC 9457 problem+json answer."""
    retry_after = refused.extra.get("retry_after")
    headers = {"retry-after": str(retry_after)} if retry_after is not None else None
    return Response(
        encode(problem_body(refused)),
        status_code=refused.refusal.status,
        media_type="application/problem+json",
        headers=headers,
    )


def principal(request: Request, *roles: Any) -> Principal:
    """The signed-in caller with one of the roles (any role when none is named). Raises Refused."""
    tokens: Tokens = request.app.state.tokens
    caller = tokens.principal(request.headers.get("authorization"))
    if roles:
        allow(caller, roles)
    return caller


def web_app(
    service: str,
    title: str,
    settings: ServiceSettings,
    *,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
    ready: Ready,
) -> FastAPI:
    """The app of a service, with `/healthz`, `/readyz`, `/metrics`, `/docs` and `/openapi.json`. `ready` answers what
    the service depends on; it is ready when all of it is."""
    # FastAPI's own telemetry asks the environment for its providers at every request; ours is /metrics.
    silent: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
    app = FastAPI(
        title=title,
        version="1",
        lifespan=lifespan,
        redoc_url=None,
        telemetry=silent,
        dependencies=[Depends(known_only)],
    )
    app.state.tokens = Tokens(settings.jwks_file)
    app.state.service = service
    _refusals(app, service)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return answer({"ok": True})

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        parts = await ready()
        return answer(parts, 200 if all(parts.values()) else 503)

    @app.get("/metrics", include_in_schema=False)
    async def metrics_page() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    _described(app)
    limits = {"body_limit": settings.body_limit, "upload_limit": settings.upload_limit}
    app.add_middleware(Edge, service=service, timeout=settings.request_timeout, **limits)
    return app


def _described(app: FastAPI) -> None:
    """An OpenAPI description with the bearer token, and with every parameter of a path: endpoints that read the
    request themselves declare none."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = plain()
            schema.setdefault("components", {})["securitySchemes"] = {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            }
            schema["security"] = [{"token": []}]
            for path, methods in schema.get("paths", {}).items():
                for name in re.findall(r"{(\w+)", path):
                    for operation in methods.values():
                        told = operation.setdefault("parameters", [])
                        if not any(p["name"] == name and p["in"] == "path" for p in told):
                            told.append({"name": name, "in": "path", "required": True, "schema": {"type": "string"}})
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _refusals(app: FastAPI, service: str) -> None:
    async def on_refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        metrics.REFUSALS.labels(service, error.code).inc()
        return problem(error)

    async def on_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid")
        return problem(Refused(code))

    async def on_invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        faults = [{"field": ".".join(str(p) for p in e["loc"]), "cause": e["msg"]} for e in error.errors()]
        return problem(Refused("invalid", "; ".join(f"{f['field']}: {f['cause']}" for f in faults)[:500]))

    app.add_exception_handler(Refused, on_refused)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)


class Edge:
    """The outermost layer: a request id, the body's limit, the time limit, security headers, metrics, and an answer
    even when everything inside fails. Plain ASGI, because it runs for every request."""

    STREAMS = ("/v1/stream", "/v1/orders.csv")  # what may last longer than a request
    UPLOADS = ("/attachments", "/v1/rulebook", "/v1/rules/dry-run")  # ends of addresses that take pictures or rulebooks

    def __init__(self, app: ASGIApp, *, service: str, body_limit: int, upload_limit: int, timeout: float) -> None:
        self._app = app
        self._service = service
        self._limit = body_limit
        self._upload_limit = upload_limit
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = monotonic()
        headers = dict(scope["headers"])
        request_id = headers.get(b"x-request-id", b"")[:64] or uuid4().hex.encode()
        status = 0

        async def out(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = list(message.get("headers", ()))
                named = {name for name, _ in given}  # a page says for itself how it may be kept
                message["headers"] = [
                    *given,
                    (b"x-request-id", request_id),
                    *(h for h in _SECURITY if h[0] not in named),
                ]
            await send(message)

        try:
            await self._within_limits(scope, receive, out, headers)
        except Exception as error:  # the last resort: whatever it was, the caller gets a problem with the request id
            refused = _as_refusal(error, request_id)
            metrics.REFUSALS.labels(self._service, refused.code).inc()
            if status == 0:
                await problem(refused)(scope, receive, out)
        route = getattr(scope.get("route"), "path", "other")
        metrics.REQUESTS.labels(self._service, route, str(status)).inc()
        metrics.REQUEST_SECONDS.labels(self._service, route).observe(monotonic() - started)

    async def _within_limits(self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]) -> None:
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            raise Refused("invalid", "NUL in the address")
        limit = self._upload_limit if scope["path"].endswith(self.UPLOADS) else self._limit
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            raise Refused("body_too_large", f"at most {limit} bytes")
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise Refused("body_too_large", f"at most {limit} bytes")
            return message

        if scope["path"] in self.STREAMS:
            await self._app(scope, counted, send)
            return
        async with asyncio.timeout(self._timeout):
            await self._app(scope, counted, send)


def _as_refusal(error: Exception, request_id: bytes) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, TimeoutError):
        return Refused("timeout")
    log.error("request failed", request_id=request_id.decode(errors="replace"), exc_info=error)
    return Refused("internal", f"request {request_id.decode(errors='replace')}")


assert "internal" in REFUSALS
