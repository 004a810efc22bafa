"""What can be tuned in dispatch."""

from pydantic import Field

from services.chassis.settings import ServiceSettings


class DispatchSettings(ServiceSettings):
    """Settings of every dispatch process. `desk_share` is how many writes of people may share one transaction,
    `stream_every` the seconds between two looks for the live stream."""

    desk_share: int = Field(default=64, ge=1, le=500)
    stream_every: float = Field(default=0.5, gt=0, le=10)
