"""Charges → rollups, as SQL text for DuckDB. See docs/algorithms/rollups.md.

Every statement makes one temporary table from the ones before it:

    charges → month_sums (what a month's totals and identities are made of)
    charges → line_groups (distinct groups) → group_slices (their slice and its key)
    charges → facts (group × resource × day) → daily_costs, resource_costs, usage_days
    charges → usage (hour × pool × slice), written beside the charges
"""

from collections.abc import Mapping, Sequence

from costs.billing_formats.base import UNREAD_MAP, UNREAD_NUMBER, literal
from costs.charges import GROUP_DIMENSIONS, POOL_DIMENSIONS, SLICE_DIMENSIONS
from costs.tags import BLANKS, YES, like_sql, name_pattern
from costs.terms import COST_COLUMNS

QUANTUM = "CAST('0.0000000001' AS DECIMAL(11,10))"
STABLE_KEY = "CAST(md5_number(CAST(to_json([{parts}]) AS VARCHAR)) & 9223372036854775807::UHUGEINT AS BIGINT)"
_COSTS = ", ".join(f"sum({name}) AS {name}" for name in COST_COLUMNS)
# What month_sums tells apart, and what it adds up and counts.
SUMMED_BY = (
    "charge_category",
    "is_split_row",
    "charge_frequency",
    "commitment_discount_category",
    "commitment_discount_status",
)
SUMMED = ("lines", *COST_COLUMNS, "commitment_cost", "unread_numbers", "unread_maps", "not_invoiced")
HOUR_KINDS = ("on_demand", "reserved", "plan_covered", "spot")


def group_hash() -> str:
    """SQL of a line's group, computed while landing."""
    return f"hash({', '.join(GROUP_DIMENSIONS)})"


def resource_hash() -> str:
    """SQL of a line's resource, 0 where it has none."""
    return "CASE WHEN resource_id = '' THEN 0::UBIGINT ELSE hash(sub_account_id, resource_id) END"


def month_sums() -> str:
    """Sums and counts of lines by what a month's totals and identities tell apart; a handful of rows.

    Made of the charges alone, apart from the rollups, which have to add up to it.
    """
    return (
        f"CREATE TEMP TABLE month_sums AS SELECT {', '.join(SUMMED_BY)}, count(*) AS lines, {_COSTS},"
        " sum(commitment_cost) AS commitment_cost, max(billing_currency) AS billing_currency,"
        f" count(*) FILTER (unread_cells & {UNREAD_NUMBER} > 0) AS unread_numbers,"
        f" count(*) FILTER (unread_cells & {UNREAD_MAP} > 0) AS unread_maps,"
        " count(*) FILTER (invoice_id = '' AND unblended_cost <> 0) AS not_invoiced"
        f" FROM charges GROUP BY {', '.join(SUMMED_BY)}"
    )


def line_groups() -> str:
    """One row per distinct group of lines."""
    return (
        f"CREATE TEMP TABLE line_groups AS SELECT line_group, {_any_of(GROUP_DIMENSIONS)} FROM charges"
        " WHERE NOT is_split_row GROUP BY line_group"
    )


def facts() -> str:
    """Costs and quantities of each group × resource × day. Split rows break down others and do not count."""
    return (
        f"CREATE TEMP TABLE facts AS SELECT line_group, resource_group, charge_date, count(*) AS lines, {_COSTS},"
        " sum(consumed_quantity) AS consumed_quantity, sum(normalized_quantity) AS normalized_quantity"
        " FROM charges WHERE NOT is_split_row GROUP BY line_group, resource_group, charge_date"
    )


def tag_keys() -> str:
    """All tag keys of the month, in order."""
    return "SELECT DISTINCT unnest(json_keys(tags)) AS key FROM (SELECT DISTINCT tags FROM line_groups) ORDER BY key"


