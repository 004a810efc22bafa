"""What the router remembers: decisions, matters, devices, rulebooks. The only SQL of this service."""

from services.router.store.decisions import (
    DecisionRow,
    Kept,
    Place,
    Recalled,
    Ruled,
    decided,
    decision_of,
    pack,
    recall,
    rulings,
    save_decisions,
)
from services.router.store.devices import device_states, devices_page, overdue_devices, save_devices
from services.router.store.labels import save_labels
from services.router.store.matters import Key, Landing, candidates, land, matters_of, save_matters
from services.router.store.proposals import asked_before, keep_place, save_proposals, sweeping, swept_to
from services.router.store.rulebooks import Standing, Stored, Taking, newest, take, taken, text_of, text_of_version
from services.router.store.shadows import Difference, Tally, differences, examined, save_differences, tallies

__all__ = [
    "Standing",
    "Stored",
    "Taking",
    "newest",
    "take",
    "taken",
    "text_of",
    "text_of_version",
    "Difference",
    "Tally",
    "differences",
    "examined",
    "save_differences",
    "tallies",
    "DecisionRow",
    "Kept",
    "Key",
    "Landing",
    "Place",
    "Recalled",
    "asked_before",
    "Ruled",
    "candidates",
    "decided",
    "device_states",
    "devices_page",
    "keep_place",
    "decision_of",
    "land",
    "matters_of",
    "overdue_devices",
    "pack",
    "recall",
    "rulings",
    "save_decisions",
    "save_devices",
    "save_labels",
    "save_matters",
    "save_proposals",
    "sweeping",
    "swept_to",
]
