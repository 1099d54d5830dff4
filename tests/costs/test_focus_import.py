"""FOCUS files all the way into force: odd ones with their exact totals, wrong ones with their exact refusal."""

import gzip
import zipfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from django.contrib.auth.models import User

from costs import selectors, services
from costs.errors import ImportRejectedError
from costs.models import Bill, BillImport, SubAccount
from costs.scope import Scope
from costs.terms import BillState, ImportState
from finops_site import pipeline, uploads
from tests.conftest import ClientFor
from tests.costs.bills import TODAY, bring_in, write_parquet
from tests.costs.focus_bills import DEFAULTS, focus_line, focus_text, write_focus

pytestmark = pytest.mark.django_db(transaction=True)

AWS = focus_line(cost="10")
AZURE = focus_line(
    cost="2.5",
    ProviderName="Microsoft",
    BillingAccountId="/providers/Microsoft.Billing/billingAccounts/8611537",
    SubAccountId="/subscriptions/1",
)
ORACLE = focus_line(cost="0.25", ProviderName="Oracle", BillingAccountId="20209880", ChargeFrequency="Usage-based")
JUNE = {"BillingPeriodStart": "2026-06-01 00:00:00", "BillingPeriodEnd": "2026-07-01 00:00:00"}


def totals() -> dict[tuple[str, str], Decimal]:
    """Billed cost of every bill in force."""
    bills = Bill.objects.select_related("source", "import_in_force")
    return {(str(b.source), f"{b.billing_period:%Y-%m}"): b.import_in_force.billed_cost for b in bills}  # type: ignore[union-attr]


def findings_of(item: BillImport) -> dict[str, tuple[str, str, int]]:
    return {each["code"]: (each["text"], each["difference"], each["lines"]) for each in item.findings}


def text_of(*lines: Mapping[str, str], leave_out: Sequence[str] = ()) -> bytes:
    return focus_text(lines, leave_out=leave_out).encode()


# --- one file, several bills ----------------------------------------------------------------------


@pytest.mark.real_parts
def test_providers_accounts_and_months_of_one_file_become_bills_of_their_own(tmp_path: Path) -> None:
    lines = [AWS, AWS | {"ChargeCategory": "Tax", "BilledCost": "0.5"}, AZURE, ORACLE, ORACLE | JUNE]
    made = bring_in(write_focus(tmp_path / "all.csv", *lines))
    assert totals() == {
        ("aws-000000000001-usd", "2026-05"): Decimal("10.5"),
        ("microsoft-8611537-usd", "2026-05"): Decimal("2.5"),
        ("oracle-20209880-usd", "2026-05"): Decimal("0.25"),
        ("oracle-20209880-usd", "2026-06"): Decimal("0.25"),
    }
    assert sum(item.rows for item in made) == 5
    assert sum((item.unblended_cost for item in made), Decimal()) == Decimal("13.5")
    again = bring_in(tmp_path / "all.csv")
    assert {item.state for item in again} == {ImportState.UNCHANGED}
    assert len(totals()) == 4


def test_two_currencies_of_one_account_are_two_sources_and_never_added(tmp_path: Path) -> None:
    bring_in(write_focus(tmp_path / "f.csv", AWS, AWS | {"BillingCurrency": "eur", "BilledCost": "7"}))
    assert totals() == {
        ("aws-000000000001-eur", "2026-05"): Decimal(7),
        ("aws-000000000001-usd", "2026-05"): Decimal(10),
    }


def test_a_name_given_for_several_bills_begins_each_of_theirs(tmp_path: Path) -> None:
    bring_in(write_focus(tmp_path / "f.csv", AWS, ORACLE), source="acme")
    assert {name for name, _ in totals()} == {"acme-aws-000000000001-usd", "acme-oracle-20209880-usd"}


def test_account_ids_may_be_as_long_as_azure_and_oracle_write_them(tmp_path: Path) -> None:
    account, compartment = f"/providers/Microsoft.Billing/billingAccounts/{'0' * 36}:{'1' * 36}_2019-05-31", "o" * 90
    bring_in(write_focus(tmp_path / "f.csv", AZURE | {"BillingAccountId": account, "SubAccountId": compartment}))
    assert SubAccount.objects.get().billing_account_id == account
    assert totals() == {(f"microsoft-{'0' * 36}{'1' * 14}-usd", "2026-05"): Decimal("2.5")}


