"""Which instance a FOCUS line runs: its type, platform and tenancy, wherever the provider tells them.

AWS tells them in the details of the price or in the usage type. Azure's FOCUS export tells them in `x_SkuDetails`, and
its own cost details in `AdditionalInfo`: the same JSON, whose `ServiceType` is the size of the machine.
"""

from costs.billing_formats import focus_cells as cells
from costs.billing_formats import maps
from costs.billing_formats.base import Columns, literal
from costs.billing_formats.cur import INSTANCE_STEMS, PLATFORMS

_PRICE_DETAILS = "SkuPriceDetails"
_DETAILS = ("x_SkuDetails", "AdditionalInfo", "x_AdditionalInfo")
_NOTHING = "CAST([NULL, NULL, NULL] AS VARCHAR[])"
# Azure's machines are priced by the hour as `ComputeHR`; `ComputeHR_SW` is software on them, for the same hours.
_COMPUTE = "ComputeHR"
# What begins the name of a machine's size; other services write other things as their `ServiceType`.
_AZURE_SIZE = "^(Standard|Basic)_.+"


def parts(columns: Columns) -> dict[str, str]:
    """What the fields are made from."""
    stems = " OR ".join(f"contains(part_usage_type, {literal(stem)})" for stem in INSTANCE_STEMS)
    return {
        "part_runs": f"NOT contains(part_usage_type, ':') OR {stems}",
        "part_sku": _values(columns, ("InstanceType", "OperatingSystem"), _PRICE_DETAILS),
        "part_details": _values(columns, ("ServiceType", "ImageType", "UsageType"), *_DETAILS),
        "part_azure_type": f"CASE WHEN regexp_matches(part_details[1], {literal(_AZURE_SIZE)})"
        " THEN part_details[1] END",
        "part_instance_type": _instance_type(columns),
    }


def fields(columns: Columns) -> dict[str, str]:
    """The canonical fields. Uses the parts, and `part_is_usage` and `part_unit`."""
    codes = " ".join(f"WHEN {literal(code)} THEN {literal(name)}" for code, name in PLATFORMS.items())
    system = columns.text("x_SkuOperatingSystem", "x_OperatingSystem")
    system = f"coalesce(part_sku[2], nullif({system}, ''), {_azure_system()}, '')"
    system = f"CASE WHEN lower({system}) IN ('', 'linux') THEN 'Linux/UNIX' ELSE {system} END"
    platform = f"CASE {columns.text('x_Operation')} {codes} ELSE {system} END"
    dedicated = "CASE WHEN contains(part_usage_type, 'DedicatedUsage') THEN 'Dedicated' ELSE 'Shared' END"
    is_software = f"coalesce(part_details[3], {literal(_COMPUTE)}) <> {literal(_COMPUTE)}"
    return {
        "instance_type": "part_instance_type",
        "platform": f"CASE WHEN part_instance_type = '' THEN '' ELSE {platform} END",
        "tenancy": f"CASE WHEN part_instance_type = '' THEN '' ELSE {dedicated} END",
        "is_instance_usage": f"part_is_usage AND part_instance_type <> '' AND NOT ({is_software})"
        f" AND {is_hours('part_unit')}",
    }


def is_hours(unit: str) -> str:
    """SQL of whether a unit is hours, alone or of something."""
    return f"regexp_matches(lower({unit}), '(^|[^a-z])h(ou)?rs?($|[^a-z])')"


def _values(columns: Columns, keys: tuple[str, ...], *names: str) -> str:
    """The values of these keys of a column with JSON, braces or not; NULL where there is none."""
    column = columns.find(*names)
    if column is None:
        return _NOTHING
    return f"coalesce({maps.values(columns, cells.braced(column), keys)}, {_NOTHING})"


def _instance_type(columns: Columns) -> str:
    """What the price says, else the provider's own columns, else what follows the colon of an AWS usage type."""
    from_usage = "CASE WHEN contains(part_usage_type, ':') THEN split_part(part_usage_type, ':', 2) ELSE '' END"
    told = columns.text("x_InstanceType", "x_SkuInstanceType", default=f"coalesce(part_azure_type, {from_usage})")
    return f"CASE WHEN part_category = 'Usage' AND part_runs THEN coalesce(part_sku[1], {told}) ELSE '' END"


def _azure_system() -> str:
    """The operating system by the image a machine of Azure's runs, NULL where none is told. A licence of one's own
    (BYOL) is priced as Linux is."""
    image = "lower(part_details[2])"
    return (
        f"CASE WHEN part_azure_type IS NULL THEN NULL WHEN contains({image}, 'byol') THEN 'Linux'"
        f" WHEN contains({image}, 'windows') THEN 'Windows' WHEN contains({image}, 'redhat') THEN 'RHEL'"
        f" WHEN contains({image}, 'suse') THEN 'SUSE' END"
    )
