"""What can be tuned in supervision."""

from pydantic import Field

from services.chassis.settings import ServiceSettings


class SupervisionSettings(ServiceSettings):
    """Settings of supervision. `sweep_every` seconds pass between two looks at the timers, `sweep_page` clocks are
    brought on in one transaction; a Tick older than `tick_held` seconds is alarmed, a notice that comes more than
    `late_after` seconds after its moment is told as a late one; the auditor looks at `audit_page` orders every
    `audit_every` seconds. `everything`: a recompute looks into every open order, whatever changed."""

    pool_size: int = Field(default=4, ge=2, le=100)
    sweep_every: float = Field(default=0.15, gt=0, le=10)
    sweep_page: int = Field(default=500, ge=1, le=5000)
    tick_held: float = Field(default=30.0, gt=0)
    late_after: float = Field(default=900.0, ge=60)
    audit_every: float = Field(default=5.0, gt=0)
    audit_page: int = Field(default=200, ge=1, le=2000)
    everything: bool = False
