"""CUR 2.0 of AWS Data Exports: tags, product, cost categories and discounts in maps, or flattened by its SELECT.

It means what the legacy report means (`cur`); only where tags and product attributes stand is different.
"""

import re
from dataclasses import dataclass, field, replace

from costs.billing_formats import cur, maps
from costs.billing_formats.base import ChargeMapping, Column, Columns, literal, squash, tags_json
from costs.periods import BillingPeriod
from costs.terms import BillingFormat

FORMAT = BillingFormat.CUR_2
NAME = "AWS CUR 2.0"

_READ_MAPS = ("resource_tags", "tags", "product", "cost_category")
_MAPS = (*_READ_MAPS, "discount")  # the net columns tell what discounts come to
# No legacy report has these.
_OWN = (
    "bill_payer_account_name",
    "line_item_usage_account_name",
    "line_item_iam_principal",
    "line_item_user_identifier",
    "capacity_reservation_capacity_reservation_arn",
    "capacity_reservation_capacity_reservation_status",
    "capacity_reservation_capacity_reservation_type",
)
# What is read of the product map; CUR 2.0 has the rest in columns of their own.
_PRODUCT = (
    "product_name",
    "servicename",
    "region",
    "region_code",
    "product_family",
    "instance_type",
    "operating_system",
    "tenancy",
    "database_engine",
    "cache_engine",
)
# A SELECT's own spelling of one key of a map: tags['a'], tags["a"], tags[a], tags.a
_ONE_KEY = re.compile(r"""^(\w+?)(?:\[['"]?(.+?)['"]?\]|\.(.+))$""")
_FLAT = {
    "tags": re.compile(r"^resource_?tags[/_](?=.)", re.IGNORECASE),
    "cost_category": re.compile(r"^cost_?category[/_](?=.)", re.IGNORECASE),
}
_TAG_SPELLINGS: tuple[maps.Prefixes, ...] = ({"user:": "", "aws:": "aws:"}, {"user_": "", "aws_": "aws:"})
_ANY_KEY: tuple[maps.Prefixes, ...] = ({"": ""},)
_TAG_KEY = (
    "CASE WHEN starts_with({key}, 'user:') OR starts_with({key}, 'user_') THEN substr({key}, 6)"
    " WHEN starts_with({key}, 'aws_') THEN 'aws:' || substr({key}, 5) ELSE {key} END"
)
_RESOURCE_TAG, _COST_CATEGORY = "resourceTags/", "costCategory/"


@dataclass
class _Maps:
    """The maps of one file: what is computed layer by layer before the fields, and columns read out of maps."""

    columns: Columns
    layers: tuple[dict[str, str], dict[str, str], dict[str, str]] = field(default_factory=lambda: ({}, {}, {}))
    unread: list[str] = field(default_factory=list)
    inside: list[Column] = field(default_factory=list)

    def column(self, name: str) -> Column | None:
        """The map column of this name, if the file has one."""
        found = next((column for column in self.columns.columns if squash(column.name) == squash(name)), None)
        return replace(found, sql=maps.from_athena(found.sql)) if found and found.type == "VARCHAR" else found


def recognise(columns: Columns) -> str:
    """Why the file is CUR 2.0, or ''."""
    if not any(columns.has(name) for name in (cur.KIND, cur.UNBLENDED)) or cur.has_slashes(columns):
        return ""
    found = [name for name in _MAPS if columns.has(name)]
    if found:
        return f"snake-case columns with the map{'s' if len(found) > 1 else ''} {', '.join(found)}"
    keyed = [name for name in columns.names if (match := _ONE_KEY.match(name)) and match[1].casefold() in _MAPS]
    if keyed:
        return f"snake-case columns with keys of maps, as {keyed[0]}"
    own = [name for name in _OWN if columns.has(name)]
    return f"snake-case columns that only CUR 2.0 has, as {own[0]}" if own else ""


def missing(columns: Columns) -> list[str]:
    """Columns without which a line has no period, kind, amount or account."""
    return cur.missing(columns)


def mapping(columns: Columns, period: BillingPeriod | None = None) -> ChargeMapping:
    """The file's columns as canonical charges; the months come from the lines, not from `period`."""
    del period
    found = _Maps(columns)
    _read_product(found)
    tags, cost_categories = _tags(found), _cost_categories(found)
    whole = Columns((*columns.columns, *found.inside), nulls_are_read=columns.nulls_are_read, unread_maps=found.unread)
    for name in _READ_MAPS:
        whole.find(name)
    layers = tuple(layer for layer in found.layers if layer)
    return cur.charge_mapping(whole, tags=tags, cost_categories=cost_categories, layers=layers)


