"""Closed vocabularies of ownership and policy, as plain strings."""

from enum import StrEnum

from costs.terms import choices_for

__all__ = ["MANDATORY_TAGS", "FINOPS_GROUP", "MemberRole", "OwnerKind", "RuleKind", "TagState", "choices_for"]

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