def test_a_wrong_cell_stops_the_bill_it_stands_in_and_no_other(tmp_path: Path) -> None:
    path = write_focus(tmp_path / "f.csv", AWS, ORACLE | {"EffectiveCost": "ten"})
    first, second = services.prepare_imports([path], today=TODAY)
    pipeline.run_import(first)
    with pytest.raises(ImportRejectedError) as refused:
        pipeline.run_import(second)
    assert str(refused.value) == (
        "f.csv, line 3, column EffectiveCost: 'ten' is not a number. Correct it or export the file again."
    )
    assert totals()[("aws-000000000001-usd", "2026-05")] == Decimal(10)
    assert ("oracle-20209880-usd", "2026-05") not in totals()


def test_trying_again_takes_only_the_bill_that_failed(
    tmp_path: Path, finops_lead: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[int] = []
    monkeypatch.setattr(uploads, "enqueue_import", queued.append)
    first, second = services.prepare_imports([write_focus(tmp_path / "f.csv", AWS, ORACLE)], today=TODAY)
    pipeline.run_import(first)
    BillImport.objects.filter(pk=second).update(state=ImportState.FAILED.value, error="Broken.")
    client_for(finops_lead).post(f"/imports/{second}/retry/")
    assert queued == [second]
    pipeline.run_import(second)
    assert totals()[("oracle-20209880-usd", "2026-05")] == Decimal("0.25")
    assert BillImport.objects.count() == 2


def test_an_empty_chunk_beside_several_bills_changes_nothing(tmp_path: Path) -> None:
    empty = tmp_path / "f-2.csv"
    empty.write_text(focus_text([]))
    bring_in(write_focus(tmp_path / "f-1.csv", AWS, ORACLE), empty)
    assert sum(totals().values()) == Decimal("10.25")


def test_a_zip_archive_may_hold_the_chunks_of_several_bills(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.writestr("f-1.csv", focus_text([AWS, ORACLE]))
        archive.writestr("f-2.csv", focus_text([ORACLE | {"ResourceId": "another"}]))
    bring_in(tmp_path / "f.zip")
    assert sorted(totals().values()) == [Decimal("0.5"), Decimal(10)]


# --- odd files, exact totals ----------------------------------------------------------------------


TEXT = text_of(AWS, AWS)
SPREADSHEET = {
    "BillingPeriodStart": "5/1/26",
    "BillingPeriodEnd": "6/1/26",
    "ChargePeriodStart": "5/1/26",
    "ChargePeriodEnd": "5/1/27",
    "BilledCost": "$10,000.00 ",
}
# Name and content of a file, what it bills and what it costs in effect.
ODD: dict[str, tuple[str, bytes, str, str]] = {
    "byte-order mark": ("f.csv", b"\xef\xbb\xbf" + TEXT, "20", "20"),
    "carriage returns": ("f.csv", TEXT.replace(b"\n", b"\r\n"), "20", "20"),
    "gzip of two members": ("f.csv.gz", gzip.compress(TEXT[:300]) + gzip.compress(TEXT[300:]), "20", "20"),
    "text NULL": ("f.csv", text_of(AWS | {"Tags": "NULL", "ListCost": "NULL"}), "10", "10"),
    "spreadsheet": ("f.csv", text_of(AWS | SPREADSHEET), "10000", "10"),
    "credit": ("f.csv", text_of(AWS, focus_line(cost="-4", ChargeCategory="Credit")), "6", "6"),
    "no effective cost": ("f.csv", text_of(AWS, leave_out=("EffectiveCost",)), "10", "10"),
    "snake case": ("f.csv", TEXT.replace(b"BilledCost", b"billed_cost"), "20", "20"),
    "exponents": ("f.csv", text_of(focus_line(cost="1.5E-3")), "0.0015", "0.0015"),
    "prepaid": ("f.csv", text_of(AWS | {"ChargeCategory": "Purchase", "EffectiveCost": "0"}), "10", "0"),
}


@pytest.mark.parametrize(("name", "content", "billed", "effective"), ODD.values(), ids=ODD.keys())
def test_odd_file_is_read_to_its_exact_totals(
    tmp_path: Path, name: str, content: bytes, billed: str, effective: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (made,) = bring_in(tmp_path / name)
    assert (made.billed_cost, made.unblended_cost, made.effective_cost) == (
        Decimal(billed),
        Decimal(billed),
        Decimal(effective),
    )


# --- wrong files, exact refusals ------------------------------------------------------------------


WRONG: dict[str, tuple[bytes, str]] = {
    "a fragment": (
        text_of(AWS, leave_out=("BillingAccountId", "BillingCurrency")),
        "f.csv, line 1, column BillingAccountId: The file looks like a FOCUS export (its columns BilledCost and"
        " ChargePeriodStart; version 1.0, as it has no column of a later one) but has no column BillingAccountId,"
        " BillingCurrency. Export it again with these columns; without them it is no bill.",
    ),
    "a line without account": (
        text_of(AWS, AWS | {"BillingAccountId": "NULL"}),
        "f.csv, line 3, column BillingAccountId: This line and maybe more have no BillingAccountId. Export again with"
        " this column filled; lines of totals or blanks below a bill have to go.",
    ),
    "a line without currency": (
        text_of(AWS, AWS | {"BillingCurrency": "EUR"}, AWS | {"BillingCurrency": ""}),
        "f.csv, line 4, column BillingCurrency: This line and maybe more have no currency, and other lines of account"
        " 000000000001 are in EUR and USD. Say in which currency they are: as Currency on the page of uploads or of the"
        " source, with import_bill --currency, or as currency in the API. Or export the file again with this column"
        " filled.",
    ),
    "billed in no currency": (
        text_of(AWS | {"BillingCurrency": "AI tokens"}),
        "f.csv, column BillingCurrency: 'AI TOKENS' is no currency code. Export again with codes like USD in"
        " BillingCurrency.",
    ),
    "day before month": (
        text_of(AWS | {"BillingPeriodStart": "1/5/26", "BillingPeriodEnd": "1/6/26"}),
        "f.csv, line 2, column BillingPeriodStart: '1/5/26 (month/day/year?)' is not a date and time. Correct it or"
        " export the file again.",
    ),
    "slashes in the charge period alone": (
        text_of(AWS, AWS | {"ChargePeriodStart": "5/4/26"}),
        "f.csv, line 3, column ChargePeriodStart: '5/4/26 (month/day/year?)' is not a date and time. Correct it or"
        " export the file again.",
    ),
    "a comma that may be a decimal one": (
        text_of(AWS | {"BilledCost": "1,234"}),
        "f.csv, line 2, column BilledCost: '1,234' is not a number. Correct it or export the file again.",
    ),
    "a decimal comma": (
        text_of(AWS | {"BilledCost": "$1.234,50"}),
        "f.csv, line 2, column BilledCost: '$1.234,50' is not a number. Correct it or export the file again.",
    ),
    "an amount with its currency": (
        text_of(AWS | {"ListCost": "10 USD"}),
        "f.csv, line 2, column ListCost: '10 USD' is not a number. Correct it or export the file again.",
    ),
    "no number in a quantity": (
        text_of(AWS | {"ConsumedQuantity": "many"}),
        "f.csv, line 2, column ConsumedQuantity: 'many' is not a number. Correct it or export the file again.",
    ),
    "no billing period": (
        text_of(AWS | {"BillingPeriodStart": "null"}),
        "f.csv, line 2, column BillingPeriodStart: This line and maybe more have no billing period. Export again with"
        " this column filled.",
    ),
    "a month of the wrong year": (
        text_of(AWS | {"BillingPeriodStart": "2062-05-01T00:00:00Z"}),
        "f.csv, line 2, column BillingPeriodStart: The month 2062-05 cannot be right. Check the billing period's year"
        " in the export.",
    ),
    "nothing but a header": (
        text_of(),
        "f.csv: The file has a header and no lines. Give the bill's other files with it, or export it again.",
    ),
    "a short line": (
        TEXT + b"1,2\n",
        f"f.csv, line 4: The line has 2 columns, the header {len(DEFAULTS)}. Repair the line or export the file again.",
    ),
    "semicolons": (
        TEXT.replace(b",", b";"),
        "f.csv, line 1: The columns are separated by semicolons, not by commas. Export the file with commas.",
    ),
    "a column twice": (
        TEXT.replace(b"ListCost", b"BilledCost"),
        "f.csv, line 1, column BilledCost: The header has this column 2 times; which one counts is a guess. Export the"
        " file again.",
    ),
}


@pytest.mark.parametrize(("content", "told"), WRONG.values(), ids=WRONG.keys())
def test_wrong_file_is_refused_by_name_and_the_month_in_force_stays(tmp_path: Path, content: bytes, told: str) -> None:
    (good,) = bring_in(write_focus(tmp_path / "good.csv", AWS))
    (tmp_path / "f.csv").write_bytes(content)
    with pytest.raises(ImportRejectedError) as refused:
        bring_in(tmp_path / "f.csv")
    assert str(refused.value) == told
    assert Bill.objects.get(billing_period="2026-05-01").import_in_force == good


def test_a_packed_file_that_ends_early_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.csv.gz"
    path.write_bytes(gzip.compress(focus_text([focus_line(cost=str(n)) for n in range(500)]).encode())[:-200])
    with pytest.raises(ImportRejectedError, match=r"f\.csv\.gz: The compressed file ends early or is damaged\."):
        bring_in(path)


# --- what an import says --------------------------------------------------------------------------


def test_a_virtual_currency_is_shown_apart_and_in_no_total(tmp_path: Path) -> None:
    tokens = {"PricingCurrency": "Token", "BilledCost": "0"}
    path = write_focus(
        tmp_path / "f.csv",
        focus_line(cost="490", **tokens, PricingCurrencyEffectiveCost="245"),
        focus_line(cost="20", **tokens, PricingCurrencyEffectiveCost="10.5"),
        focus_line(cost="200", EffectiveCost="0", PricingCurrency="USD", PricingCurrencyEffectiveCost="0"),
    )
    (made,) = bring_in(path)
    assert (made.billed_cost, made.effective_cost, made.billing_currency) == (Decimal(200), Decimal(510), "USD")
    assert findings_of(made)["priced_in_other_currency"] == (
        "Lines are priced in Token, at 255.5 Token of effective cost; no total has it.",
        "",
        2,
    )


def test_what_was_read_in_a_special_way_is_told(tmp_path: Path) -> None:
    lines = [AWS | {"Tags": "team=web"}, focus_line(cost="3", ChargeCategory="Bonus"), AWS | {"InvoiceId": "7"}]
    (made,) = bring_in(write_focus(tmp_path / "f.csv", *lines))
    found = findings_of(made)
    assert found["unknown_line_type"] == (
        "Line type Bonus is not known; its lines count by their unblended cost.",
        "3",
        1,
    )
    assert found["unread_map"][2] == 1
    assert found["no_unblended_cost"][0] == "FOCUS has no unblended cost; billed cost stands in its place."
    assert found["no_instances"][0] == (
        "No line tells an instance type by the hour: commitment coverage and advice leave this bill out."
    )
    assert found["not_invoiced"][2] == 2
    assert Bill.objects.get().state == BillState.CLOSING


def test_a_month_with_all_its_invoices_is_final(tmp_path: Path) -> None:
    bring_in(write_focus(tmp_path / "f.csv", AWS | {"InvoiceId": "7"}))
    assert Bill.objects.get().state == BillState.FINAL


# --- instances and commitments --------------------------------------------------------------------


def test_instances_told_by_price_details_operation_or_usage_type_are_covered_or_not(tmp_path: Path) -> None:
    """m5.large has 4 units: 1 hour on demand, 3 reserved; t3.micro 0.5 units: 2 hours under a plan."""
    reserved = {"PricingCategory": "Committed", "CommitmentDiscountCategory": "Usage", "CommitmentDiscountId": "r"}
    plan = {"PricingCategory": "Committed", "CommitmentDiscountCategory": "Spend", "CommitmentDiscountId": "p"}
    used = {"CommitmentDiscountStatus": "Used", "BilledCost": "0"}
    path = write_focus(
        tmp_path / "f.csv",
        focus_line(cost="0.1", SkuPriceDetails='{"InstanceType":"m5.large","OperatingSystem":"Linux"}'),
        focus_line(cost="0.18", **reserved, **used, ConsumedQuantity="3", x_UsageType="BoxUsage:m5.large"),
        focus_line(cost="0.02", **plan, **used, ConsumedQuantity="2", x_UsageType="BoxUsage:t3.micro"),
        focus_line(cost="0.01", x_UsageType="EBSOptimized:m5.large"),
        focus_line(cost="0.06", **reserved, CommitmentDiscountStatus="Unused", BilledCost="0", ConsumedQuantity=""),
    )
    bring_in(path)
    scope = Scope.all()
    items = selectors.active_imports(scope)
    usage = {row.kind: (row.hours, row.units) for row in selectors.instance_usage(scope, items)}
    assert usage == {"on_demand": (1.0, 4.0), "reserved": (3.0, 12.0), "plan_covered": (2.0, 1.0)}
    told = {row.commitment_id: row for row in selectors.commitments_used(scope, items)}
    assert (told["r"].used_cost, told["r"].unused_cost, told["r"].total_cost) == tuple(
        map(Decimal, ("0.18", "0.06", "0.24"))
    )
    assert (told["p"].category, told["p"].total_cost) == ("Spend", Decimal("0.02"))


def test_parquet_with_maps_and_timestamps_is_one_bill(tmp_path: Path) -> None:
    cells = {name: pa.array([value, value]) for name, value in DEFAULTS.items()} | {
        "BilledCost": pa.array([0.1, 0.2]),
        "Tags": pa.array([[("team", "web")], None], pa.map_(pa.string(), pa.string())),
    }
    (made,) = bring_in(write_parquet(tmp_path / "f.parquet", cells))
    assert made.billed_cost == Decimal("0.3")
    assert made.columns["fields"]["tags"] == ["Tags"]
