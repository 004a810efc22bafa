"""Other terms (a policy, a holiday list): what differs, which orders that can touch, and what moved and why.

A deadline follows from facts and terms, so other terms are a recompute. `changes` says in words how two terms differ,
`screen` leaves out the orders whose clocks cannot have moved, `report` adds up what did.
"""

from services.supervision.rules.recompute.changes import Change, changes
from services.supervision.rules.recompute.report import Moved, Report, why
from services.supervision.rules.recompute.screen import Screen

__all__ = ["Change", "Moved", "Report", "Screen", "changes", "why"]
