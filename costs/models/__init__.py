"""What the intake stores. Its tables lie in modules by noun; importers name this package only."""

from costs.models.core import (
    DEFAULT_LOOK_MINUTES,
    Bill,
    BillDelivery,
    BillImport,
    BillingAccount,
    BillSource,
    BillUpload,
    CostSlice,
    DailyCost,
    Resource,
    ResourceCost,
    ResourceSnapshot,
    SubAccount,
    UsageDay,
    VersionTotal,
)
from costs.models.estate import AccountName
from costs.models.import_files import ImportFile
from costs.models.uploads import PartialUpload

__all__ = (
    "AccountName",
    "Bill",
    "BillDelivery",
    "BillImport",
    "BillSource",
    "BillUpload",
    "BillingAccount",
    "CostSlice",
    "DEFAULT_LOOK_MINUTES",
    "DailyCost",
    "PartialUpload",
    "ImportFile",
    "Resource",
    "ResourceCost",
    "ResourceSnapshot",
    "SubAccount",
    "UsageDay",
    "VersionTotal",
)