def tracked_values(tracked: Mapping[str, Sequence[str]], *, names: Sequence[str]) -> str:
    """Per group its name (`names`: how the bill spells the key Name) and the value of each tracked key, t0, t1 ….

    The first spelling that has a value counts. A key that stands for a pattern of names has the value yes or none.
    """
    read = (
        (_name_is_like(pattern, names) if (pattern := name_pattern(key)) else _tag_value(spellings))
        for key, spellings in tracked.items()
    )
    values = "".join(f", {value} AS t{place}" for place, value in enumerate(read))
    return (
        f"CREATE TEMP TABLE tracked_values AS SELECT line_group, {_tag_value(names)} AS resource_name{values}"
        " FROM line_groups"
    )


def distinct_values(count: int) -> str:
    """How many distinct values each tracked key has."""
    counts = ", ".join(f"count(DISTINCT t{place})" for place in range(count))
    return f"SELECT {counts} FROM tracked_values"


def group_slices(tracked: Sequence[tuple[str, int]]) -> str:
    """Each group with its slice's tags and key. `tracked` pairs a key with its place in tracked_values."""
    members = ", ".join(
        f"CASE WHEN t{place} IS NOT NULL THEN {literal(_json_member(key))} || CAST(to_json(t{place}) AS VARCHAR) END"
        for key, place in sorted(tracked)
    )
    tags = f"'{{' || concat_ws(',', {members}) || '}}'" if members else "'{}'"
    parts = ", ".join([*(f"CAST({name} AS VARCHAR)" for name in SLICE_DIMENSIONS), "slice_tags"])
    return (
        f"CREATE TEMP TABLE group_slices AS SELECT {STABLE_KEY.format(parts=parts)} AS slice_key, *"
        f" FROM (SELECT line_groups.*, resource_name, {tags} AS slice_tags"
        " FROM line_groups JOIN tracked_values USING (line_group))"
    )


def slices() -> str:
    """One row per slice, as `CostSlice` stores it."""
    return (
        f"CREATE TEMP TABLE slices AS SELECT slice_key, {_any_of(SLICE_DIMENSIONS)}, any_value(slice_tags) AS tags"
        " FROM group_slices GROUP BY slice_key"
    )


def resource_names() -> str:
    """One row per resource group with its stable key."""
    parts = STABLE_KEY.format(parts="sub_account_id, resource_id")
    return (
        f"CREATE TEMP TABLE resource_names AS SELECT {parts} AS resource_key, * FROM (SELECT resource_group,"
        " any_value(sub_account_id) AS sub_account_id, any_value(resource_id) AS resource_id FROM charges"
        " WHERE resource_group <> 0 AND NOT is_split_row GROUP BY resource_group)"
    )


def resources() -> str:
    """One row per resource as last seen: on its last day, lines with tags before lines without."""
    order = "date_diff('day', DATE '1970-01-01', charge_date) * 2 + CAST(tags <> '{}' AS INTEGER)"
    last = ", ".join(
        f"arg_max({name}, seen) FILTER ({name} <> '') AS {name}"
        for name in ("service_name", "region_id", "resource_type", "instance_type")
    )
    last += ", arg_max(resource_name, seen) FILTER (resource_name <> '') AS name"
    return (
        "CREATE TEMP TABLE resources AS SELECT resource_key, any_value(names.sub_account_id) AS sub_account_id,"
        f" any_value(resource_id) AS resource_id, {last}, arg_max(tags, seen) AS tags,"
        " min(charge_date) AS first_seen_on, max(charge_date) AS last_seen_on"
        " FROM (SELECT resource_group, charge_date, service_name, region_id, resource_type, instance_type,"
        f" resource_name, tags, {order} AS seen FROM facts JOIN group_slices USING (line_group))"
        " JOIN resource_names AS names USING (resource_group) GROUP BY resource_key"
    )


def resource_tags() -> str:
    """Each set of tags a resource carried, with the first and last day its lines had it; in order of resources."""
    return (
        "SELECT resource_key, tags, min(charge_date) AS first_seen_on, max(charge_date) AS last_seen_on"
        " FROM facts JOIN line_groups USING (line_group) JOIN resource_names USING (resource_group)"
        " GROUP BY resource_key, tags ORDER BY resource_key"
    )


def daily_costs() -> str:
    """Slice × day, still with all digits."""
    return (
        f"CREATE TEMP TABLE daily_costs AS SELECT slice_key, charge_date, {_COSTS}, sum(consumed_quantity) AS"
        " consumed_quantity FROM facts JOIN group_slices USING (line_group) GROUP BY slice_key, charge_date"
    )