def _read_product(found: _Maps) -> None:
    column = found.column("product")
    if column is None:
        return
    found.layers[0]["part_product"] = maps.values(found.columns, column, _PRODUCT)
    found.unread.append(f"({maps.told(found.columns, column)} IS NOT NULL AND part_product IS NULL)")
    found.inside += [
        Column(f"product['{key}']", f"nullif(nullif(part_product[{place}], ''), 'NULL')")
        for place, key in enumerate(_PRODUCT, start=1)
    ]


def _tags(found: _Maps) -> str:
    own, every = found.column("resource_tags"), found.column("tags")
    if own is None and every is None:
        return tags_json(cur.joined_by_key((cur.tag_key(key), sql) for key, sql in _flat(found, "tags")).items())
    if every is None:
        assert own is not None
        return _json(found, own, name="tags", key=_TAG_KEY.format(key="e.key"), spellings=_TAG_SPELLINGS)
    cells = [every] if own is None else [own, every]
    lists = ", ".join(maps.pairs(found.columns, column) for column in cells)
    return _listed(found, f"list_concat({lists})", cells, name="tags", key=_key_of_all(with_resources=own is None))


def _cost_categories(found: _Maps) -> str:
    own, every = found.column("cost_category"), found.column("tags")
    if own is not None:
        return _json(found, own, name="cost_categories", key="e.key", spellings=_ANY_KEY)
    if every is not None:
        key = f"CASE WHEN {_begins(_COST_CATEGORY)} THEN substr(e.key, {len(_COST_CATEGORY) + 1}) END"
        return _listed(found, maps.pairs(found.columns, every), [], name="cost_categories", key=key)
    return tags_json(cur.joined_by_key(_flat(found, "cost_category")).items())


def _key_of_all(*, with_resources: bool) -> str:
    """What a key of the map `tags` becomes: resources' tags their own key, cost categories none, others stay."""
    bare = f"substr(e.key, {len(_RESOURCE_TAG) + 1})"
    resource = _TAG_KEY.format(key=bare) if with_resources else "NULL"
    return (
        f"CASE WHEN {_begins(_RESOURCE_TAG)} THEN {resource} WHEN {_begins(_COST_CATEGORY)} THEN NULL"
        f" ELSE {_TAG_KEY.format(key='e.key')} END"
    )


def _begins(prefix: str) -> str:
    return f"starts_with(e.key, {literal(prefix)})"


def _json(found: _Maps, column: Column, *, name: str, key: str, spellings: tuple[maps.Prefixes, ...]) -> str:
    """SQL of one map column as a JSON object."""
    if not maps.is_text(column):
        return _listed(found, maps.pairs(found.columns, column), [column], name=name, key=key)
    cell = maps.told(found.columns, column)
    plain, listed = f"part_{name}_plain", f"part_{name}_list"
    found.layers[0][plain] = maps.plain_json(cell, spellings)
    slow = maps.sorted_pairs(maps.pairs(found.columns, column), key=key)
    found.layers[1][listed] = f"CASE WHEN {plain} IS NULL AND {cell} IS NOT NULL THEN {slow} END"
    found.layers[2][f"part_{name}"] = f"coalesce({plain}, {maps.json_of(listed)})"
    found.unread.append(f"({cell} IS NOT NULL AND part_{name} IS NULL)")
    return f"coalesce(part_{name}, '{{}}')"


def _listed(found: _Maps, members: str, told: list[Column], *, name: str, key: str) -> str:
    """SQL of members that are lists already as a JSON object; cells of `told` that gave none are unread."""
    listed = f"part_{name}_list"
    found.layers[1][listed] = maps.sorted_pairs(members, key=key)
    found.layers[2][f"part_{name}"] = maps.json_of(listed)
    cells = " OR ".join(f"{maps.told(found.columns, column)} IS NOT NULL" for column in told)
    if cells:
        found.unread.append(f"(({cells}) AND part_{name} IS NULL)")
    return f"coalesce(part_{name}, '{{}}')"


def _flat(found: _Maps, what: str) -> list[tuple[str, str]]:
    """(key, SQL) of columns that a SELECT took out of a map."""
    names = {"tags": ("resource_tags", "tags"), "cost_category": ("cost_category",)}[what]
    flat = []
    for column in found.columns.columns:
        match = _ONE_KEY.match(column.name)
        if match and match[1].casefold() in names:
            key = match[2] or match[3]
            flat.append((key.removeprefix(_RESOURCE_TAG), found.columns.value(column)))
        elif _FLAT[what].match(column.name):
            flat.append((_FLAT[what].sub("", column.name), found.columns.value(column)))
    return flat
