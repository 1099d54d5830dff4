"""Files that hold costs and are no bill we read: each is called by its name, with what to give instead."""

from pathlib import Path

import pytest

from costs import charge_store
from costs.billing_formats import Column, Columns, detect
from costs.errors import ImportRejectedError


def refusal(*names: str) -> ImportRejectedError:
    columns = Columns(tuple(Column(name, f"c{place}") for place, name in enumerate(names)))
    with pytest.raises(ImportRejectedError) as error:
        detect(columns, file_name="f.csv")
    assert (error.value.file_name, error.value.line) == ("f.csv", 1)
    return error.value


@pytest.mark.parametrize(
    ("names", "what", "cure"),
    [
        (
            ("SubscriptionId", "Date", "MeterId", "CostInBillingCurrency", "ResourceId", "Tags"),
            "Azure's own",
            "(FOCUS)",
        ),
        (("invoiceId", "meterId", "costInBillingCurrency", "billingCurrency"), "Azure's own", "(FOCUS)"),
        (
            (
                "UsageDateTime (UsageDateTime)",
                "ID der Einheit (MeterId)",
                "Kosten (PreTaxCost)",
                "InstanceId (InstanceId)",
            ),
            "Azure's own",
            "(FOCUS)",
        ),
        (
            ("lineItem/referenceNo", "lineItem/tenantId", "product/service", "cost/myCost"),
            "Oracle's own cost",
            "FOCUS Reports",
        ),
        (("lineItem/referenceNo", "lineItem/tenantId", "usage/consumedQuantity"), "without costs", "FOCUS Reports"),
        (
            ("billing_account_id", "service.description", "usage_start_time", "cost"),
            "Google's own",
            "gcp_billing_export_focus",
        ),
        (
            ("InvoiceID", "PayerAccountId", "LinkedAccountId", "RecordType", "UnBlendedCost"),
            "AWS has replaced",
            "Data Exports",
        ),
        (("Service", "Amazon Simple Storage Service($)", "Total costs($)"), "Cost Explorer", "Data Exports"),
        (("Cluster", "Namespace", "CPU Cost", "RAM Cost", "Total Cost"), "Kubernetes", "own bill"),
        (("lineitem/id", "lineitem/type", "time/usage_start", "cost/cost"), "Common Bill Format", "own bill"),
        (("ContractCommitmentId", "BillingCurrency"), "contract commitments", "Cost and Usage dataset"),
        (
            ("InvoiceDetailId", "InvoiceId", "BilledCost", "BillingPeriodStart"),
            "list of invoices",
            "Cost and Usage dataset",
        ),
        (("BillingPeriodStatus", "BillingPeriodStart"), "billing periods", "Cost and Usage dataset"),
    ],
)
def test_other_exports_are_refused_by_name_with_what_to_give_instead(
    names: tuple[str, ...], what: str, cure: str
) -> None:
    error = refusal(*names)
    assert what in error.problem
    assert cure in error.cure


def test_a_bill_with_a_column_of_another_dataset_is_still_a_bill() -> None:
    names = ("BillingAccountId", "BillingCurrency", "BillingPeriodStart", "ChargePeriodStart", "ChargeCategory")
    more = ("BilledCost", "InvoiceDetailId", "ContractCommitmentId", "MeterId", "Cost")
    columns = Columns(tuple(Column(name, f"c{place}") for place, name in enumerate((*names, *more))))
    assert detect(columns, file_name="f.csv").module.NAME == "a FOCUS export"


@pytest.mark.parametrize("text", ['{"BilledCost": 1}\n{"BilledCost": 2}\n', '[\n  {"BilledCost": 1}\n]\n'])
def test_json_is_called_by_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "f.json").write_text(text, encoding="utf-8")
    with pytest.raises(ImportRejectedError, match=r"f\.json: The file is JSON, not a table\. Export it as CSV or"):
        charge_store.open_bill_file(tmp_path / "f.json")
