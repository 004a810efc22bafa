"""The one table of topics: name, key, partitions, retention, who writes, who reads. Every topic has `<name>.dlq`."""

from msgspec import Struct

from schemas import facts
from schemas.vocabulary import Lane

DAY_MS = 86_400_000
PARTITIONS = 8
MESSAGE_BYTES = 1_048_576
DLQ = ".dlq"


class Topic(Struct, frozen=True):
    """One topic. `default` is the fact assumed for a message without `ce_type` (direct producers); `open_to_producers`
    says that programs outside this project may write it with nothing but the published JSON Schema."""

    name: str
    key: str
    carries: tuple[type[Struct], ...]
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    about: str
    partitions: int = PARTITIONS
    retention_ms: int = 14 * DAY_MS
    max_message_bytes: int = MESSAGE_BYTES
    default: type[Struct] | None = None
    open_to_producers: bool = False


_ROUTED = (
    facts.OrderProposed,
    facts.ReportLinked,
    facts.ReportAnswered,
    facts.TriageRequested,
    facts.ReportTransferred,
    facts.MergeProposed,
    facts.AlarmRaised,
    facts.AlarmCleared,
    facts.DeviceSilent,
    facts.DeviceFaulty,
)
# Of special cases: on the topic of orders, because only its Ticks say that everything recorded before is there.
_CASES = (
    facts.SpecialCaseOpened,
    facts.SpecialCaseLinked,
    facts.SpecialCaseUnlinked,
    facts.MeetingRecorded,
    facts.CommitmentAnswered,
    facts.CommitmentAccepted,
    facts.CommitmentSentBack,
    facts.CommitmentWithdrawn,
    facts.CommitmentRung,
    facts.SpecialCaseClosed,
)
_ORDERS = (
    facts.OrderOpened,
    facts.ReportJoined,
    facts.OrderRouted,
    facts.AssignmentOffered,
    facts.AssignmentAccepted,
    facts.ContactMade,
    facts.ArrivedOnSite,
    facts.ProgressNoted,
    facts.AssignmentDone,
    facts.AssignmentConfirmed,
    facts.AssignmentWithdrawn,
    facts.AssignmentSentBack,
    facts.LeadChanged,
    facts.VerificationRecorded,
    facts.CallbackRecorded,
    facts.RatingReceived,
    facts.ReopeningDismissed,
    facts.OrderClosed,
    facts.OrderReopened,
    facts.OrderConcluded,
    facts.RepeatAnswered,
    facts.OrderRejected,
    facts.OrderMerged,
    facts.UrgencyChanged,
    facts.OrderUnmerged,
    facts.ReportsMoved,
    facts.OrderSplit,
    facts.HandoverOffered,
    facts.HandoverSigned,
    facts.HandoverReturned,
    facts.HandoverReported,
    facts.OrderTransferred,
    facts.OrderVoided,
    facts.RequestMade,
    facts.RequestEscalated,
    facts.RequestDecided,
    facts.AssignmentReturned,
    facts.ClassCorrected,
    facts.OrderParked,
    facts.OrderResumed,
    facts.Urged,
    facts.Supervised,
    facts.SupervisionAnswered,
    facts.SupervisionAccepted,
    facts.SupervisionRefused,
    facts.SupervisionCleared,
    facts.OrderLinked,
    facts.OrderUnlinked,
    *_CASES,
    facts.Tick,
)
_CLOCKS = (
    facts.ClocksSet,
    facts.DeadlineWarned,
    facts.DeadlineMissed,
    facts.DeadlineWithdrawn,
    facts.RungRaised,
    facts.RungCleared,
    facts.FindingRaised,
    facts.FindingWithdrawn,
)


def _reports(lane: Lane, about: str) -> Topic:
    return Topic(
        name=f"reports.{lane}",
        key="report_id",
        carries=(facts.ReportReceived,),
        writers=("intake", "router", "gateways"),
        readers=("router",),
        about=about,
        default=facts.ReportReceived,
        open_to_producers=True,
    )


def _decided(lane: Lane, about: str) -> Topic:
    return Topic(
        name=f"routing.decided.{lane}",
        key="order_id",
        carries=_ROUTED,
        writers=("router",),
        readers=("dispatch",),
        about=about,
    )


REPORTS_URGENT = _reports(Lane.URGENT, "Reports that may mean danger to life or limb")
REPORTS_NORMAL = _reports(Lane.NORMAL, "All other reports")
SENSORS_READINGS = Topic(
    name="sensors.readings",
    key="bucket",
    carries=(facts.ReadingReceived,),
    writers=("intake", "gateways"),
    readers=("router",),
    about="Measurements, 1-500 a message, keyed by crc32(device id) mod 64",
    default=facts.ReadingReceived,
    open_to_producers=True,
)
ROUTING_URGENT = _decided(Lane.URGENT, "Where urgent reports go, and why")
ROUTING_NORMAL = _decided(Lane.NORMAL, "Where reports go, and why")
ROUTING_WARNINGS = Topic(
    name="routing.warnings",
    key="topic or order_id",
    carries=(facts.CrowdFound, facts.HotTopicFound, facts.HotTopicEnded, facts.QuietOrderFound),
    writers=("router",),
    readers=(),
    about="Early warning for whoever listens: crowds, hot topics, the quiet few",
    partitions=1,
)
ORDERS_EVENTS = Topic(
    name="orders.events",
    key="order_id",
    carries=_ORDERS,
    writers=("dispatch",),
    readers=("router", "supervision"),
    about="Every change of every order and special case (keyed by its case_id), numbered in each; a Tick a second",
)
SUPERVISION_EVENTS = Topic(
    name="supervision.events",
    key="order_id",
    carries=_CLOCKS,
    writers=("supervision",),
    readers=("dispatch",),
    about="Clocks set, warned, missed, withdrawn, those of commitments under the id of their special case; rungs; what"
    " detectors found and took back, of a unit under the finding's id",
)


def dead_letter(topic: Topic) -> Topic:
    """The dead-letter topic of a topic: the bytes as they came, twice the size, kept 30 days."""
    return Topic(
        name=topic.name + DLQ,
        key="as it came",
        carries=(),
        writers=topic.readers,
        readers=("operator",),
        about=f"What could not be read or handled of {topic.name}, with its bytes and its reason",
        partitions=1,
        retention_ms=30 * DAY_MS,
        max_message_bytes=2 * topic.max_message_bytes,
    )


MAIN: tuple[Topic, ...] = (
    REPORTS_URGENT,
    REPORTS_NORMAL,
    SENSORS_READINGS,
    ROUTING_URGENT,
    ROUTING_NORMAL,
    ROUTING_WARNINGS,
    ORDERS_EVENTS,
    SUPERVISION_EVENTS,
)
TOPICS: tuple[Topic, ...] = (*MAIN, *(dead_letter(t) for t in MAIN))
BY_NAME: dict[str, Topic] = {t.name: t for t in TOPICS}
REPORTS: dict[Lane, Topic] = {Lane.URGENT: REPORTS_URGENT, Lane.NORMAL: REPORTS_NORMAL}
ROUTING: dict[Lane, Topic] = {Lane.URGENT: ROUTING_URGENT, Lane.NORMAL: ROUTING_NORMAL}
