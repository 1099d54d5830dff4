"""Sources whose files are CUR 2.0, FOCUS or zip: every part of a file has one active source for its month."""

import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command

from costs import services as intake
from costs.errors import ImportRejectedError, InvalidRequestError
from costs.models import Bill, BillDelivery, BillImport, BillSource
from costs.scope import Scope
from costs.selectors import SourceState, sources
from costs.terms import DeliveryState, ImportState
from finops_site import pipeline
from tests.costs.bills import TODAY, bring_in, cur2_line, cur2_text, line, write_csv, write_cur2
from tests.costs.focus_bills import focus_line, focus_text, write_focus
from tests.costs.source_world import MAY, bill, later, look, s3_source
from tests.real_parts.object_store import BUCKET, ObjectStore

pytestmark = pytest.mark.django_db

AWS = focus_line(cost="10")
ORACLE = focus_line(cost="0.25", ProviderName="Oracle", BillingAccountId="20209880")


def in_force() -> dict[str, Decimal]:
    """Billed cost of May by source."""
    bills = Bill.objects.filter(billing_period=MAY.start, import_in_force__isnull=False).select_related(
        "import_in_force", "source"
    )
    return {found.source.name: found.import_in_force.billed_cost for found in bills if found.import_in_force}


def deliver_focus(store: ObjectStore, run: str, *lines: dict[str, str]) -> None:
    data, meta = "f/data/BILLING_PERIOD=2026-05/f.csv", "f/metadata/BILLING_PERIOD=2026-05/f-Manifest.json"
    store.put(data, focus_text(lines).encode())
    store.put(meta, json.dumps({"executionId": run, "dataFiles": [f"s3://{BUCKET}/{data}"]}).encode())


def zipped(name: str, content: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def import_place(address: str, *options: str) -> list[dict[str, str]]:
    out = io.StringIO()
    call_command("import_bill", address, "--json", *options, stdout=out)
    imports: list[dict[str, str]] = json.loads(out.getvalue())["imports"]
    return imports


@pytest.mark.real_parts
def test_a_source_of_focus_exports_gives_each_part_its_own_bill_and_replaces_them_together(store: ObjectStore) -> None:
    source = s3_source(prefix="f")
    deliver_focus(store, "one", AWS, ORACLE)
    assert look(source) == [ImportState.IN_FORCE, ImportState.IN_FORCE]
    assert in_force() == {"acme-aws-000000000001-usd": Decimal(10), "acme-oracle-20209880-usd": Decimal("0.25")}
    deliver_focus(store, "two", focus_line(cost="11"), ORACLE | {"BilledCost": "0.5"})
    assert look(source, later(5)) == [ImportState.IN_FORCE, ImportState.IN_FORCE]
    assert in_force() == {"acme-aws-000000000001-usd": Decimal(11), "acme-oracle-20209880-usd": Decimal("0.5")}
    assert set(BillDelivery.objects.values_list("state", flat=True)) == {DeliveryState.DONE}


def test_a_part_stays_with_its_source_when_it_comes_alone(store: ObjectStore) -> None:
    """The second version holds the first part alone; it replaces that part's month and takes no second source."""
    source = s3_source(prefix="f")
    deliver_focus(store, "one", AWS, ORACLE)
    look(source)
    deliver_focus(store, "two", focus_line(cost="12"))
    assert look(source, later(5)) == [ImportState.IN_FORCE]
    assert in_force()["acme-aws-000000000001-usd"] == Decimal(12)
    assert not Bill.objects.filter(source__name="acme").exists()


def test_a_part_that_came_alone_first_stays_with_its_source_when_others_join(store: ObjectStore) -> None:
    source = s3_source(prefix="f")
    deliver_focus(store, "one", AWS)
    look(source)
    deliver_focus(store, "two", focus_line(cost="12"), ORACLE)
    look(source, later(5))
    assert in_force() == {"acme": Decimal(12), "acme-oracle-20209880-usd": Decimal("0.25")}


def test_focus_and_cost_and_usage_report_of_one_payer_do_not_both_count(store: ObjectStore, tmp_path: Path) -> None:
    """The CUR's 2 and the export's 10 are the same costs; Oracle's 0.25 of the export is no part of the CUR."""
    bring_in(write_csv(tmp_path / "cur.csv", [line(cost="2")]), source="report")
    source = s3_source(prefix="f")
    deliver_focus(store, "one", AWS, ORACLE)
    assert sorted(look(source)) == [ImportState.FAILED, ImportState.IN_FORCE]
    assert in_force() == {"report": Decimal(2), "acme-oracle-20209880-usd": Decimal("0.25")}
    refused = BillDelivery.objects.get()
    assert "May 2026 of payer 000000000001 is in force from the source report" in refused.problem
    assert "deactivate report" in refused.problem

    intake.set_active("report", is_active=False)
    intake.fetch_again(refused.pk)
    pipeline.bring_in(refused.pk, now=later(5))
    assert in_force() == {"acme-aws-000000000001-usd": Decimal(10), "acme-oracle-20209880-usd": Decimal("0.25")}
    assert BillImport.objects.get(source__name="report").state == ImportState.REPLACED


def test_a_report_takes_over_every_currency_of_a_focus_export(tmp_path: Path) -> None:
    bring_in(write_focus(tmp_path / "f.csv", AWS, AWS | {"BillingCurrency": "EUR"}))
    path = write_cur2(tmp_path / "cur2.csv", [cur2_line(line(cost="2"))])
    names = ["aws-000000000001-eur", "aws-000000000001-usd"]
    assert sorted(in_force()) == names
    for name in names:
        with pytest.raises(ImportRejectedError, match="would count twice"):
            bring_in(path)
        intake.set_active(name, is_active=False)
    bring_in(path)
    assert in_force() == {"aws-000000000001": Decimal(2)}


@pytest.mark.parametrize(
    ("provider", "currency", "both_count"),
    [("AWS", "USD", False), ("Amazon Web Services", "USD", False), ("AWS", "EUR", True), ("Snowflake", "USD", True)],
)
def test_two_focus_exports_are_rivals_for_the_same_provider_account_and_currency(
    tmp_path: Path, provider: str, currency: str, *, both_count: bool
) -> None:
    bring_in(write_focus(tmp_path / "one.csv", AWS), source="one")
    other = write_focus(tmp_path / "two.csv", AWS | {"ProviderName": provider, "BillingCurrency": currency})
    if both_count:
        bring_in(other, source="two")
    else:
        with pytest.raises(ImportRejectedError, match="would count twice"):
            bring_in(other, source="two")
    assert in_force() == {"one": Decimal(10)} | ({"two": Decimal(10)} if both_count else {})


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("Snowflake", "SNOWFLAKE, Inc.", "refused"),
        ("Digital Ocean", "DigitalOcean LLC", "refused"),
        ("Alibaba Cloud", "Aliyun", "refused"),
        ("Snowflake", "Snowflake Computing", "told"),
        ("Datadog", "Datadoq", "told"),
        ("Snowflake", "MongoDB", "apart"),
    ],
)
def test_providers_spelled_alike_are_one_or_are_told(tmp_path: Path, first: str, second: str, outcome: str) -> None:
    bring_in(write_focus(tmp_path / "one.csv", AWS | {"ProviderName": first}), source="one")
    other = write_focus(tmp_path / "two.csv", AWS | {"ProviderName": second})
    if outcome == "refused":
        with pytest.raises(ImportRejectedError, match="would count twice"):
            bring_in(other, source="two")
        return
    (made,) = bring_in(other, source="two")
    told = [finding["text"] for finding in made.findings if finding["code"] == "near_providers"]
    assert bool(told) == (outcome == "told")
    assert all("counts from one," in text and f"'{second}'" in text for text in told)


