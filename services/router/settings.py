"""What can be tuned in the router."""

from services.chassis.settings import ServiceSettings


class RouterSettings(ServiceSettings):
    """Settings of the router. `candidates_per_key` bounds how many matters one merge key may bring in."""

    candidates_per_key: int = 20
    pool_size: int = 5
