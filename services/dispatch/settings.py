"""What can be tuned in dispatch."""

from pydantic import Field

from services.chassis.settings import ServiceSettings


class DispatchSettings(ServiceSettings):
    """Settings of every dispatch process. `desk_share` is how many writes of people may share one transaction,
    `stream_every` the seconds between two looks for the live stream; `link` is where a screen shows an order, for
    mails and webhooks, with {number} for its number."""

    desk_share: int = Field(default=64, ge=1, le=500)
    stream_every: float = Field(default=0.5, gt=0, le=10)
    link: str = Field(
        default="http://127.0.0.1:8103/app/#/order/{number}", pattern=r"^https?://[^{}\s]*\{number\}[^{}\s]*$"
    )
