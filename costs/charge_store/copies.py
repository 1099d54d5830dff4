"""Lines that stand in two files of one delivery: copies of a file, and a month given again as it went on."""

from dataclasses import dataclass
from pathlib import Path

from costs.charge_store.connection import Connection, quoted, scalar
from costs.charge_store.partials import count_rows

# What a line is of, how much of it, and what it costs. Not what providers fill in or work out anew until a month is
# final: invoices, and the shares of fees and plans.
_LINE = (
    *("billing_period", "charge_period_start", "charge_period_end", "billing_account_id", "sub_account_id"),
    *("service_code", "service_name", "region_id", "availability_zone", "usage_type", "operation", "charge_category"),
    *("charge_description", "line_kind", "pricing_category", "resource_id", "instance_type", "platform", "tenancy"),
    *("pricing_unit", "consumed_quantity", "billing_currency", "unblended_cost", "tags", "parent_resource_id"),
    *("cost_categories", "invoice_issuer"),
)
_LOOKED_AT = 400_000  # lines of a delivery, chosen by what is in them: the same ones in every file
_FEWEST = 10  # lines in two files; fewer may be chance


@dataclass(frozen=True)
class Overlap:
    """Most lines of `part` stand in `whole` too; `share` says how many of a hundred."""

    part: Path
    whole: Path
    share: int


def same_lines(connection: Connection, folder: Path) -> tuple[Path, Path, int] | None:
    """Two landed files that hold the very same lines, and how many; None where there are none.

    No provider delivers a line twice: such a file is a copy, and each of its costs would count again. Files are
    compared line by line only where their numbers of lines and their sums agree.
    """
    by_rows: dict[int, list[Path]] = {}
    for path in sorted(folder.glob("charges-*.parquet")):
        by_rows.setdefault(count_rows(connection, path), []).append(path)
    alike = [path for rows, paths in by_rows.items() if rows and len(paths) > 1 for path in paths]
    seen: dict[object, list[Path]] = {}
    for path in alike:
        sums = connection.execute(
            "SELECT count(*), sum(unblended_cost), sum(list_cost), min(charge_period_start), max(charge_period_start),"
            f" min(resource_id), max(resource_id) FROM read_parquet({quoted(path)})"
        ).fetchone()
        for other in seen.setdefault(sums, []):
            if _are_same(connection, other, path):
                assert sums is not None
                return other, path, int(sums[0])
        seen[sums].append(path)
    return None


def overlap(connection: Connection, folder: Path) -> Overlap | None:
    """The two landed files that have most lines in common, if that is at least half of one; None where there are none.

    A month so far (1st to 10th) given beside itself at a later day (1st to 20th) counts its first days twice. Lines
    that stand several times in one file prove nothing and are left out, so a bill whose lines cannot be told apart is
    never refused. Of large deliveries a part of the lines is compared, the same of each file.
    """
    paths = sorted(folder.glob("charges-*.parquet"))
    rows = sum(count_rows(connection, path) for path in paths)
    if len(paths) < 2 or not rows:
        return None
    every = -(-rows // _LOOKED_AT)
    files = ", ".join(quoted(path) for path in paths)
    found = connection.execute(
        f"WITH lines AS (SELECT filename, hash({', '.join(_LINE)}) AS line"
        f" FROM read_parquet([{files}], filename=true)),"
        f" once AS (SELECT filename, line FROM lines WHERE line % {every} = 0 GROUP BY ALL HAVING count(*) = 1),"
        " held AS (SELECT filename, count(*) AS lines FROM once GROUP BY filename),"
        " pairs AS (SELECT one.filename AS one, other.filename AS other, count(*) AS shared FROM once AS one"
        " JOIN once AS other ON one.line = other.line AND one.filename <> other.filename GROUP BY ALL)"
        " SELECT one, other, shared * 100 // mine.lines AS share FROM pairs"
        " JOIN held AS mine ON mine.filename = one JOIN held AS theirs ON theirs.filename = other"
        f" WHERE shared >= {_FEWEST} AND shared * 2 >= mine.lines AND mine.lines <= theirs.lines"
        " ORDER BY share DESC, theirs.lines DESC, one, other LIMIT 1"
    ).fetchone()
    return Overlap(Path(found[0]), Path(found[1]), int(found[2])) if found else None


def _are_same(connection: Connection, one: Path, other: Path) -> bool:
    lines = [f"SELECT * FROM read_parquet({quoted(path)})" for path in (one, other)]
    return not scalar(connection, f"SELECT count(*) FROM (({lines[0]}) EXCEPT ALL ({lines[1]}))")
