"""The numbers of the city: what each is (`definitions`), what an order counts in each (`tally`, from its timeline, its
clocks and its `ledger`), and how few are told from many (`league`)."""

from services.supervision.rules.kpi.bearings import Bearings
from services.supervision.rules.kpi.definitions import BUCKETS, BY_ID, KPIS, Counted, Kind, Kpi
from services.supervision.rules.kpi.ledger import Ledger, fold_ledger
from services.supervision.rules.kpi.tally import CORRECT, EXCLUDE, Granted, Measure, Overdue, overdue, tally

__all__ = [
    "BUCKETS",
    "BY_ID",
    "CORRECT",
    "Bearings",
    "Counted",
    "EXCLUDE",
    "Granted",
    "KPIS",
    "Kind",
    "Kpi",
    "Ledger",
    "Measure",
    "Overdue",
    "fold_ledger",
    "overdue",
    "tally",
]
