"""The burn-down chart: what is known, what is expected, and the plan; as drawing and as table."""

from datetime import date
from decimal import Decimal

from budgets.burn_down import burn_chart
from budgets.evaluation import RunsOut
from budgets.forecast import History, make_forecast
from budgets.results import Measured
from budgets.spans import BudgetPeriod
from budgets.terms import Cadence
from costs.charts import BurnChart, draw, is_empty, table_of

JUNE = BudgetPeriod(date(2026, 6, 1), Cadence.MONTHLY)
DAILY = {date(2026, 6, day): Decimal(10) for day in range(1, 13)}


def chart() -> BurnChart:
    """Twelve days of 10, ten of them complete; 300 expected of a plan of 250."""
    forecast = make_forecast(History(DAILY, {}, JUNE.start, date(2026, 6, 10)), JUNE.range)
    found = Measured(
        period=JUNE,
        plan=Decimal(250),
        actual=Decimal(120),
        forecast=forecast,
        runs_out=RunsOut(None, None, None),
        data_through=date(2026, 6, 12),
        is_stale=False,
        has_costs=True,
        causes=(),
        daily=DAILY,
    )
    return burn_chart(found, currency="USD")


def test_sums_run_as_far_as_usage_is_known_and_the_forecast_goes_on_from_there() -> None:
    found = chart()
    assert found.actual[11] == Decimal(120)
    assert found.actual[12] is None
    assert (found.mean[11], found.mean[12]) == (None, Decimal(130))
    assert found.mean[-1] == Decimal(300)


def test_drawing_has_area_band_mean_and_plan_with_their_figures() -> None:
    markup = draw(chart())
    for part in ("line-area", "burn-band", "burn-mean", "burn-plan", "Plan: $250.00", "12 Jun 2026: $120.00"):
        assert part in markup
    assert "30 Jun 2026: $300.00 expected ($300.00 to $300.00)" in markup


def test_table_below_has_a_row_for_each_day() -> None:
    table = table_of(chart())
    assert table.headers == ("Day", "Spent", "Expected", "At least", "At most")
    assert len(table.rows) == 30
    assert table.rows[11] == ("12 Jun 2026", "$120.00", "", "", "")


def test_a_period_without_costs_or_forecast_says_so_instead_of_drawing() -> None:
    nothing = (None,) * 30
    labels = tuple(str(day) for day in range(30))
    assert is_empty(BurnChart("t", labels, nothing, nothing, nothing, nothing, Decimal(5)))
