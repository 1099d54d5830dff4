"""The company of the first report: its instances by group, its headline, and what its choices are really worth."""

import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command

from ri import rate_card
from ri.advice import Advice, advise_group
from ri.screen import Candidate, screened, uptime_of
from ri.usage import Pool
from tests.costs.bills import bring_in
from tests.costs.test_inventory import COMPUTE, DAY
from tests.ri.builders import ASSUMED, limits

D = Decimal
# type → region → (running, of them with a CPU above 60 %, to reserve)
GROUPS: dict[str, dict[str, tuple[int, int, int]]] = {
    "c5.xlarge": {"ap-south-1": (3, 0, 2), "eu-west-1": (2, 1, 1), "us-east-1": (9, 1, 6), "us-west-2": (8, 4, 6)},
    "m5.large": {"ap-south-1": (4, 1, 3), "eu-west-1": (3, 2, 2), "us-east-1": (3, 2, 2), "us-west-2": (4, 2, 3)},
    "r5.large": {"ap-south-1": (4, 3, 3), "eu-west-1": (4, 1, 3), "us-east-1": (6, 3, 4), "us-west-2": (2, 1, 1)},
    "t3.micro": {"ap-south-1": (4, 1, 3), "eu-west-1": (3, 1, 2), "us-east-1": (2, 1, 1), "us-west-2": (2, 1, 1)},
    "t3.small": {"ap-south-1": (7, 3, 5), "eu-west-1": (5, 1, 4), "us-east-1": (5, 1, 4), "us-west-2": (2, 1, 1)},
}
QUANTITIES = {
    (region, kind): quantity for kind, regions in GROUPS.items() for region, (_, _, quantity) in regions.items()
}
STATES = (("stopped", 25), ("terminated", 13))


def instances() -> list[tuple[str, str, str, int]]:
    """(type, region, state, CPU) of all 120."""
    found = [
        (kind, region, "running", 75 if at < busy else 30)
        for kind, regions in GROUPS.items()
        for region, (running, busy, _) in regions.items()
        for at in range(running)
    ]
    return [*found, *(("m5.large", "us-east-1", state, 0) for state, count in STATES for _ in range(count))]


def advice(max_payback: str) -> list[Advice]:
    candidates = [
        Candidate(
            str(at),
            Pool(region, kind),
            state,
            cpu,
            uptime_of([(DAY, state)], cpu_pct=float(cpu), assumptions=ASSUMED),
        )
        for at, (kind, region, state, cpu) in enumerate(instances())
    ]
    asked = limits(max_payback=max_payback)
    found = [advise_group(group, rate_card.offers(), asked, days=1) for group in screened(candidates, asked)]
    return [each for each in found if isinstance(each, Advice)]


def test_the_report_s_headline_counts_used_hours_of_years_of_360_days() -> None:
    """Quantity × on-demand rate × mean uptime × 12 × 720 h × discount, as the report multiplied."""
    headline = sum(
        each.quantity * each.offer.on_demand_hourly * each.steadiness * 12 * 720 * each.offer.discount
        for each in advice("18")
    )
    assert round(headline, 2) == D("27329.20")


def test_its_choices_are_worth_less_since_unused_hours_are_paid_too() -> None:
    found = advice("18")
    assert len(found) == 20
    # The same sum over 365 days: 27,329.20 × 8,760 ÷ 8,640.
    assert round(sum(each.result.gross for each in found), 6) == D("27708.770555")
    assert round(sum(each.result.unused for each in found), 6) == D("668.605537")
    assert round(sum(each.result.net for each in found), 6) == D("27040.165018")
    assert round(sum(each.result.upfront for each in found), 5) == D("31254.83028")


def test_without_a_limit_three_years_all_upfront_save_most() -> None:
    found = advice("0")
    assert {(each.offer.term_years, each.offer.payment_option.value) for each in found} == {(3, "all_upfront")}
    assert round(sum(each.result.net for each in found), 6) == D("29111.029018")
    assert round(sum(each.result.upfront for each in found), 5) == D("45565.99848")


@pytest.mark.real_parts
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("more", "net"), [((), "27040.165018"), (("--max-payback", "0"), "29111.029018")])
def test_the_command_gives_them_with_the_conflict_of_rates(tmp_path: Path, more: tuple[str, ...], net: str) -> None:
    path = tmp_path / "compute.csv"
    rates = {0: "0.034", 1: "22.27"}  # 0.2 and 131 times the 0.17 and 0.153 of the card
    rows = [
        f"i-{at},{region},{rates.get(at, '0.17')},Owner=Ann,{kind},{state},{cpu}\n"
        for at, (kind, region, state, cpu) in enumerate(instances())
    ]
    path.write_text(COMPUTE + "".join(rows))
    bring_in(path, snapshot_on=DAY, source="estate")
    out = io.StringIO()
    call_command("recommend", "--source", "estate", "--as-of", DAY.isoformat(), "--json", *more, stdout=out)
    answer = json.loads(out.getvalue())
    found = {(row["region_id"], row["instance_type"]): row["quantity"] for row in answer["recommendations"]}
    assert (answer["as_of"], answer["steady_instances"], found) == (DAY.isoformat(), 82, QUANTITIES)
    assert round(sum(D(row["net_savings_annual"]) for row in answer["recommendations"]), 6) == D(net)
    assert {row["confidence"] for row in answer["recommendations"]} == {"low"}
    assert any("rates stand" in text for text in answer["warnings"])
    assert answer["rejected"] == []
