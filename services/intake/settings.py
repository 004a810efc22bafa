"""What can be tuned in intake."""

from pydantic import Field

from services.chassis.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    """Settings of intake; spans in seconds, sizes in bytes. `send_timeout`: after it a send that Kafka has not
    acknowledged goes to the spool. `key_timeout`: how long a request may wait for its key row. `spool_limit_bytes`
    bounds each lane's file. `canary_every`: how often the system sends a report of its own; 0 for never."""

    body_limit: int = Field(default=8_000_000, ge=1000)
    pool_size: int = Field(default=4, ge=2, le=100)
    send_timeout: float = Field(default=1.0, gt=0)
    key_timeout: float = Field(default=0.3, gt=0)
    spool_limit_bytes: int = Field(default=2_000_000_000, ge=1000)
    canary_every: float = Field(default=60.0, ge=0)
    dispatch_timeout: float = Field(default=2.0, gt=0)
