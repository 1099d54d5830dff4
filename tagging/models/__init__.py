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

__all__ = (
    "AllocatedCost",
    "Allocation",
    "AllocationRule",
    "Finding",
    "FindingMonth",
    "Membership",
    "TagKey",
    "Team",
    "TeamManager",
    "ViewAs",
)
