"""Ids by arithmetic, and template bytes under new ids: nothing here computes what a message means."""

from uuid import UUID

from tests.bench.bare.templates import ORDER, REPORT, Template

_FLIP = 0x5A5A << 64
_REPORT, _ORDER = str(REPORT), str(ORDER)
_REPORT_BYTES, _ORDER_BYTES = _REPORT.encode(), _ORDER.encode()


def order_of(report_id: UUID) -> UUID:
    """The order that a report opens, and back."""
    return UUID(int=report_id.int ^ _FLIP)


def derived(id_: UUID, n: int) -> UUID:
    """The n-th id that hangs on another."""
    return UUID(int=id_.int ^ (n << 96))


def renamed(value: bytes, order_id: UUID, report_id: UUID) -> bytes:
    """Template bytes for this order and report."""
    return value.replace(_ORDER_BYTES, str(order_id).encode()).replace(_REPORT_BYTES, str(report_id).encode())


def renamed_text(value: str, order_id: UUID, report_id: UUID) -> str:
    """Template text for this order and report."""
    return value.replace(_ORDER, str(order_id)).replace(_REPORT, str(report_id))


def pick(templates: list[Template], id_: UUID) -> Template:
    """The template of an order or a report; all hops pick the same one."""
    return templates[(id_.int & 0xFFFFFFFF) % len(templates)]
