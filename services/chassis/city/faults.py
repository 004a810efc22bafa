"""What is wrong with a city pack: where it stands and why, gathered so that all of it is told at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Fault:
    """One fault: the file inside the pack, the line (1-based; TOML: the header of the table) and its cause."""

    file: str
    line: int
    cause: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.cause}"


class CityFaults(Exception):
    """A city pack cannot be used; `faults` holds every fault, ordered by file and line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(set(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass
class FaultList:
    """Faults found so far."""

    found: list[Fault] = field(default_factory=list)

    def add(self, file: str, line: int, cause: str) -> None:
        """Note one fault and go on."""
        self.found.append(Fault(file, line, cause))

    def raise_if_any(self) -> None:
        """Raise `CityFaults` with everything that was noted."""
        if self.found:
            raise CityFaults(self.found)
