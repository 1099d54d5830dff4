"""FOCUS lines that do not tell their currency: what counts, who says so, where it is shown, and what is refused."""

import io
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from costs import services
from costs.errors import ImportRejectedError, InvalidRequestError
from costs.models import BillDelivery, BillImport, BillSource
from costs.money import plain
from costs.terms import ImportState, PlaceKind
from finops_site import pipeline
from tests.costs.bills import TODAY, write_parquet
from tests.costs.focus_bills import DEFAULTS, focus_line, focus_text, write_focus
from tests.costs.source_world import NOW, folder_source, look
from tests.finops_site.api_world import Api

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
TEN, BLANK = focus_line(cost="10"), focus_line(cost="2.5", BillingCurrency="")
OTHER = {"BillingAccountId": "000000000009"}
CURE = (
    "Say in which currency they are: as Currency on the page of uploads or of the source, with import_bill --currency"
)


def bring_in(*files: Path, **how: Any) -> list[BillImport]:
    pks = services.prepare_imports(list(files), today=TODAY, **how)
    made = [pk for queued in pks for pk in pipeline.run_import(queued)]
    return list(BillImport.objects.filter(pk__in=made).select_related("source").order_by("pk"))


def bills(made: list[BillImport]) -> list[tuple[str, str, str]]:
    return [(str(item.source), item.billing_currency, plain(item.billed_cost)) for item in made]


def assumed(item: BillImport) -> str:
    (finding,) = [finding["text"] for finding in item.findings if finding["code"] == "currency_assumed"]
    assert item.columns["assumed"] == {"BillingCurrency": finding.partition(" count in ")[2].rstrip(".")}
    return str(finding)


# --- what counts ----------------------------------------------------------------------------------


def test_empty_cells_are_in_the_one_currency_of_the_accounts_other_lines_and_the_import_says_so(tmp_path: Path) -> None:
    """10 + 2.5 in USD; the other account's 7 EUR are nobody's guess."""
    path = write_focus(tmp_path / "f.csv", TEN, BLANK, focus_line(cost="7", BillingCurrency="EUR", **OTHER))
    dollars, euros = bring_in(path)
    assert bills([dollars, euros]) == [
        ("aws-000000000001-usd", "USD", "12.5"),
        ("aws-000000000009-eur", "EUR", "7"),
    ]
    text = "Lines without BillingCurrency count in USD, as all other lines of the account in the file."
    assert assumed(dollars) == text
    assert "assumed" not in euros.columns
    assert dollars.source.default_currency == ""  # what a file showed is not kept for the next one


def test_what_people_say_counts_before_the_other_lines(tmp_path: Path) -> None:
    made = bring_in(write_focus(tmp_path / "f.csv", TEN, BLANK), currency="eur")
    assert bills(made) == [("aws-000000000001-eur", "EUR", "2.5"), ("aws-000000000001-usd", "USD", "10")]
    assert assumed(made[0]) == "Lines without BillingCurrency count in EUR, as was said with the files."
    assert "assumed" not in made[1].columns


@pytest.mark.parametrize("provider", [True, False], ids=["provider told", "provider not told"])
def test_a_file_without_the_column_counts_in_the_currency_that_was_said_and_the_next_one_too(
    tmp_path: Path, provider: bool
) -> None:
    left_out = ["BillingCurrency"] if provider else ["BillingCurrency", "ProviderName"]
    may = write_focus(tmp_path / "may.csv", TEN, leave_out=left_out)
    (made,) = bring_in(may, currency="CHF")
    assert (made.billing_currency, made.billed_cost, made.source.default_currency) == ("CHF", Decimal(10), "CHF")
    again = write_focus(tmp_path / "again.csv", focus_line(cost="4"), leave_out=left_out)
    (made,) = bring_in(again)
    assert (made.billing_currency, made.billed_cost) == ("CHF", Decimal(4))
    assert assumed(made) == "Lines without BillingCurrency count in CHF, as the source says."


def test_a_bill_with_its_currency_is_not_touched_by_what_was_said(tmp_path: Path) -> None:
    (made,) = bring_in(write_focus(tmp_path / "f.csv", TEN), currency="EUR")
    assert (made.billing_currency, made.source.default_currency, "assumed" in made.columns) == ("USD", "", False)


def test_parquet_without_the_column_is_read_as_well(tmp_path: Path) -> None:
    cells = {name: [value, value] for name, value in DEFAULTS.items() if name != "BillingCurrency"}
    (made,) = bring_in(write_parquet(tmp_path / "f.parquet", cells), currency="USD")
    assert (made.billing_currency, made.billed_cost) == ("USD", Decimal(2))


# --- what is refused ------------------------------------------------------------------------------


def test_a_file_without_the_column_of_which_nothing_is_known_is_refused(tmp_path: Path) -> None:
    path = write_focus(tmp_path / "f.csv", TEN, leave_out=["BillingCurrency"])
    with pytest.raises(ImportRejectedError) as refused:
        bring_in(path)
    assert str(refused.value).startswith(
        f"f.csv, line 1, column BillingCurrency: The file has no column that tells the currency of its lines. {CURE}"
    )


