"""What the router remembers: decisions, matters, devices. The only SQL of this service."""

from services.router.store.decisions import (
    DecisionRow,
    Place,
    Recalled,
    decided,
    explanation_of,
    pack,
    recall,
    save_decisions,
)
from services.router.store.devices import device_states, devices_page, overdue_devices, save_devices
from services.router.store.matters import Key, Landing, candidates, land, matters_of, save_matters

__all__ = [
    "DecisionRow",
    "Key",
    "Landing",
    "Place",
    "Recalled",
    "candidates",
    "decided",
    "device_states",
    "devices_page",
    "explanation_of",
    "land",
    "matters_of",
    "overdue_devices",
    "pack",
    "recall",
    "save_decisions",
    "save_devices",
    "save_matters",
]
