"""Two ways to read Kafka in batches. The seam does not know which one reads; one conformance suite runs on both."""

from typing import Protocol


class Engine(Protocol):
    """Reads topics in batches into a seam, and commits offsets only after the seam is through with a batch."""

    async def run(self) -> None:
        """Read until cancelled; on cancellation the batch under way is finished and committed."""
