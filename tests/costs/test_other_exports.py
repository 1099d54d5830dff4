"""Files that hold costs and are no bill we read: each is called by its name, with what to give instead."""

import bz2
import gzip
import tarfile
from io import BytesIO
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


def _tarred(text: bytes) -> bytes:
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        member = tarfile.TarInfo("bucket/a.csv")
        member.size = len(text)
        archive.addfile(member, BytesIO(text))
    return out.getvalue()


BILL = b"bill/PayerAccountId,lineItem/UnblendedCost\n" * 50
PACKED = "Unpack it, or give a CSV, CSV.gz or Parquet file."


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (_tarred(BILL), "The file is a tar archive. Unpack it and give the folder, or the bill's files inside."),
        (gzip.compress(gzip.compress(BILL)), f"The file is packed with gzip twice. {PACKED}"),
        (gzip.compress(b"PAR1\0\0"), f"The file is a Parquet file packed with gzip. {PACKED}"),
        (bz2.compress(BILL) + b"\0", f"The file is packed with bzip2. {PACKED}"),
        (b"\xd0\xcf\x11\xe0\0", f"The file is an Excel workbook of the old kind. {PACKED}"),
        (b"\0\1\2", "The file is not a text table. Give a CSV, CSV.gz or Parquet file."),
    ],
)
def test_packed_files_are_called_by_what_they_are(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(content)
    with pytest.raises(ImportRejectedError) as refused:
        charge_store.open_bill_file(path)
    assert str(refused.value) == f"a.csv.gz: {told}"


def test_a_blank_first_line_is_told_and_blank_lines_alone_are_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for content, told in (
        (b"\n\n" + BILL, "a.csv, line 1: The first line is blank. Take it out: the first line names the columns."),
        (b"\n  \n", "a.csv: The file is empty. Export it again."),
    ):
        path.write_bytes(content)
        with pytest.raises(ImportRejectedError) as refused:
            charge_store.open_bill_file(path)
        assert str(refused.value) == told
