"""Closed vocabularies of ownership and policy, as plain strings."""

from enum import StrEnum

from costs.terms import choices_for

__all__ = [
    "BenefitPolicy",
    "ChargeKind",
    "ChargePolicy",
    "CommitmentUse",
    "MANDATORY_TAGS",
    "ChoiceState",
    "VirtualOrigin",
    "FINOPS_GROUP",
    "AccountKind",
    "CloseState",
    "DisputeState",
    "FindingState",
    "LineKind",
    "MailState",
    "MemberRole",
    "OwnerKind",
    "NoteKind",
    "OPTIONAL_TAGS",
    "RuleKind",
    "SplitMethod",
    "TagProblem",
    "TagState",
    "UnreadReason",
    "ValueKind",
    "ValueMatch",
    "Weighing",
    "choices_for",
]

FINOPS_GROUP = "FinOps"
MANDATORY_TAGS = ("Owner", "Environment", "Team", "CostCenter", "Project")
# ExpirationDate is a day. None of them is kept on slices unless somebody has it tracked.
OPTIONAL_TAGS = ("ExpirationDate", "BackupPolicy", "Compliance", "Application")


class MemberRole(StrEnum):
    VIEWER = "viewer"
    LEAD = "lead"


class OwnerKind(StrEnum):
    TEAM = "team"
    COST_CENTER = "cost_center"
    POOL = "pool"
    NOBODY = "nobody"


class RuleKind(StrEnum):
    """In the order a fresh installation uses them."""

    CONDITION = "condition"
    TAG = "tag"
    NAME = "name"
    ACCOUNT = "account"
    DEFAULT = "default"


class SplitMethod(StrEnum):
    """How a shared pool is split."""

    EVEN = "even"
    FIXED = "fixed"
    PROPORTIONAL = "proportional"
    KEEP = "keep"


class Weighing(StrEnum):
    """What a proportional split is in proportion to."""

    DIRECT = "direct"
    SERVICES = "services"
    DRIVER = "driver"
    COMMITMENTS = "commitments"


class ChargeKind(StrEnum):
    """Charges that are nobody's usage, each with a policy of its own."""

    TAXES = "taxes"
    SUPPORT = "support"
    CREDITS = "credits"
    DISCOUNTS = "discounts"
    UNUSED_COMMITMENTS = "unused-commitments"


class ChargePolicy(StrEnum):
    """Who bears such charges: whoever bought them, all users pro rata, or nobody but the company."""

    BUYER = "buyer"
    USERS = "users"
    CENTRAL = "central"


class BenefitPolicy(StrEnum):
    """At which price teams are charged for what commitments cover."""

    EFFECTIVE = "effective"
    LIST = "list"
    AVERAGE = "average"


class CommitmentUse(StrEnum):
    """What a cost has to do with commitments."""

    COVERED = "covered"
    UNUSED = "unused"
    ON_DEMAND = "on_demand"  # instance usage that a commitment could have covered
    NONE = ""


class TagState(StrEnum):
    """What the policy says of one key on one resource; invalid is present with a value or spelling not allowed.

    Exempt: it need not be judged, because somebody excused it or the key does not apply there.
    """

    COMPLIANT = "compliant"
    INVALID = "invalid"
    MISSING = "missing"
    EXEMPT = "exempt"


class TagProblem(StrEnum):
    """What is to be said of one key on one resource; the gravest first. Whether it breaks the policy, that says."""

    MISSING = "missing"
    INVALID = "invalid"
    NEAR_MISS = "near_miss"
    KEY_CASE = "key_case"
    VALUE_CASE = "value_case"
    EXPIRED = "expired"
    EXEMPT = "exempt"


class ValueKind(StrEnum):
    """What the values of a key are. None: the key must not have a value at all, as AWS's empty list says."""

    TEXT = "text"
    DATE = "date"
    NONE = "none"


class ValueMatch(StrEnum):
    """How an allowed value is compared."""

    EXACT = "exact"
    WILDCARD = "wildcard"
    PATTERN = "pattern"


class NoteKind(StrEnum):
    """A mail to a team's people: the Monday note, or what its leads get when fixes stay open."""

    NOTE = "note"
    ESCALATION = "escalation"


class FindingState(StrEnum):
    """Where a finding stands. Open and accepted ones count as money to save."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    DONE = "done"


class UnreadReason(StrEnum):
    """Why a month says nothing of a tag key. Teams get the last one only."""

    PENDING = "pending"
    TOO_MANY_VALUES = "too_many_values"
    NOT_TRACKED = "not_tracked"
    NOT_READ = "not_read"


class CloseState(StrEnum):
    """Where a version of a month's close stands. A month without a closed or final version is open."""

    CLOSED = "closed"
    FINAL = "final"
    REOPENED = "reopened"  # no longer counts; kept as it was


class LineKind(StrEnum):
    """What a line of a statement is: own costs, a share of a pool, a correction of an earlier month."""

    DIRECT = "direct"
    SHARED = "shared"
    ADJUSTMENT = "adjustment"


class DisputeState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class MailState(StrEnum):
    """Where one statement's mail to one address stands."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class AccountKind(StrEnum):
    """What an account code of the books is for."""

    DIRECT = "direct"
    SHARED = "shared"
    ADJUSTMENT = "adjustment"
    TAX = "tax"
    UNALLOCATED = "unallocated"
    PREPAID = "prepaid"
    CLEARING = "clearing"
    ACCRUAL = "accrual"


class ChoiceState(StrEnum):
    """What was decided of a suggested tag."""

    DISMISSED = "dismissed"
    PROPOSED = "proposed"


class VirtualOrigin(StrEnum):
    """Where a virtual tag came from."""

    SUGGESTION = "suggestion"
    PROPOSAL = "proposal"
