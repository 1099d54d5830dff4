"""Closed vocabularies of the programme, as plain strings."""

from enum import StrEnum

from finops_site.metrics.terms import Metric


class Phase(StrEnum):
    """The parts of the 90 days. Days are counted from the start; `last_day` still belongs to it."""

    WEEK_1 = "week_1"
    WEEKS_2_3 = "weeks_2_3"
    WEEK_4 = "week_4"
    MONTHS_2_3 = "months_2_3"

    @property
    def label(self) -> str:
        return _PHASES[self][0]

    @property
    def first_day(self) -> int:
        return _PHASES[self][1]

    @property
    def last_day(self) -> int:
        return _PHASES[self][2]


_PHASES = {
    Phase.WEEK_1: ("Week 1", 0, 7),
    Phase.WEEKS_2_3: ("Weeks 2–3", 8, 21),
    Phase.WEEK_4: ("Week 4", 22, 28),
    Phase.MONTHS_2_3: ("Months 2–3", 29, 90),
}


class Comparator(StrEnum):
    """Which side of its threshold a measure has to be on; the threshold itself will do."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ")


class StepState(StrEnum):
    """What became of a step, worked out from its measure. The last two are the verdicts of go/no-go points."""

    NOT_STARTED = "not_started"
    ON_TRACK = "on_track"
    LATE = "late"
    DONE_ON_TIME = "done_on_time"
    DONE_LATE = "done_late"
    NOT_MEASURABLE = "not_measurable"
    GO = "go"
    NO_GO = "no_go"

    @property
    def is_reached(self) -> bool:
        return self in (StepState.DONE_ON_TIME, StepState.DONE_LATE)


class RiskState(StrEnum):
    """`closed` no longer counts; `accepted` counts though nothing more is done against it."""

    OPEN = "open"
    ACCEPTED = "accepted"
    CLOSED = "closed"


class SavingSource(StrEnum):
    """Where savings come from."""

    COMMITMENTS = "commitments"
    IDLE = "idle"
    STORAGE = "storage"
    RATES = "rates"

    @property
    def label(self) -> str:
        return {
            "commitments": "Reservations and plans",
            "idle": "Stopped and idle resources",
            "storage": "Storage classes",
            "rates": "Rates far from list",
        }[self.value]


# Figures that happen anew in every month: what counts is their sum since the programme began.
SUMMED_METRICS = frozenset({Metric.RESERVATIONS_BOUGHT, Metric.RESOURCES_FIXED})
