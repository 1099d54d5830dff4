"""Tags of a FOCUS file, from all columns a provider puts them in. Where several tell one key, the first of them counts.

Google's own export has no `Tags`: labels of resources and of their projects stand in columns of its own. Its system
labels are made by Google and tell nothing of an owner.
"""

import re
from collections.abc import Iterable

from costs.billing_formats import focus_cells as cells
from costs.billing_formats import maps
from costs.billing_formats.base import Columns, literal

_MAPS = ("Tags", "x_Tags", "x_Labels", "x_ProjectLabels")
_PREFIX = r"^(resourceTags/)?user:"
_OWN_KEY = f"regexp_replace(e.key, {literal(_PREFIX)}, '', 'i')"
# A column for one key, as Oracle may add them: tags/Finance.CostCenter
_ONE_KEY = re.compile(r"^tags/(?=.)", re.IGNORECASE)
_SOURCE, _MERGED = "part_tag_source", "part_tags"
_ALLOCATED = "part_allocated_tags"


def pairs(columns: Columns, name: str, *, key: str) -> str:
    """The sorted members of a map; none where the column is absent, NULL where the cell cannot be read."""
    column = columns.find(name)
    if column is None:
        return maps.sorted_pairs(maps.NO_PAIRS, key=key)
    return maps.sorted_pairs(maps.pairs(columns, cells.braced(column)), key=key)


def parts(columns: Columns) -> dict[str, str]:
    """What tags are made from: each source's members, and `part_tags` of all of them."""
    found = [pairs(columns, name, key=_OWN_KEY) for name in _MAPS if name == _MAPS[0] or columns.has(name)]
    if single := _of_columns(columns):
        found.append(single)
    allocated = {_ALLOCATED: pairs(columns, "AllocatedTags", key="e.key")}
    if len(found) == 1:
        return {_MERGED: found[0], **allocated}
    sources = {f"{_SOURCE}_{place}": sql for place, sql in enumerate(found)}
    return {**sources, **_merged(list(sources)), **allocated}


def told(named: Iterable[str]) -> list[str]:
    """The parts that are NULL where a cell could not be read."""
    names = list(named)
    sources = [name for name in names if name.startswith(_SOURCE)]
    return [*(sources or [_MERGED]), _ALLOCATED]


def tags() -> str:
    """A line's tags; on an allocated line with those of the resource it was allocated to, which go first."""
    own, allocated = (f"coalesce({maps.json_of(name)}, '{{}}')" for name in (_MERGED, _ALLOCATED))
    merged = f"CAST(json_merge_patch(CAST({own} AS JSON), CAST({allocated} AS JSON)) AS VARCHAR)"
    return f"CASE WHEN part_is_allocated AND {allocated} <> '{{}}' THEN {merged} ELSE {own} END"


def _merged(sources: list[str]) -> dict[str, str]:
    """Source by source, the members whose keys none before it has; the last step in order of keys."""
    steps: dict[str, str] = {}
    before = f"coalesce({sources[0]}, {maps.NO_PAIRS})"
    for place, source in enumerate(sources[1:], start=1):
        keys = f"list_transform({before}, lambda e: e.key)"
        fresh = f"list_filter(coalesce({source}, {maps.NO_PAIRS}), lambda e: NOT list_contains({keys}, e.key))"
        is_last = place == len(sources) - 1
        both = f"list_concat({before}, {fresh})"
        before = _MERGED if is_last else f"{_MERGED}_{place}"
        steps[before] = f"list_sort({both})" if is_last else both
    return steps


def _of_columns(columns: Columns) -> str:
    """The members that have a column each; '' where the file has none."""
    found = [column for column in columns.columns if _ONE_KEY.match(column.name)]
    members = [
        f"struct_pack(key := {literal(_ONE_KEY.sub('', column.name))}, value := {columns.value(column)})"
        for column in found
    ]
    return maps.sorted_pairs(f"[{', '.join(members)}]", key="e.key") if members else ""
