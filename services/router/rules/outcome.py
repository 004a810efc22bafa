"""What came of asking a rulebook, small enough to be kept with every decision, and in what two of them differ."""

from msgspec import Struct, structs

from services.router.rules.atlas import Atlas
from services.router.rules.match import Matched, match
from services.router.rules.question import Question

PARTS = ("lead", "assists", "held", "together", "urgency", "transfer_to")


class Outcome(Struct, frozen=True, omit_defaults=True):
    """Whose a report is by one rulebook. `held`: a person decides, and `lead` is whom the row would have named."""

    lead: str
    rule: str = ""
    assists: tuple[str, ...] = ()
    held: bool = False
    together: bool = False
    urgency: str = ""
    transfer_to: str = ""

    def apart(self, other: "Outcome") -> tuple[str, ...]:
        """In what two outcomes differ for those who get the work: names of PARTS. Another row that says the same is no
        difference."""
        return tuple(name for name in PARTS if getattr(self, name) != getattr(other, name))


class Ruling(Struct, frozen=True, omit_defaults=True):
    """What a decision asked of the rulebook, and what came of it. `order_id` and the like stand in the decision."""

    question: Question
    outcome: Outcome


def outcome_of(matched: Matched) -> Outcome:
    """A match as it is kept."""
    rule = matched.rule
    return Outcome(
        lead=matched.lead.unit_id,
        rule=rule.rule_id if rule else "",
        assists=tuple(unit.unit_id for unit in matched.assists),
        held=not matched.settled,
        together=rule.together if rule else False,
        urgency=rule.urgency or "" if rule else "",
        transfer_to=rule.transfer_to if rule and matched.settled else "",
    )


def ruling_of(question: Question, matched: Matched) -> Ruling:
    """What a decision asked and got, as it is kept."""
    return Ruling(question, outcome_of(matched))


def asked_again(atlas: Atlas, question: Question) -> Outcome:
    """What comes of a question that was asked before, by the rulebook of `atlas`. A place that there is no more counts
    as the one that took it in, or as the city."""
    return outcome_of(match(atlas, standing(question, atlas)))


def standing(question: Question, atlas: Atlas) -> Question:
    """A question as the city stands today."""
    code = atlas.codes.get(question.division, question.division)
    code = code if code in atlas.divisions else atlas.city.root
    return structs.replace(question, division=code, at=question.at.astimezone(atlas.zone))
