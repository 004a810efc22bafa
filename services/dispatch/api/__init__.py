"""How people reach dispatch over REST."""

from services.dispatch.api.app import dispatch_app

__all__ = ["dispatch_app"]
