"""What runs beside the live rulebook: asked the same of each report, and only where it differs is anything kept.

A shadow is an atlas. One that reads reports as the live one does (another rulebook) is asked what the live rulebook was
asked; one that reads them otherwise (another model) reads them itself, and hands in what it prepared.
"""

from msgspec import structs

from services.router.rules.atlas import Atlas
from services.router.rules.outcome import Outcome, asked_again, outcome_of
from services.router.rules.plan import Prepared


def by_rulebook(prepared: Prepared, shadow: Atlas) -> tuple[Outcome, Outcome]:
    """Whose a report is live, and whose it would be by the rulebook of the shadow."""
    return outcome_of(prepared.matched), asked_again(shadow, prepared.question)


def by_model(prepared: Prepared, read: Prepared) -> tuple[Outcome, Outcome]:
    """Whose a report is live, and whose it would be as the shadow reads it; in doubt a person decides."""
    return _settled(prepared), _settled(read)


def _settled(prepared: Prepared) -> Outcome:
    found = outcome_of(prepared.matched)
    return structs.replace(found, held=found.held or not prepared.question.sure)


def verdict(outcomes: tuple[Outcome, Outcome], classes: tuple[str, str] = ("", "")) -> str:
    """In a word what two outcomes differ in: `same`, or the weightiest part (`lead` before `assists` before others);
    `class` where only the classes do."""
    apart = outcomes[0].apart(outcomes[1])
    return apart[0] if apart else "class" if classes[0] != classes[1] else "same"
