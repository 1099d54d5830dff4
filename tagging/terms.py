"""Closed vocabularies of ownership and policy, as plain strings."""

from enum import StrEnum

from costs.terms import choices_for

__all__ = [
    "MANDATORY_TAGS",
    "FINOPS_GROUP",
    "FindingState",
    "MemberRole",
    "OwnerKind",
    "RuleKind",
    "TagState",
    "UnreadReason",
    "choices_for",
]

FINOPS_GROUP = "FinOps"
MANDATORY_TAGS = ("Owner", "Environment", "Team", "CostCenter", "Project")


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
    """What the policy says of one key on one resource; invalid is present with a value not allowed."""

    COMPLIANT = "compliant"
    INVALID = "invalid"
    MISSING = "missing"


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