def test_empty_cells_of_an_account_with_no_other_line_are_refused_with_their_line(tmp_path: Path) -> None:
    path = write_focus(tmp_path / "f.csv", TEN, TEN, BLANK | OTHER)
    with pytest.raises(ImportRejectedError) as refused:
        bring_in(path)
    told = f"f.csv, line 4, column BillingCurrency: This line and maybe more have no currency. {CURE}"
    assert str(refused.value).startswith(told)
    assert BillImport.objects.count() == 0


@pytest.mark.parametrize("currency", ["x", "US$", "12"])
def test_what_is_no_code_is_refused(tmp_path: Path, currency: str) -> None:
    with pytest.raises(InvalidRequestError, match="is no currency code"):
        bring_in(write_focus(tmp_path / "f.csv", BLANK), currency=currency)


# --- every way in ---------------------------------------------------------------------------------


def without_column(*costs: str) -> bytes:
    return focus_text([focus_line(cost=cost) for cost in costs], leave_out=["BillingCurrency"]).encode()


def test_the_command_takes_it_for_files_and_for_folders(tmp_path: Path) -> None:
    folder = tmp_path / "bills"
    folder.mkdir()
    (folder / "f.csv").write_bytes(without_column("10", "0.5"))
    with pytest.raises(CommandError, match=r"line 1, column BillingCurrency"):
        call_command("import_bill", str(folder / "f.csv"), stdout=io.StringIO())
    for given in (folder / "f.csv", folder):
        out = io.StringIO()
        call_command("import_bill", str(given), currency="GBP", json=True, stdout=out)
        (row,) = json.loads(out.getvalue())["imports"]
        assert (row["currency"], row["billed_cost"]) == ("GBP", "10.5")


def test_the_page_of_uploads_takes_it_and_the_import_shows_it(staff: Client) -> None:
    def send(**more: str) -> Any:
        files = {"bill_files": [SimpleUploadedFile("f.csv", without_column("10"))]}
        return staff.post("/imports/upload/", files | more)

    refused = send()
    assert refused.status_code == 400
    assert "no column that tells the currency" in refused.content.decode()
    assert "Use a currency code" in send(currency="$").content.decode()
    assert send(currency="nok").status_code == 302
    (queued,) = BillImport.objects.all()
    pipeline.run_import(queued.pk)
    page = staff.get(f"/imports/{queued.pk}/").content.decode()
    assert "NOK, as was said with the files" in page
    assert "count in NOK" in page  # among the findings
    columns = staff.get("/imports/columns/").content.decode()
    assert "BillingCurrency assumed as NOK, as was said with the files" in columns
    source = staff.get(f"/imports/sources/{queued.source.name}/").content.decode()
    assert "Lines that do not tell their currency count in NOK." in source


def test_the_api_takes_it(finops_lead: User) -> None:
    api, field = Api(finops_lead), "currency"
    refused = api.post("uploads/", {"files": SimpleUploadedFile("f.csv", without_column("10"))})
    assert (refused.status_code, refused.json()["error"]["detail"]["column"]) == (400, "BillingCurrency")
    answer = api.post("uploads/", {"files": SimpleUploadedFile("f.csv", without_column("10")), field: "USD"})
    (made,) = answer.json()["imports"]
    pipeline.run_import(made["id"])
    found = api.get(f"imports/{made['id']}/").json()
    assert (found["currency"], found["columns_assumed"]) == (
        "USD",
        {"BillingCurrency": "USD, as was said with the files"},
    )
    (source,) = api.get("sources/").json()["results"]
    assert source["default_currency"] == "USD"
    wrong = api.post("uploads/", {"files": SimpleUploadedFile("f.csv", without_column("10")), field: "?"})
    assert wrong.status_code == 400


def test_a_source_says_it_on_its_page_and_what_was_refused_is_imported(
    tmp_path: Path, staff: Client, settings: Settings
) -> None:
    settings.SOURCE_FOLDERS = [str(tmp_path)]
    folder = tmp_path / "bills"
    folder.mkdir()
    (folder / "f.csv").write_bytes(without_column("10"))
    os.utime(folder / "f.csv", (NOW.timestamp() - 3600, NOW.timestamp() - 3600))  # nobody writes to it any more
    source = folder_source(folder)
    assert look(source) == []
    refused = BillDelivery.objects.get()
    assert "--currency" in refused.problem
    form = {"place": PlaceKind.FOLDER.value, "location": str(folder), "every_minutes": "5", "default_currency": "sek"}
    assert staff.post(f"/imports/sources/{source.name}/edit/", form).status_code == 302
    services.fetch_again(refused.pk)
    pipeline.bring_in(refused.pk, now=NOW)
    made = BillImport.objects.get()
    assert (made.state, made.billing_currency) == (ImportState.IN_FORCE, "SEK")
    assert assumed(made) == "Lines without BillingCurrency count in SEK, as the source says."
    assert BillSource.objects.get(name=source.name).default_currency == "SEK"
