"""The front door's paths: single, bulk, sensors, and where a report got to."""

from services.intake.api.routes import add_routes

__all__ = ["add_routes"]
