"""A clock's row as others see the clock."""

from typing import Any

from schemas.facts import ClockView
from schemas.vocabulary import ClockState, Stage


def view_of(row: Any) -> ClockView:
    """What others see of a clock; the row must have the columns that are read here."""
    return ClockView(
        clock_id=row["clock_id"],
        stage=Stage(row["stage"]),
        owner=row["owner"],
        start=row["start"],
        due=row["due"],
        state=ClockState(row["state"]),
        policy=row["policy"],
        round=row["round"],
        assignment_id=row["assignment_id"],
        report_id=row["report_id"],
    )
