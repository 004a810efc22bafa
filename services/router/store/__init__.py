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
from services.router.store.labels import save_labels
from services.router.store.matters import Key, Landing, candidates, land, matters_of, save_matters
from services.router.store.proposals import asked_before, keep_place, save_proposals, sweeping, swept_to

__all__ = [
    "DecisionRow",
    "Key",
    "Landing",
    "Place",
    "Recalled",
    "asked_before",
    "candidates",
    "decided",
    "device_states",
    "devices_page",
    "explanation_of",
    "keep_place",
    "land",
    "matters_of",
    "overdue_devices",
    "pack",
    "recall",
    "save_decisions",
    "save_devices",
    "save_labels",
    "save_matters",
    "save_proposals",
    "sweeping",
    "swept_to",
]
