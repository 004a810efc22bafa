"""What happens when a fact of an order arrives, and when a deadline does.

`orders` folds facts into timelines, sets clocks, and marks orders of which a fact is dead · `counting` keeps what
orders count and what detectors find · `sweep` gives notices when their time has come · `climbing` raises and ends the
rungs of the ladder · `pulse` counts what falls due · `keeping` freezes days and counts again what time moved ·
`exporting` shows Prometheus what the API answers · `appeals` files and reviews · `news` words what is announced ·
`rebuild` makes timelines, clocks and counts anew · `recompute` brings clocks under other terms · `audit` says what
should have fired.
"""

from services.supervision.handlers.audit import Auditor
from services.supervision.handlers.counting import Numbers
from services.supervision.handlers.exporting import Exporter
from services.supervision.handlers.keeping import NumberKeeper
from services.supervision.handlers.orders import OrdersHandler
from services.supervision.handlers.pulse import Pulse
from services.supervision.handlers.rebuild import ClocksView
from services.supervision.handlers.recompute import Recompute
from services.supervision.handlers.sweep import Sweep

__all__ = [
    "Auditor",
    "ClocksView",
    "Exporter",
    "NumberKeeper",
    "Numbers",
    "OrdersHandler",
    "Pulse",
    "Recompute",
    "Sweep",
]
