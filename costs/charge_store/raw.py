"""The bare sum of one column of a file, as text says it: nothing of the intake's reading takes part."""

from decimal import Decimal
from pathlib import Path

from costs.charge_store.connection import connect, quoted
from costs.charge_store.sources import open_bill_file, tables_in


def raw_sum(path: Path, column: str) -> Decimal:
    """Σ of a column of numbers over all tables of a file; empty cells and the text NULL count nothing.

    Text is added with all its digits, and so are the shortest decimals that floating-point numbers of Parquet stand
    for. Raises ImportRejectedError for a file that cannot be read, duckdb.Error for a cell that is no number.
    """
    name = '"' + column.replace('"', '""') + '"'
    text = f"nullif(nullif(trim(CAST({name} AS VARCHAR)), ''), 'NULL')"
    amount = f"CAST({text} AS DECIMAL(38,18))"
    total = Decimal(0)
    with tables_in(path) as tables, connect() as connection:
        for table in tables:
            file = open_bill_file(table)
            relation = file.relation
            if not file.is_parquet:
                relation = (
                    f"read_csv({quoted(table)}, all_varchar=true, header=true, delim=',', quote='\"', escape='\"')"
                )
            row = connection.execute(f"SELECT sum({amount}) FROM {relation}").fetchone()
            total += row[0] if row and row[0] is not None else Decimal(0)
    return total
