"""What can be tuned in the router."""

from services.chassis.settings import ServiceSettings


class RouterSettings(ServiceSettings):
    """Settings of the router. `candidates_per_key` bounds how many matters one merge key may bring in; every
    `sweep_every` seconds orders that were opened are compared once more with those around them;
    every `warn_every` seconds it is looked whether there is something to speak up about."""

    candidates_per_key: int = 20
    sweep_every: float = 5.0
    warn_every: float = 15.0
    pool_size: int = 5