def resource_costs() -> str:
    """Resource × slice, still with all digits. resource_group 0 is what has no resource: it takes part in rounding.

    Name and type are the last ones on the lines of this very slice, so that its owner learns nothing of others'.
    """
    return (
        f"CREATE TEMP TABLE resource_costs AS SELECT slice_key, resource_group, {_COSTS},"
        " sum(CASE WHEN is_instance_usage THEN consumed_quantity ELSE 0 END) AS usage_hours,"
        " sum(consumed_quantity) AS consumed_quantity,"
        " min(charge_date) AS first_charged_on, max(charge_date) AS last_charged_on,"
        f" {_last_text('resource_name')} AS name, {_last_text('resource_type')} AS resource_type"
        " FROM facts JOIN group_slices USING (line_group) GROUP BY slice_key, resource_group"
    )


def needs_rounding() -> str:
    """For each cost column whether any day or resource has digits past the tenth."""
    checks = ", ".join(f"coalesce(bool_or({name} <> CAST({name} AS DECIMAL(38,10))), false)" for name in COST_COLUMNS)
    both = f"SELECT {', '.join(COST_COLUMNS)} FROM"
    return f"SELECT {checks} FROM ({both} daily_costs UNION ALL {both} resource_costs)"


def slice_targets(name: str) -> str:
    """The month of each slice in whole 1e-10, such that the slices sum to the rounded file total."""
    return (
        f"CREATE OR REPLACE TEMP TABLE slice_targets AS {_largest_remainder('', 'slice_key')}"
        f" FROM (SELECT *, {_floor('exact')} AS floor10, round(sum(exact) OVER (), 10) AS whole"
        f" FROM (SELECT slice_key, sum({name}) AS exact FROM daily_costs GROUP BY slice_key)))"
    )


def place_digits(table: str, member: str, name: str) -> str:
    """One column of a rollup cut to ten decimals, its members summing to their slice's target."""
    return (
        f"UPDATE {table} SET {name} = placed.amount FROM ("
        f"{_largest_remainder('PARTITION BY slice_key', f'slice_key, {member}')}"
        f" FROM (SELECT slice_key, {member}, {name} AS exact, {_floor(name)} AS floor10, amount AS whole"
        f" FROM {table} JOIN slice_targets USING (slice_key)))) AS placed"
        f" WHERE placed.slice_key = {table}.slice_key AND placed.{member} = {table}.{member}"
    )


def _largest_remainder(partition: str, keys: str) -> str:
    """Members cut down to the tenth decimal; the missing 1e-10 go to the largest remainders.

    Ties go to the larger amount, then by key. Reads `exact`, `floor10` and `whole` of the relation that follows.
    """
    over = f"OVER ({partition})"
    order = f"OVER ({partition} ORDER BY exact - floor10 DESC, abs(exact) DESC, {keys})"
    missing = f"CAST((whole - sum(floor10) {over}) * 10000000000 AS BIGINT)"
    return (
        f"SELECT {keys}, CAST(floor10 + CASE WHEN place <= missing THEN {QUANTUM} ELSE 0 END AS DECIMAL(38,10))"
        f" AS amount FROM (SELECT *, row_number() {order} AS place, {missing} AS missing"
    )


def _floor(name: str) -> str:
    cut = f"CAST({name} AS DECIMAL(38,10))"
    return f"CAST({cut} - CASE WHEN {cut} > {name} THEN {QUANTUM} ELSE 0 END AS DECIMAL(38,10))"


