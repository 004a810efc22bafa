"""A seeded, believable city that reports, and responders who answer it.

`stream(city, seed)` is pure: the same arguments give the same requests, as fast as they are asked for. `paidan
simulate` (deploy/cli/simulate.py) sends them, lets responders work, and reconciles what went in with what came out.
What people say is data: `speech/<city>/`.
"""

from deploy.simulator.stream import DEFAULT_START, Meant, Mix, Sent, stream

__all__ = ["DEFAULT_START", "Meant", "Mix", "Sent", "stream"]
