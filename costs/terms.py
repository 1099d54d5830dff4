"""The field's closed vocabularies, as plain strings (FOCUS terms where FOCUS has one)."""

from collections.abc import Iterable
from enum import StrEnum


class CostMetric(StrEnum):
    """The cost basis of a figure. Every page, file and answer names the one it shows."""

    BILLED = "billed"
    EFFECTIVE = "effective"
    LIST = "list"
    CONTRACTED = "contracted"
    UNBLENDED = "unblended"

    @property
    def column(self) -> str:
        """The column of that basis in every rollup: `billed_cost`, `effective_cost`, …"""
        return f"{self.value}_cost"


COST_COLUMNS = tuple(metric.column for metric in CostMetric)


class ChargeCategory(StrEnum):
    USAGE = "Usage"
    PURCHASE = "Purchase"
    TAX = "Tax"
    CREDIT = "Credit"
    ADJUSTMENT = "Adjustment"


class PricingCategory(StrEnum):
    STANDARD = "Standard"
    DYNAMIC = "Dynamic"
    COMMITTED = "Committed"
    OTHER = "Other"


class CommitmentDiscountStatus(StrEnum):
    USED = "Used"
    UNUSED = "Unused"
    NONE = ""


class BillingFormat(StrEnum):
    LEGACY_CUR = "legacy_cur"
    CUR_2 = "cur_2"
    FOCUS = "focus"
    INVENTORY_COMPUTE = "inventory_compute"
    INVENTORY_STORAGE = "inventory_storage"

    @property
    def is_inventory(self) -> bool:
        """Inventories give cost only where no bill covers the month."""
        return self.value.startswith("inventory")

    @property
    def tells_fees(self) -> bool:
        """Whether a month's own lines tell what commitments cost in it, used or not."""
        return self in (BillingFormat.LEGACY_CUR, BillingFormat.CUR_2)


class BillState(StrEnum):
    OPEN = "open"
    CLOSING = "closing"
    FINAL = "final"
    REOPENED = "reopened"


# The finding of a month whose invoices are still to come.
NOT_INVOICED = "not_invoiced"
CHARGES_DAMAGED = "charges_damaged"  # why an import failed that was in force: see services/rebuilding.py


class PlaceKind(StrEnum):
    """How the bills of a source come in."""

    UPLOAD = "upload"
    FOLDER = "folder"
    S3 = "s3"

    @property
    def is_looked_at(self) -> bool:
        """Whether deliveries are fetched from it, not handed in."""
        return self is not PlaceKind.UPLOAD


class DeliveryState(StrEnum):
    """What became of one version of a month that was found at a source."""

    WAITING = "waiting"  # not complete yet
    QUEUED = "queued"
    FETCHING = "fetching"
    IMPORTING = "importing"
    DONE = "done"  # in force, or the same as what is
    REFUSED = "refused"  # it cannot be imported as it is; the next version can
    FAILED = "failed"  # it could not be had; tried again
    SUPERSEDED = "superseded"  # a newer version came before it was fetched


class ImportState(StrEnum):
    """The life of one import attempt. `in_force` and later `replaced`, or an end that changed nothing."""

    QUEUED = "queued"
    LANDING = "landing"
    ROLLING_UP = "rolling_up"
    ALLOCATING = "allocating"
    IN_FORCE = "in_force"
    REPLACED = "replaced"
    SUPERSEDED = "superseded"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_running(self) -> bool:
        """Landing, rolling up or allocating: a worker's heartbeat is expected."""
        return self in RUNNING_STATES


RUNNING_STATES = (ImportState.LANDING, ImportState.ROLLING_UP, ImportState.ALLOCATING)
OPEN_STATES = (ImportState.QUEUED, *RUNNING_STATES)


class FileState(StrEnum):
    """One file of an import on its way into the charge store."""

    WAITING = "waiting"
    LANDING = "landing"
    LANDED = "landed"
    FAILED = "failed"
    STOPPED = "stopped"  # not read: the import ended before


class FindingKind(StrEnum):
    """Money spent on nothing, by how it was found. In the order a resource is judged: it counts once, for the first."""

    NOT_RUNNING = "not_running"
    IDLE = "idle"
    UNUSED_COMMITMENT = "unused_commitment"
    OFF_LIST_RATE = "off_list_rate"
    DEAR_STORAGE = "dear_storage"

    @property
    def heading(self) -> str:
        """Its name for people."""
        return FINDING_TITLES[self][0]

    @property
    def explanation(self) -> str:
        """What it is and what to do, in a sentence."""
        return FINDING_TITLES[self][1]


FINDING_TITLES = {
    FindingKind.NOT_RUNNING: (
        "Not running, still paid",
        "Stopped or terminated instances that still cost. Keep a copy of what is needed, then remove them.",
    ),
    FindingKind.IDLE: (
        "Idle",
        "Instances that run with next to no load. Switch them off, or move their work elsewhere.",
    ),
    FindingKind.UNUSED_COMMITMENT: (
        "Unused commitment",
        "Reserved capacity that is paid and not used. Move usage onto it, exchange it, or sell it.",
    ),
    FindingKind.OFF_LIST_RATE: (
        "Rate far above list",
        "Hours paid well above the list price. Check the contract, or the rate in the inventory.",
    ),
    FindingKind.DEAR_STORAGE: (
        "Dear storage class",
        "Data kept in a class that costs more than it needs. Move it to the cheaper class.",
    ),
}


def choices_for(enum: Iterable[StrEnum]) -> list[tuple[str, str]]:
    """Choices for a model field as plain strings, so that migrations hold no code of today."""
    return [(member.value, member.value.replace("_", " ").capitalize()) for member in enum]
