"""Pages for a browser: files of a folder and those that all pages share, read once, sent small, with everything a
browser must be told about them."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from schemas.refusals import Refused

SHARED = Path(__file__).parent / "page"
FIRST = "index.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
# Only what this service serves runs; nothing is written as HTML text (trusted types), nothing frames the page.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "permissions-policy": "camera=(self), geolocation=(self), microphone=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class File:
    """One file, plain and compressed; the tag is of its content."""

    media: str
    tag: str
    plain: bytes
    packed: bytes

    @classmethod
    def of(cls, media: str, content: bytes) -> "File":
        """A file of that content."""
        tag = hashlib.blake2b(content, digest_size=12).hexdigest()
        return cls(media, f'"{tag}"', content, gzip.compress(content, 9, mtime=0))

    def answer(self, request: Request, headers: dict[str, str]) -> Response:
        """The file as this browser takes it: kept there, asked for each time, sent again only when it changed."""
        headers = headers | {"etag": self.tag, "cache-control": "no-cache", "vary": "accept-encoding"}
        held = request.headers.get("if-none-match", "")
        if self.tag in (tag.strip().removeprefix("W/") for tag in held.split(",")):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.packed, media_type=self.media, headers=headers | {"content-encoding": "gzip"})
        return Response(self.plain, media_type=self.media, headers=headers)


def files(folder: Path) -> dict[str, File]:
    """Every file of the folder, and what all pages share, by name."""
    found = (place for each in (SHARED, folder) for place in each.iterdir())
    return {place.name: File.of(_TYPES[place.suffix], place.read_bytes()) for place in found if place.suffix in _TYPES}


def page_at(address: str, folder: Path) -> APIRouter:
    """The routes of the page whose files lie in a folder, at an address such as `/app`."""
    routes = APIRouter(include_in_schema=False)
    served = files(folder)

    @routes.get(address)
    async def bare() -> Response:
        """The page lies in a folder of its own."""
        return RedirectResponse(f"{address}/", 308)

    @routes.get(f"{address}/{{name:path}}")
    async def page(request: Request, name: str) -> Response:
        """One file of the page; 304 for one the browser has. Raises Refused: not_found."""
        found = served.get(name or FIRST)
        if found is None:
            raise Refused("not_found")
        return found.answer(request, _HEADERS if found.media.startswith("text/html") else {})

    return routes
