"""The API of ownership: costs, owners, chargeback, statements, compliance, tag policy, resources and findings."""

from tagging.api.closes import (
    AdjustmentList,
    CloseList,
    CloseOne,
    CloseStepOne,
    DisputeAnswer,
    DisputeList,
)
from tagging.api.costs import AllocationList, CostList
from tagging.api.doubts import DoubtAnswer, DoubtList
from tagging.api.findings import FindingDecision, FindingList, FindingOne
from tagging.api.lines import LineList
from tagging.api.months import ChargebackList, StatementDetail, StatementList
from tagging.api.pools import PoolList, RuleList, ShareList
from tagging.api.suggestions import SuggestionDecision, SuggestionList
from tagging.api.tag_policy import ComplianceTrend, TagFindingList, TagPolicyList
from tagging.api.tags import ComplianceByGroup, ComplianceByKey, ResourceList

__all__ = [
    "AdjustmentList",
    "CloseList",
    "CloseOne",
    "CloseStepOne",
    "DisputeAnswer",
    "DisputeList",
    "AllocationList",
    "ChargebackList",
    "ComplianceByGroup",
    "ComplianceByKey",
    "ComplianceTrend",
    "CostList",
    "DoubtAnswer",
    "DoubtList",
    "FindingDecision",
    "FindingList",
    "FindingOne",
    "LineList",
    "PoolList",
    "ResourceList",
    "RuleList",
    "ShareList",
    "StatementDetail",
    "StatementList",
    "SuggestionDecision",
    "SuggestionList",
    "TagFindingList",
    "TagPolicyList",
]
