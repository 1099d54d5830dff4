"""How charges are landed: texts by their place, and Parquet by the combinations of its few texts."""

from pathlib import Path
from unittest.mock import Mock

import duckdb
import pytest

from costs import charge_store
from costs.billing_formats import detect
from costs.charge_store import combinations
from costs.charges import CHARGE_COLUMNS
from costs.errors import ImportRejectedError

NUMBERS = {
    "line_item_unblended_cost",
    "line_item_usage_amount",
    "pricing_public_on_demand_cost",
    "reservation_effective_cost",
    "reservation_unused_recurring_fee",
}
# Three kinds of lines, each three times: use, use that a reservation covers, tax without a resource or tags.
KINDS = (
    {"kind": "Usage", "resource": "i-1", "type": "BoxUsage:m5.large", "team": 'say "hi"', "cost": "1.25"},
    {"kind": "DiscountedUsage", "resource": "i-2", "type": "BoxUsage:c5.large", "team": None, "cost": "0"},
    {"kind": "Tax", "resource": None, "type": None, "team": None, "cost": "0.10"},
)


def parquet(path: Path, *, costs_as: str = "DOUBLE", repeats: int = 3) -> Path:
    """A legacy report of every kind of line, `repeats` times, an hour apart."""
    rows = " UNION ALL ".join(
        f"SELECT {_text(line['kind'])} AS kind, {_text(line['resource'])} AS resource, {_text(line['type'])} AS type,"
        f" {_text(line['team'])} AS team, '{line['cost']}' AS cost"
        for line in KINDS
    )
    columns = {
        "bill_payer_account_id": "'100000000001'",
        "bill_billing_period_start_date": "TIMESTAMP '2026-05-01'",
        "line_item_usage_account_id": "'100000000002'",
        "line_item_line_item_type": "kind",
        "line_item_usage_start_date": "TIMESTAMP '2026-05-04' + n * INTERVAL 1 HOUR",
        "line_item_usage_end_date": "TIMESTAMP '2026-05-04' + (n + 1) * INTERVAL 1 HOUR",
        "line_item_product_code": "'AmazonEC2'",
        "line_item_usage_type": "type",
        "line_item_operation": "'RunInstances'",
        "line_item_resource_id": "resource",
        "line_item_currency_code": "'USD'",
        "line_item_unblended_cost": f"CAST(cost AS {costs_as})",
        "line_item_usage_amount": "1.0",
        "pricing_public_on_demand_cost": "CAST('2.00' AS DOUBLE)",
        "reservation_effective_cost": "CAST('0.50' AS DOUBLE)",
        "reservation_unused_recurring_fee": "CAST(NULL AS DOUBLE)",
        "resource_tags_user_team": "team",
    }
    listed = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    with duckdb.connect() as duck:
        duck.execute(f"COPY (SELECT {listed} FROM ({rows}), range({repeats}) AS hours(n)) TO '{path}' (FORMAT parquet)")
    return path


def _text(value: str | None) -> str:
    return "NULL::VARCHAR" if value is None else "'" + value.replace("'", "''") + "'"


def landed(path: Path, target: Path) -> list[tuple[object, ...]]:
    """All columns of all charges, groups too, in order."""
    file = charge_store.open_bill_file(path)
    mapping = detect(file.columns, file_name=path.name).module.mapping(file.columns)
    with charge_store.connect() as duck:
        charge_store.land_file(duck, file, mapping, target, beat=lambda _: None)
        assert not duck.execute("SELECT table_name FROM duckdb_tables()").fetchall()  # nothing is left behind
        names = ", ".join([*CHARGE_COLUMNS, "line_group", "resource_group"])
        return duck.execute(f"SELECT {names} FROM read_parquet('{target}') ORDER BY ALL").fetchall()


def test_lines_by_combination_are_the_lines_made_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path / "bill.parquet", repeats=5)
    one_by_one = landed(path, tmp_path / "a.parquet")
    monkeypatch.setattr(combinations, "LINES_WORTH_IT", 1)
    joined = Mock(side_effect=combinations._joined)
    monkeypatch.setattr(combinations, "_joined", joined)

    assert landed(path, tmp_path / "b.parquet") == one_by_one
    assert joined.call_count == 1
    # 5 × (1.25 use + 0.00 covered use + 0.10 tax) billed; covered use takes 0.50 of its reservation each time.
    with duckdb.connect() as duck:
        sums = "sum(billed_cost), sum(effective_cost), sum(list_cost), count(DISTINCT line_group), min(tags)"
        found = duck.execute(f"SELECT {sums} FROM read_parquet('{tmp_path / 'b.parquet'}')").fetchone()
    assert found is not None
    assert [str(value) for value in found] == [
        "6.750000000000000000",
        "9.250000000000000000",
        "30.000000000000000000",
        "3",
        '{"team":"say \\"hi\\""}',
    ]


def test_many_combinations_are_made_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(tmp_path / "bill.parquet", repeats=3)
    monkeypatch.setattr(combinations, "LINES_WORTH_IT", 1)
    monkeypatch.setattr(combinations, "_joined", lambda *_: pytest.fail("three lines of each kind are too few"))

    assert len(landed(path, tmp_path / "a.parquet")) == 9


def test_a_bad_number_is_named_by_row_and_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combinations, "LINES_WORTH_IT", 1)
    path = parquet(tmp_path / "good.parquet", costs_as="VARCHAR", repeats=5)
    bad = tmp_path / "bad.parquet"
    with duckdb.connect() as duck:
        duck.execute(
            f"COPY (SELECT * REPLACE (CASE WHEN file_row_number = 6 THEN 'much' ELSE line_item_unblended_cost END"
            f" AS line_item_unblended_cost) FROM read_parquet('{path}', file_row_number=true)) TO '{bad}'"
        )

    with pytest.raises(ImportRejectedError) as caught:
        landed(bad, tmp_path / "a.parquet")
    assert (caught.value.line, caught.value.column) == (7, "line_item_unblended_cost")


def test_texts_written_by_place_are_plain_texts_for_everybody(tmp_path: Path) -> None:
    landed(parquet(tmp_path / "bill.parquet"), tmp_path / "a.parquet")
    with duckdb.connect() as duck:
        described = duck.execute(f"DESCRIBE SELECT * FROM read_parquet('{tmp_path / 'a.parquet'}')").fetchall()
    kinds = {row[0]: row[1] for row in described}
    assert {name: kinds[name] for name in CHARGE_COLUMNS} == CHARGE_COLUMNS
