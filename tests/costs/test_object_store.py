"""The charge store on a real S3 API: from files to pages, half-finished folders, faults."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from pytest_django.fixtures import Settings

from costs import charge_store, selectors
from costs import services as intake
from costs.charge_store import ImportFolder, StoreError
from costs.line_filters import Order
from costs.models import BillImport, DailyCost
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from finops_site import pipeline
from tests.costs.bills import bring_in, bring_in_lines, line, write_csv
from tests.real_parts.object_store import BUCKET, ObjectStore

pytestmark = [pytest.mark.real_parts, pytest.mark.django_db(transaction=True)]

MAY = BillingPeriod(date(2026, 5, 1))
PREFIX = "finops/charges"


@pytest.fixture(autouse=True)
def charges_in_s3(store: ObjectStore, settings: Settings) -> Iterator[None]:
    settings.CHARGE_STORE = f"s3://{BUCKET}/{PREFIX}"
    yield
    # Pooled connections of pyarrow must not outlive the test that counts on an empty bucket.
    store.clear()


def keys(store: ObjectStore, below: str = "") -> list[str]:
    listed = store.client.list_objects_v2(Bucket=BUCKET, Prefix=f"{PREFIX}/{below}").get("Contents", ())
    return sorted(item["Key"].removeprefix(f"{PREFIX}/") for item in listed if not item["Key"].endswith("/"))


def folder(made: BillImport) -> ImportFolder:
    assert made.billing_period is not None
    return ImportFolder(made.source.name, BillingPeriod(made.billing_period), made.pk)


def test_month_is_put_into_the_bucket_and_read_from_it(store: ObjectStore, tmp_path: Path) -> None:
    made = bring_in_lines(tmp_path, line(cost="1.5", resource="i-1"), line(cost="2.25", account="000000000007"))
    # 1.5 + 2.25 = 3.75
    assert (made.state, made.billed_cost) == ("in_force", Decimal("3.75"))
    here = f"source=aws-000000000001/billing_period=2026-05/import={made.pk}"
    assert keys(store, "source") == [
        f"{here}/_files.json",
        f"{here}/_groups.parquet",
        f"{here}/_record.json",
        f"{here}/_resource-tags.parquet",
        f"{here}/_resources.parquet",
        f"{here}/_usage.parquet",
        f"{here}/charges-00001.parquet",
    ]
    rows = charge_store.query_charges(
        [folder(made)],
        "SELECT sum(billed_cost) FROM charges WHERE sub_account_id = ? AND slice_key IS NOT NULL",
        ["000000000007"],
    )
    assert rows == [(Decimal("2.25"),)]
    assert charge_store.query_charges([folder(made)], "SELECT sum(consumed_quantity) FROM usage") == [(2.0,)]
    assert keys(store, ".landing") == []


def test_pages_of_lines_are_read_from_the_bucket(store: ObjectStore, tmp_path: Path) -> None:
    bring_in_lines(tmp_path, *(line(cost=str(cost), resource=f"i-{cost % 3}") for cost in range(1, 10)))
    question = selectors.LineQuestion(selectors.active_imports(Scope.all()))
    order = Order("cost", descending=True)
    page = selectors.lines_at(Scope.all(), question, order=order, metric=CostMetric.BILLED, limit=4, offset=2)
    assert [line.billed_cost for line in page] == [7, 6, 5, 4]
    assert [line.resource_id for line in page] == ["i-1", "i-0", "i-2", "i-1"]
    place = selectors.place_of(page, None, order=order, metric=CostMetric.BILLED)
    rest = selectors.lines_after(Scope.all(), question, place, order=order, metric=CostMetric.BILLED, limit=9)
    assert [line.billed_cost for line in rest] == [3, 2, 1]
    assert selectors.line_sums(Scope.all(), question).costs[CostMetric.BILLED] == 45


def test_newer_version_replaces_the_month_and_the_old_one_goes(store: ObjectStore, tmp_path: Path) -> None:
    old = bring_in_lines(tmp_path, line(cost="1"), name="old.csv")
    new = bring_in_lines(tmp_path, line(cost="4"), name="new.csv")
    BillImport.objects.filter(pk=old.pk).update(finished_at="2026-01-01T00:00:00Z")
    pipeline.remove_replaced_imports(now=new.created_at)
    assert (folder(old).exists(), folder(new).exists()) == (False, True)
    # What it was stays, so that a database built anew knows the month's history.
    assert keys(store, folder(old).name) == [f"{folder(old).name}/_record.json"]


def test_month_is_rolled_up_again_from_the_bucket(store: ObjectStore, tmp_path: Path) -> None:
    first = bring_in_lines(tmp_path, line(cost="3"), line(cost="2"))
    (made,) = pipeline.retrack(again=True)
    assert made != first.pk
    assert [item.billed_cost for item in DailyCost.objects.filter(bill_import=made)] == [Decimal(5)]


def test_folder_without_its_marker_is_not_read(store: ObjectStore, tmp_path: Path) -> None:
    made = bring_in_lines(tmp_path, line(cost="3"))
    store.delete(f"{PREFIX}/{folder(made).name}/_files.json")
    charge_store.folders._memory.clear()
    assert not folder(made).exists()
    assert charge_store.query_charges([folder(made)], "SELECT * FROM charges") == []


def test_marker_is_the_last_to_be_put_there(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, done = charge_store.Store.upload, list[str]()

    def broken(self: charge_store.Store, source: Path, path: str) -> None:
        if len(done) == 2:
            raise StoreError("The line is cut.")
        done.append(path)
        real(self, source, path)

    monkeypatch.setattr(charge_store.Store, "upload", broken)
    (pk,) = intake.prepare_imports([write_csv(tmp_path / "bill.csv", [line(cost="3")])], today=date(2026, 6, 3))
    with pytest.raises(StoreError):
        pipeline.run_import(pk)
    assert BillImport.objects.get(pk=pk).state == "failed"
    assert (len(done), keys(store, "source")) == (2, [])
    monkeypatch.undo()


def test_many_threads_read_the_same_file_at_once(tmp_path: Path) -> None:
    # DuckDB's threads and those of a web process share open files; 20,000 lines of 0.5 are 10,000.
    target = tmp_path / "landed"
    target.mkdir()
    with charge_store.connect() as duck:
        duck.execute(
            "COPY (SELECT i, CAST(0.5 AS DECIMAL(38,18)) AS cost, repeat('x', i::INT % 60) AS text"
            " FROM range(20000) r(i))"
            f" TO '{target / 'charges-00001.parquet'}' (FORMAT parquet, ROW_GROUP_SIZE 2048)"
        )
    place = ImportFolder("threads", MAY, 1)
    with charge_store.marking(target) as charges:
        charge_store.put_in_place(target, place, charges())

    def ask(_: int) -> tuple[Decimal, int]:
        with charge_store.connection.reading_cursor() as cursor:
            row = cursor.execute(f"SELECT sum(cost), sum(length(text)) FROM {place.relation()}").fetchone()
            assert row is not None
            return (row[0], int(row[1]))

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(ask, range(12)))
    # Lengths 0 to 59 come 333 times (1,770 each) and 0 to 19 once more (190): 333 × 1,770 + 190 = 589,600.
    assert found == {(Decimal(10000), 589_600)}


def test_workers_of_other_machines_fetch_what_one_landed(
    store: ObjectStore, tmp_path: Path, settings: Settings
) -> None:
    here = charge_store.workspace(41)
    (here / "charges-00001.parquet").write_bytes(b"landed")
    (here / "charges-00002.parquet").write_bytes(b"not shared")
    charge_store.share_landed(41, "charges-00001.parquet")
    assert charge_store.landed_files(41) == ["charges-00001.parquet"]
    settings.IMPORT_TEMP_DIR = str(tmp_path / "another machine")
    there = charge_store.fetch_landed(41)
    assert [(path.name, path.read_bytes()) for path in there.iterdir()] == [("charges-00001.parquet", b"landed")]
    charge_store.remove_workspace(41)
    assert (charge_store.landed_files(41), charge_store.landings_left(), there.exists()) == ([], [], False)


def test_workspace_of_a_folder_store_is_shared_as_it_is(settings: Settings, tmp_path: Path) -> None:
    settings.CHARGE_STORE = f"file://{tmp_path}/charges"
    here = charge_store.workspace(41)
    (here / "charges-00001.parquet").write_bytes(b"landed")
    charge_store.share_landed(41, "charges-00001.parquet")
    assert charge_store.landed_files(41) == ["charges-00001.parquet"]
    assert charge_store.fetch_landed(41) == here == tmp_path / "charges" / ".landing" / "41"
    charge_store.remove_workspace(41)
    assert charge_store.landed_files(41) == []


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("s3://no-such-bucket/x", "There is no bucket no-such-bucket. Make it, or correct CHARGE_STORE."),
        ("s3://", "names no bucket"),
        ("gs://bucket/x", "is of no known kind. Set it to a folder or to s3://bucket/prefix."),
    ],
)
def test_wrong_address_is_told_in_one_line(settings: Settings, tmp_path: Path, address: str, told: str) -> None:
    settings.CHARGE_STORE = address
    with pytest.raises(StoreError) as caught:
        bring_in(write_csv(tmp_path / "bill.csv", [line(cost="3")]))
    assert told in str(caught.value)
    assert f"CHARGE_STORE={address}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_store_out_of_reach_is_told_in_one_line(settings: Settings, tmp_path: Path) -> None:
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"  # nobody listens there
    with pytest.raises(StoreError) as caught:
        bring_in(write_csv(tmp_path / "bill.csv", [line(cost="3")]))
    assert "http://127.0.0.1:9 cannot be reached. Check the network and S3_ENDPOINT_URL." in str(caught.value)
    failed = BillImport.objects.get()
    assert (failed.state, failed.error) == ("failed", str(caught.value))


def test_reading_from_a_store_that_went_out_of_reach_is_told_in_one_line(settings: Settings, tmp_path: Path) -> None:
    made = bring_in_lines(tmp_path, line(cost="3"))
    assert folder(made).exists()  # its marker is known for a minute
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"
    with pytest.raises(StoreError) as caught:
        charge_store.query_charges([folder(made)], "SELECT sum(billed_cost) FROM charges")
    assert "http://127.0.0.1:9 cannot be reached." in str(caught.value)
    assert (caught.value.is_passing, "\n" in str(caught.value)) == (True, False)


def test_refused_access_is_told_in_one_line() -> None:
    # moto lets everybody in, so the store's answer is made here, as AWS words it.
    store = charge_store.charge_store()
    with pytest.raises(StoreError) as caught, store.explained():
        raise OSError("When listing objects: AWS Error ACCESS_DENIED during ListObjectsV2 operation: Access Denied")
    assert str(caught.value) == (
        f"CHARGE_STORE=s3://{BUCKET}/{PREFIX}: The store refuses access to {BUCKET}. Allow s3:ListBucket on the bucket"
        " and s3:GetObject, s3:PutObject, s3:DeleteObject on its files."
    )
    assert not caught.value.is_passing


def test_other_tools_total_the_months_in_force(tmp_path: Path, settings: Settings) -> None:
    settings.CHARGE_STORE = str(tmp_path / "charges")
    bring_in_lines(tmp_path, line(cost="1"), name="old.csv")
    bring_in_lines(tmp_path, line(cost="4"), line(cost="2", operation="EKSPod-EC2"), name="new.csv")
    guide = (Path(__file__).parents[2] / "docs" / "charge-store.md").read_text(encoding="utf-8")
    sql = guide.split("```sql\n", 1)[1].split("```", 1)[0].replace("STORE", str(tmp_path / "charges"))
    rows = duckdb.connect().execute(sql).fetchall()
    # Only the newer version counts, and its row that breaks another down does not: 4.
    assert [(row[0], row[1], row[2], row[3]) for row in rows] == [
        ("2026-05", "aws-000000000001", "USD", Decimal(4)),
    ]