def test_two_spellings_in_one_file_are_no_rivals(tmp_path: Path) -> None:
    """No line is in both: 10 and 4 count, also when the file comes again with other amounts."""
    two = AWS | {"ProviderName": "Amazon Web Services"}
    bring_in(write_focus(tmp_path / "f.csv", AWS, two | {"BilledCost": "4"}))
    assert sorted(in_force().values()) == [Decimal(4), Decimal(10)]
    bring_in(write_focus(tmp_path / "again.csv", AWS | {"BilledCost": "11"}, two | {"BilledCost": "5"}))
    assert sorted(in_force().values()) == [Decimal(5), Decimal(11)]


def test_parts_know_the_source_that_fetches_them_and_follow_it(store: ObjectStore) -> None:
    source = s3_source(prefix="f")
    deliver_focus(store, "one", AWS, ORACLE)
    look(source)
    parts = {row.name: row for row in sources(Scope.all(), now=later(5)) if row.name != "acme"}
    assert {row.fetched_by for row in parts.values()} == {"acme"}
    assert {row.state for row in parts.values()} == {SourceState.FETCHED}
    intake.set_active("acme", is_active=False)
    assert not BillSource.objects.filter(is_active=True).exists()
    intake.set_active("acme", is_active=True)
    assert not BillSource.objects.filter(is_active=False).exists()


def test_a_source_keeps_to_its_provider_and_currency(tmp_path: Path) -> None:
    bring_in(write_focus(tmp_path / "one.csv", AWS), source="one")
    other = write_focus(tmp_path / "two.csv", AWS | {"BillingCurrency": "EUR"})
    with pytest.raises(InvalidRequestError, match="holds the bills of AWS in USD, not of AWS in EUR"):
        intake.prepare_imports([other], source_name="one", today=TODAY)
    assert BillSource.objects.count() == 1


def test_a_provider_that_changes_its_name_keeps_the_source_that_is_named(tmp_path: Path) -> None:
    bring_in(write_focus(tmp_path / "one.csv", ORACLE), source="one")
    bring_in(write_focus(tmp_path / "two.csv", ORACLE | {"ProviderName": "OCI", "BilledCost": "3"}), source="one")
    assert in_force() == {"one": Decimal(3)}
    assert BillSource.objects.get().provider == "OCI"


@pytest.mark.parametrize(
    ("name", "content", "source"),
    [
        ("cur2.csv", cur2_text([cur2_line(line(cost="2"))]).encode(), "aws-000000000001"),
        ("cur2.zip", zipped("cur2.csv", cur2_text([cur2_line(line(cost="2"))])), "aws-000000000001"),
        ("legacy.zip", zipped("legacy.csv", bill("2").decode()), "aws-000000000001"),
        ("focus.zip", zipped("f.csv", focus_text([focus_line(cost="2")])), "aws-000000000001-usd"),
    ],
)
def test_import_bill_reads_every_format_in_folders_and_buckets(
    store: ObjectStore, folder: Path, name: str, content: bytes, source: str
) -> None:
    (folder / name).write_bytes(content)
    [made] = import_place(str(folder))
    assert (made["source"], made["billed_cost"], made["state"]) == (source, "2", "in_force")
    store.put(f"x/{name}", content)
    [again] = import_place(f"s3://{BUCKET}/x")
    assert (again["source"], again["state"]) == (source, "unchanged")
