"""The API of ownership: costs, owners, chargeback, statements, compliance and resources."""

from tagging.api.costs import AllocationList, CostList
from tagging.api.months import ChargebackList, StatementDetail, StatementList
from tagging.api.tags import ComplianceByGroup, ComplianceByKey, ResourceList

__all__ = [
    "AllocationList",
    "ChargebackList",
    "ComplianceByGroup",
    "ComplianceByKey",
    "CostList",
    "ResourceList",
    "StatementDetail",
    "StatementList",
]
