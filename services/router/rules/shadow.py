"""What runs beside the live rulebook: asked the same of each report, and only where it differs is anything kept.

A shadow is an atlas. One that reads reports as the live one does (another rulebook) is asked what the live rulebook was
asked; one that reads them otherwise (another model) reads them itself, and hands in what it prepared.
"""

from services.router.rules.atlas import Atlas
from services.router.rules.outcome import Outcome, asked_again, outcome_of
from services.router.rules.plan import Prepared


def compared(prepared: Prepared, shadow: Atlas, read: Prepared | None = None) -> tuple[Outcome, Outcome]:
    """Whose a report is live, and whose it would be by the shadow; `read` is how the shadow reads it, where it does."""
    live = outcome_of(prepared.matched)
    return live, outcome_of(read.matched) if read else asked_again(shadow, prepared.question)


def verdict(outcomes: tuple[Outcome, Outcome]) -> str:
    """In a word what two outcomes differ in: `same`, or the weightiest part (`lead` before `assists` before others)."""
    return next(iter(outcomes[0].apart(outcomes[1])), "same")
