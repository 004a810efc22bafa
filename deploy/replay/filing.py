"""As which class of the pack a published request is filed, and how it is written as a ticket."""

from collections.abc import Mapping
from typing import Any

from deploy.replay.records import Record
from schemas.city import City

REFILED = " (refiled)"
SOURCE_ID = "boston311-{}"


def class_keys(city: City) -> dict[str, str]:
    """Class name → class key of a pack."""
    return {item.name: item.key for item in city.classes}


def class_key_of(record: Record, keys: Mapping[str, str]) -> str:
    """The class a record is filed as: that of its type, or, where the pack tells them apart, of requests refiled into
    that type. "" for a type that the pack does not know."""
    if not record.own_title and (refiled := keys.get(record.type + REFILED)):
        return refiled
    return keys.get(record.type, "")


def ticket_of(record: Record, keys: Mapping[str, str]) -> dict[str, Any]:
    """The record as intake takes a hotline ticket from an import: original times, no free text, no address."""
    said = {
        "source_id": SOURCE_ID.format(record.case_id),
        "received_at": record.opened.isoformat(),
        "occurred_at": record.opened.isoformat(),
        "title": record.type,
        "text": f"{record.reason}: {record.type}",
        "district": record.neighbourhood,
        "class_key": class_key_of(record, keys),
        "lon": record.lon,
        "lat": record.lat,
    }
    return {name: value for name, value in said.items() if value not in ("", None)}
