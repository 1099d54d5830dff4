"""Parquet files with decimals of more than 38 digits, like BigQuery's BIGNUMERIC: DuckDB would read them as doubles.

Such a file is written anew with these columns as text, which is read digit by digit like the cells of a CSV file.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_ROWS = 50_000


def wide_columns(path: Path) -> tuple[str, ...]:
    """The columns of a Parquet file that hold such decimals; none of a file that is no Parquet."""
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError):
        return ()  # whoever reads it says what is wrong with it
    return tuple(field.name for field in schema if pa.types.is_decimal256(field.type))


def as_text(path: Path, folder: Path) -> Path:
    """The same file with its wide decimals as text, under the same name in another folder."""
    target = folder / path.name
    with pq.ParquetFile(path) as file:
        fields = [_as_text(field) for field in file.schema_arrow]
        schema = pa.schema(fields)
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for batch in file.iter_batches(batch_size=_ROWS):
                writer.write_batch(batch.cast(schema))
    return target


def _as_text(field: pa.Field) -> pa.Field:
    return field.with_type(pa.string()) if pa.types.is_decimal256(field.type) else field
