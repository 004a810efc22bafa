"""Every form of the service: what screens ask for, of assignments, orders, requests, supervisions and commitments."""

from typing import Any

from schemas.vocabulary import RequestKind
from services.dispatch.rules.acts import ON_ASSIGNMENT, ON_ORDER
from services.dispatch.rules.acts.decisions import Decision
from services.dispatch.rules.acts.requests import FIELDS
from services.dispatch.rules.acts.supervising import Answer, Word
from services.dispatch.rules.cases.bodies import COMMITMENT_BODIES
from services.dispatch.rules.forms import forms, parted
from services.dispatch.rules.requests.reasons import REASONS
from services.dispatch.rules.words import COMMITMENT_ACTIONS, COMMITMENT_ANSWER, SUPERVISION_ACTIONS, SUPERVISION_FIELDS

# What each kind asks beside reason and basis; whose it is instead hangs on the reason of a return.
_ASKED: dict[str, dict[str, bool]] = {
    kind: {"evidence": False} | {name: kind is not RequestKind.RETURN for name in names}
    for kind, names in FIELDS.items()
}


def screens() -> dict[str, dict[str, Any]]:
    """By what is acted on, then by action: words and fields."""
    assignment = forms({action: one.body for action, one in ON_ASSIGNMENT.items()})
    request = assignment["request"]
    request["fields"] = parted(request["fields"], "kind", _ASKED, {"reason": REASONS})
    commitment = forms(COMMITMENT_BODIES)
    for action, words in COMMITMENT_ACTIONS.items():
        commitment[action] |= words._asdict()
    [done] = commitment["answer"]["fields"]
    done |= COMMITMENT_ANSWER._asdict()
    order = forms({action: one.body for action, one in ON_ORDER.items()})
    supervision = forms({"answer": Answer, "decision": Word})
    for action, words in SUPERVISION_ACTIONS.items():
        supervision[action] |= words._asdict()
    for form in (order["supervise"], *supervision.values()):
        for field in form["fields"]:
            if field["name"] in SUPERVISION_FIELDS:
                field |= SUPERVISION_FIELDS[field["name"]]._asdict()
    return {
        "commitment": commitment,
        "assignment": assignment,
        "order": order,
        "request": forms({"decision": Decision}),
        "supervision": supervision,
    }