def usage_days() -> str:
    """Pool × slice × day of instance usage: hours, normalized units and costs by how they were priced."""
    kind = (
        "CASE WHEN pricing_category = 'Dynamic' THEN 'spot'"
        " WHEN commitment_discount_category = 'Spend' THEN 'plan_covered'"
        " WHEN pricing_category = 'Committed' THEN 'reserved' ELSE 'on_demand' END"
    )
    hours = ", ".join(
        f"sum(CASE WHEN priced = '{name}' THEN {column} ELSE 0 END) AS {name}_{unit}"
        for column, unit in (("consumed_quantity", "hours"), ("units", "normalized_units"))
        for name in HOUR_KINDS
    )
    costs = ", ".join(f"round(sum({name}), 10) AS {name}" for name in ("billed_cost", "effective_cost", "list_cost"))
    pool = ", ".join(POOL_DIMENSIONS)
    return (
        f"CREATE TEMP TABLE usage_days AS SELECT slice_key, charge_date, {pool}, {hours}, {costs} FROM ("
        f"SELECT facts.*, slice_key, {pool}, {kind} AS priced, CASE WHEN facts.normalized_quantity = 0"
        f" THEN facts.consumed_quantity * {size_factor()} ELSE facts.normalized_quantity END AS units"
        " FROM facts JOIN group_slices USING (line_group) WHERE is_instance_usage)"
        f" GROUP BY slice_key, charge_date, {pool}"
    )


def usage(charges: str = "charges") -> str:
    """Hour × pool × slice × pricing category × commitment: what optimisers and pool charts read.

    `charges` is the relation of lines with the groups that group_slices knows.
    """
    pool = ", ".join(POOL_DIMENSIONS)
    grouped = ", ".join(f"grouped.{name}" for name in POOL_DIMENSIONS)
    return (
        f"SELECT charge_hour, slice_key, {pool}, pricing_category, commitment_discount_id,"
        " sum(consumed_quantity) AS consumed_quantity,"
        " sum(CASE WHEN normalized_quantity = 0 THEN consumed_quantity * factor ELSE normalized_quantity END)"
        " AS normalized_quantity, sum(list_cost) AS list_cost FROM ("
        f"SELECT charges.charge_period_start AS charge_hour, slice_key, {grouped}, grouped.pricing_category,"
        " charges.commitment_discount_id, charges.consumed_quantity, charges.normalized_quantity, charges.list_cost,"
        f" factor FROM {charges} AS charges JOIN (SELECT *, "
        f"{size_factor()} AS factor FROM group_slices WHERE is_instance_usage) AS grouped USING (line_group)"
        f" WHERE NOT charges.is_split_row) GROUP BY charge_hour, slice_key, {pool}, pricing_category,"
        " commitment_discount_id"
    )


def size_factor() -> str:
    """Normalized units per hour from the size in an instance type; 0 where the size has none."""
    size = "regexp_replace(instance_type, '^.*[.]', '')"
    small = {"nano": "0.25", "micro": "0.5", "small": "1", "medium": "2", "large": "4", "xlarge": "8"}
    cases = " ".join(f"WHEN {literal(name)} THEN {factor}" for name, factor in small.items())
    times = f"try_cast(regexp_extract({size}, '^([0-9]+)xlarge$', 1) AS INTEGER)"
    return f"CASE {size} {cases} ELSE coalesce({times} * 8, 0) END"


def _any_of(names: Sequence[str]) -> str:
    """Columns that are the same in every row of a group."""
    return ", ".join(f"any_value({name}) AS {name}" for name in names)


def _last_text(name: str) -> str:
    """The text of the latest day that has one, the greatest of several on that day."""
    newest = f"max(struct_pack(day := charge_date, text := {name})) FILTER ({name} <> '' AND resource_group <> 0)"
    return f"coalesce(({newest}).text, '')"


def _tag_value(spellings: Sequence[str]) -> str:
    blanks = ", ".join(literal(blank) for blank in sorted(BLANKS))
    values = []
    for spelling in spellings:
        pointer = "/" + spelling.replace("~", "~0").replace("/", "~1")
        value = f"trim(json_extract_string(tags, {literal(pointer)}))"
        values.append(f"CASE WHEN lower({value}) NOT IN ({blanks}) THEN {value} END")
    return f"coalesce({', '.join(values)})" if len(values) > 1 else (values or ["NULL::VARCHAR"])[0]


def _name_is_like(pattern: str, names: Sequence[str]) -> str:
    return f"CASE WHEN lower({_tag_value(names)}) LIKE {literal(like_sql(pattern))} ESCAPE '!' THEN '{YES}' END"


def _json_member(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}":'
