"""What tagging stores. Its tables lie in modules by noun; importers name this package only."""

from tagging.models.closes import (
    AccountCode,
    Close,
    CloseEvent,
    Dispute,
    Invoice,
    Statement,
    StatementLine,
    StatementMail,
)
from tagging.models.core import (
    AllocatedCost,
    Allocation,
    AllocationRule,
    Finding,
    FindingMonth,
    Membership,
    TagKey,
    Team,
    TeamManager,
    TeamRow,
    ViewAs,
)
from tagging.models.doubts import OwnershipDoubt
from tagging.models.pools import CommitmentBenefit, DriverValue, OwnerCost, PoolDriver, SharedPool
from tagging.models.saved_views import SavedView
from tagging.models.suggestions import SuggestionChoice, SuggestionCount, TagSuggestion, VirtualTag
from tagging.models.tag_policy import (
    AnnouncedFix,
    ComplianceSnapshot,
    Exemption,
    NoteChoice,
    TeamNote,
    UntaggableCharge,
)

__all__ = (
    "AccountCode",
    "Close",
    "CloseEvent",
    "Dispute",
    "Invoice",
    "Statement",
    "StatementLine",
    "StatementMail",
    "AllocatedCost",
    "Allocation",
    "AllocationRule",
    "AnnouncedFix",
    "ComplianceSnapshot",
    "Exemption",
    "CommitmentBenefit",
    "DriverValue",
    "Finding",
    "FindingMonth",
    "Membership",
    "NoteChoice",
    "SavedView",
    "OwnerCost",
    "OwnershipDoubt",
    "PoolDriver",
    "SharedPool",
    "SuggestionChoice",
    "SuggestionCount",
    "TagKey",
    "TagSuggestion",
    "Team",
    "TeamManager",
    "TeamRow",
    "TeamNote",
    "UntaggableCharge",
    "ViewAs",
    "VirtualTag",
)
