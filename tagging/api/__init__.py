"""The API of ownership: costs, owners, chargeback, statements, compliance, tag policy, resources and findings."""

from tagging.api.costs import AllocationList, CostList
from tagging.api.findings import FindingDecision, FindingList, FindingOne
from tagging.api.lines import LineList
from tagging.api.months import ChargebackList, StatementDetail, StatementList
from tagging.api.tag_policy import ComplianceTrend, TagFindingList, TagPolicyList
from tagging.api.tags import ComplianceByGroup, ComplianceByKey, ResourceList

__all__ = [
    "AllocationList",
    "ChargebackList",
    "ComplianceByGroup",
    "ComplianceByKey",
    "ComplianceTrend",
    "CostList",
    "FindingDecision",
    "FindingList",
    "FindingOne",
    "LineList",
    "ResourceList",
    "StatementDetail",
    "StatementList",
    "TagFindingList",
    "TagPolicyList",
]
