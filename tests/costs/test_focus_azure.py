"""Azure's machines: type, system and hours, as `x_SkuDetails` of its FOCUS export tells them."""

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costs import charge_store, selectors
from costs.models import Resource
from costs.scope import Scope
from tests.costs.bills import bring_in
from tests.costs.focus_bills import focus_line, write_focus
from tests.costs.test_cost_bases import landed

ALL = Scope.all()
MACHINE = {
    "UsageType": "ComputeHR",
    "ImageType": "Canonical",
    "ServiceType": "Standard_D4s_v3",
    "VMName": "",
    "VCPUs": 4,
}
AZURE = {"ProviderName": "Microsoft", "ServiceName": "Virtual Machines", "RegionId": "westeurope"}


@pytest.fixture
def duck() -> Iterator[charge_store.Connection]:
    with charge_store.connect() as connection:
        yield connection


def details(**changes: Any) -> str:
    return json.dumps(MACHINE | changes)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"x_SkuDetails": details()}, ("Standard_D4s_v3", "Linux/UNIX", True)),
        ({"x_SkuDetails": details()[1:-1]}, ("Standard_D4s_v3", "Linux/UNIX", True)),  # without its braces
        ({"AdditionalInfo": details()}, ("Standard_D4s_v3", "Linux/UNIX", True)),  # joined on from the cost details
        ({"additionalInfo": details(ImageType=None)}, ("Standard_D4s_v3", "Linux/UNIX", True)),
        ({"x_SkuDetails": details(ImageType="Windows Server")}, ("Standard_D4s_v3", "Windows", True)),
        ({"x_SkuDetails": details(ImageType="Windows Server BYOL")}, ("Standard_D4s_v3", "Linux/UNIX", True)),
        ({"x_SkuDetails": details(ImageType="RedHat")}, ("Standard_D4s_v3", "RHEL", True)),
        # Software on the machine: its hours are the machine's, and would count twice.
        ({"x_SkuDetails": details(UsageType="ComputeHR_SW")}, ("Standard_D4s_v3", "Linux/UNIX", False)),
        ({"x_SkuDetails": details(ServiceType="Premium")}, ("", "", False)),  # no machine
        ({"x_SkuDetails": "{}"}, ("", "", False)),
        ({"x_SkuDetails": "no JSON"}, ("", "", False)),
        ({"x_SkuDetails": ""}, ("", "", False)),
        ({"x_SkuDetails": details(), "ConsumedUnit": "GB"}, ("Standard_D4s_v3", "Linux/UNIX", False)),
        ({"x_SkuDetails": details(), "ChargeCategory": "Purchase"}, ("", "", False)),
        ({"x_SkuDetails": details(), "x_SkuInstanceType": "Standard_E8"}, ("Standard_E8", "Linux/UNIX", True)),
        (
            {"x_SkuDetails": details(), "SkuPriceDetails": '{"InstanceType":"Standard_F2"}'},
            ("Standard_F2", "Linux/UNIX", True),
        ),
    ],
    ids=str,
)
def test_details_of_azure_tell_the_machine(
    duck: charge_store.Connection, tmp_path: Path, cells: dict[str, str], told: tuple[str, str, bool]
) -> None:
    path = write_focus(tmp_path / "focus.csv", focus_line(**{**AZURE, **cells}))
    assert landed(duck, path, "instance_type", "platform", "is_instance_usage") == [told]


@pytest.mark.django_db
@pytest.mark.real_parts
def test_machines_of_azure_are_pools_and_their_resources_show_the_type(tmp_path: Path) -> None:
    """Two hours of a machine at 0.20 and 0.22, and software on it at 0.05 for the first."""
    times = [{"ChargePeriodStart": f"2026-05-04T{hour}:00:00Z", "ChargePeriodEnd": f"2026-05-04T{hour + 1}:00:00Z"}
             for hour in (10, 11)]  # fmt: skip
    path = write_focus(
        tmp_path / "azure.csv",
        focus_line(cost="0.2", **AZURE, **times[0], ResourceId="/vm/a", x_SkuDetails=details()),
        focus_line(cost="0.22", **AZURE, **times[1], ResourceId="/vm/a", x_SkuDetails=details()),
        focus_line(
            cost="0.05", **AZURE, **times[0], ResourceId="/vm/a", x_SkuDetails=details(UsageType="ComputeHR_SW")
        ),
    )
    (made,) = bring_in(path)
    assert "no_instances" not in {finding["code"] for finding in made.findings}
    items = selectors.active_imports(ALL)
    start, end = datetime(2026, 5, 4), datetime(2026, 5, 5)
    pools = selectors.pool_hours(ALL, items, start=start, end=end)
    assert pools is not None
    assert [list(pools.instance_type), list(pools.platform)] == [["Standard_D4s_v3"] * 2, ["Linux/UNIX"] * 2]
    assert [list(pools.on_demand_hours), [round(cost, 10) for cost in pools.on_demand_cost]] == [[1, 1], [0.2, 0.22]]
    assert selectors.instance_usage(ALL, items) == ()  # coverage is told in normalized units, which they have none of
    assert made.billed_cost == Decimal("0.47")
    assert Resource.objects.get(resource_id="/vm/a").instance_type == "Standard_D4s_v3"
