"""Files people give that are costs and no bill we read: what each is, told by its header, and what to give instead."""

import re
from dataclasses import dataclass

from costs.billing_formats.base import Columns, squash

_AZURE = (
    "In Cost Management, Exports, create an export of the type Cost and usage details (FOCUS) and give its files: it"
    " holds actual and amortized costs."
)
_ORACLE = "Give the files under FOCUS Reports of the same tenancy, all of a month together."
_GOOGLE = "Turn on the FOCUS export to BigQuery and give its table (gcp_billing_export_focus_...) as Parquet."
_AWS = "Create a data export (CUR 2.0 or FOCUS) under Billing, Data Exports, and give its files."
_FOCUS = "Give the Cost and Usage dataset of the same export."
# A localised header has the English name behind its own, in brackets.
_ENGLISH = re.compile(r"\(([^()]+)\)$")


@dataclass(frozen=True)
class OtherExport:
    """A kind of file: its header has `all_of` these columns, one `any_of` those, and `none_of` the last."""

    what: str
    cure: str
    all_of: tuple[str, ...]
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()

    def is_it(self, names: frozenset[str]) -> bool:
        """Whether a header with these squashed names is one of the kind."""
        return (
            all(squash(name) in names for name in self.all_of)
            and (not self.any_of or any(squash(name) in names for name in self.any_of))
            and not any(squash(name) in names for name in self.none_of)
        )


_NO_COSTS = ("BilledCost", "ChargePeriodStart")
_KINDS = (
    OtherExport(
        "FOCUS's list of contract commitments, which holds no charges",
        _FOCUS,
        ("ContractCommitmentId",),
        none_of=("BilledCost",),
    ),
    OtherExport(
        "FOCUS's list of invoices, which holds no single charges",
        _FOCUS,
        ("InvoiceDetailId",),
        none_of=("ChargePeriodStart",),
    ),
    OtherExport(
        "FOCUS's list of billing periods, which holds no charges", _FOCUS, ("BillingPeriodStatus",), none_of=_NO_COSTS
    ),
    OtherExport(
        "Azure's own export of actual or amortized costs",
        _AZURE,
        ("MeterId",),
        ("CostInBillingCurrency", "PreTaxCost", "CostInPricingCurrency", "CostInUsd", "ExtendedCost", "Cost"),
        none_of=_NO_COSTS,
    ),
    OtherExport("Oracle's own cost report", _ORACLE, ("lineItem/referenceNo", "cost/myCost")),
    OtherExport(
        "Oracle's own usage report, without costs", _ORACLE, ("lineItem/referenceNo", "usage/consumedQuantity")
    ),
    OtherExport(
        "Google's own billing export",
        _GOOGLE,
        ("usage_start_time", "cost"),
        ("billing_account_id", "cost_type", "service.description"),
    ),
    OtherExport(
        "AWS's detailed or monthly billing report, which AWS has replaced",
        _AWS,
        ("RecordType", "LinkedAccountId"),
        ("BlendedCost", "UnBlendedCost", "Cost", "TotalCost", "CostBeforeTax"),
    ),
    OtherExport("a table saved from AWS Cost Explorer", _AWS, ("Total costs($)",)),
    OtherExport(
        "an allocation of Kubernetes costs, not a bill",
        "Give the cloud's own bill; its split cost data tells pods and tasks.",
        ("Namespace", "CPU Cost"),
        ("Total Cost", "RAM Cost"),
    ),
    OtherExport(
        "CloudZero's Common Bill Format",
        "Give the provider's own bill: a Cost and Usage Report or a FOCUS export.",
        ("lineitem/type", "time/usage_start", "cost/cost"),
    ),
)


def other_export(columns: Columns) -> OtherExport | None:
    """Which kind of file this is that we know and do not read; None where it is none of them."""
    told = [*columns.names, *(match[1] for name in columns.names if (match := _ENGLISH.search(name)))]
    names = frozenset(map(squash, told))
    return next((kind for kind in _KINDS if kind.is_it(names)), None)
