"""What tagging stores. Its tables lie in modules by noun; importers name this package only."""

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
    ViewAs,
)
from tagging.models.saved_views import SavedView
from tagging.models.tag_policy import (
    AnnouncedFix,
    ComplianceSnapshot,
    Exemption,
    NoteChoice,
    TeamNote,
    UntaggableCharge,
)

__all__ = (
    "AllocatedCost",
    "Allocation",
    "AllocationRule",
    "AnnouncedFix",
    "ComplianceSnapshot",
    "Exemption",
    "Finding",
    "FindingMonth",
    "Membership",
    "NoteChoice",
    "SavedView",
    "TagKey",
    "Team",
    "TeamManager",
    "TeamNote",
    "UntaggableCharge",
    "ViewAs",
)
