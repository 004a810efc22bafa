"""What the duty rulebook is asked about a report: all that its rows can tell apart, and nothing that names a person.

A question is kept with each decision, so that another rulebook can be asked the same at any later time.
"""

from datetime import datetime

from msgspec import Struct, structs

from schemas.facts import ReportReceived
from schemas.vocabulary import Attribute, Source, TicketType, Tier
from services.router.rules.atlas import Atlas
from services.router.rules.classify import Classified
from services.router.rules.locate import Located


class Question(Struct, frozen=True, omit_defaults=True):
    """One question to the rulebook. `division` is the deepest one known (the city's own where none is), `at` the moment
    in the city's time; `accused` are the units complained about, `danger` the kind of danger to life; `sure` says
    whether class and place are."""

    class_key: str
    ticket_type: TicketType
    division: str
    source: Source
    at: datetime
    scene: str = ""
    subject: str = ""
    device: str = ""
    police: str = ""
    platform: str = ""
    stars: int = 0
    place: Tier = Tier.CITY
    confidential: bool = False
    accused: tuple[str, ...] = ()
    danger: str = ""
    sure: bool = True

    @property
    def accuses(self) -> bool:
        """Whether the report accuses somebody: an informant (举报), or a complaint about a unit of the city."""
        return self.ticket_type is TicketType.INFORMANT or bool(self.accused)

    def value(self, attribute: Attribute) -> str:
        """The value of an attribute; "" where the report has none."""
        match attribute:
            case Attribute.DEVICE:
                return self.device
            case Attribute.POLICE:
                return self.police
            case Attribute.PLATFORM:
                return self.platform
            case Attribute.CONFIDENTIAL:
                return "yes" if self.confidential else "no"
            case Attribute.ABOUT:
                return "unit" if self.accused else "other" if self.subject else "nobody"
            case Attribute.STARS:
                return str(self.stars) if self.stars else ""
            case Attribute.PLACE:
                return self.place.value


def is_confidential(report: ReportReceived, classified: Classified) -> bool:
    """Whether who reported must not be told to handlers: as he said, and an informant (举报) who said nothing."""
    said = report.reporter.confidential if report.reporter else None
    return classified.ticket_type is TicketType.INFORMANT if said is None else said


def question_of(
    report: ReportReceived, classified: Classified, located: Located, danger: str, atlas: Atlas
) -> Question:
    """What a report asks the rulebook."""
    limits, place = atlas.thresholds, located.place
    device = atlas.devices.get(report.device_id) if report.device_id else None
    police = atlas.police_class(report.police_class) if report.police_class else None
    return Question(
        class_key=classified.key,
        ticket_type=classified.ticket_type,
        division=place.division if place else atlas.city.root,
        source=report.source,
        at=(report.occurred_at or report.received_at).astimezone(atlas.zone),
        scene=classified.scene,
        subject=report.subject,
        device=device.kind if device else report.alarm.rule.partition(":")[0] if report.alarm else "",
        police=police.code if police else "",
        platform=report.platform,
        stars=report.stars or 0,
        place=place.tier if place else Tier.CITY,
        confidential=is_confidential(report, classified),
        accused=atlas.organisation.called(report.subject),
        danger=danger,
        sure=classified.confidence >= limits.classify_confidence and located.confidence >= limits.locate_confidence,
    )


def with_accused(question: Question, text: str, atlas: Atlas) -> Question:
    """The question with every unit that an informant's words name, beside the subject that was filled in: none of them
    leads, helps, decides about it or sees it. Of other tickets only the subject counts, as their words name units for
    many reasons."""
    if question.ticket_type is not TicketType.INFORMANT:
        return question
    accused = tuple(dict.fromkeys((*question.accused, *atlas.unit_names.named_in(text))))
    return structs.replace(question, accused=accused) if accused != question.accused else question
