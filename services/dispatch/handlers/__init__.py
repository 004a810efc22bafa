"""What dispatch does with messages and with people's actions: gather, decide by the rules, write."""

from services.dispatch.handlers.actions import ActionHandler, Answered, Command
from services.dispatch.handlers.deadlines import DeadlineHandler
from services.dispatch.handlers.handovers import HandoverCommand, HandoverHandler
from services.dispatch.handlers.pulse import Pulse
from services.dispatch.handlers.routing import RoutingHandler

__all__ = [
    "ActionHandler",
    "Answered",
    "Command",
    "DeadlineHandler",
    "HandoverCommand",
    "HandoverHandler",
    "Pulse",
    "RoutingHandler",
]
