"""What the router remembers: decisions, matters, devices. The only SQL of this service."""

from services.router.store.decisions import DecisionRow, decided, explanation_of, save_decisions
from services.router.store.devices import device_states, devices_page, overdue_devices, save_devices
from services.router.store.matters import Landing, candidates, land, save_matters

__all__ = [
    "DecisionRow",
    "Landing",
    "candidates",
    "decided",
    "device_states",
    "devices_page",
    "explanation_of",
    "land",
    "overdue_devices",
    "save_decisions",
    "save_devices",
    "save_matters",
]
