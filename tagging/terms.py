"""Closed vocabularies of ownership and policy, as plain strings."""

from enum import StrEnum

from costs.terms import choices_for

__all__ = [
    "MANDATORY_TAGS",
    "FINOPS_GROUP",
    "FindingState",
    "MemberRole",
    "OwnerKind",
    "NoteKind",
    "OPTIONAL_TAGS",
    "RuleKind",
    "TagProblem",
    "TagState",
    "UnreadReason",
    "ValueKind",
    "ValueMatch",
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
    NOBODY = "nobody"


class RuleKind(StrEnum):
    """In the order a fresh installation uses them."""

    TAG = "tag"
    ACCOUNT = "account"
    DEFAULT = "default"


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
