"""What the router does with each kind of message: reports, readings, and what became of orders; and how its view of
orders is made anew."""

from services.router.handlers.orders import OrdersHandler, limits_of
from services.router.handlers.readings import ReadingsHandler
from services.router.handlers.rebuild import MattersView
from services.router.handlers.reports import ReportsHandler, report_identity

__all__ = ["MattersView", "OrdersHandler", "ReadingsHandler", "ReportsHandler", "limits_of", "report_identity"]
