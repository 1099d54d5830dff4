"""Tables of commitments."""

from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs.money import plain
from costs.tables import (
    BadgeColumn,
    BarColumn,
    DayColumn,
    FinopsTable,
    LinkColumn,
    MoneyColumn,
    NumberColumn,
    PctColumn,
)

NO_WRAP = {"td": {"class": "nowrap"}}
CONFIDENCE_TONES = {"high": "good", "medium": "info", "low": "warn"}


class CurrencyTable(FinopsTable):
    """A table whose money has one currency."""

    def __init__(self, data: Any = None, *, currency: str, **options: Any) -> None:
        super().__init__(data, **options)
        for column in self.columns:
            if isinstance(column.column, MoneyColumn):
                column.column.currency = currency


class RateColumn(MoneyColumn):
    """A rate an hour: four decimals, where cents would hide what tells rates apart."""

    def _figure(self, value: Any, record: Any, cents: Decimal | None) -> SafeString:
        return format_html('<data class="money" value="{}">{}</data>', plain(value), f"{value:.4f}")


def two_lines(purchase: str, kind: str) -> SafeString:
    """What to buy, and of which kind."""
    return format_html('<strong>{}</strong><br><span class="muted small">{}</span>', purchase, kind)


class RecommendationTable(CurrencyTable):
    """One purchase a row; it opens its pool."""

    buy = LinkColumn(verbose_name="Buy", url="url", attrs=NO_WRAP, order_by=("instance_type", "quantity"))
    region_id = tables.Column("Region", visible=False)
    terms = tables.Column("Terms", attrs=NO_WRAP)
    net_savings_annual = MoneyColumn("Saves a year")
    upfront_cost = MoneyColumn("Upfront")
    payback_months = NumberColumn("Payback, mo", places=1)
    worst_case = MoneyColumn("Worst case")
    break_even_utilization = PctColumn("Needs use")
    expected_utilization = PctColumn("Expected")
    coverage_ratio = PctColumn("Coverage", visible=False)
    steadiness = PctColumn("Steadiness", visible=False)
    confidence = BadgeColumn(verbose_name="Confidence", tones=CONFIDENCE_TONES)
    quantity = NumberColumn("Quantity", visible=False)
    platform = tables.Column("Platform", visible=False)
    tenancy = tables.Column("Tenancy", visible=False)
    on_demand_rate = MoneyColumn("On-demand rate", visible=False)
    effective_rate = MoneyColumn("Effective rate", visible=False)
    gross_savings_annual = MoneyColumn("Gross saving a year", visible=False)
    unused_cost_annual = MoneyColumn("Unused hours a year", visible=False)
    reason = tables.Column("Reason", visible=False)

    class Meta:
        empty_text = "No pool is worth a reservation within these limits. Why stands below."

    def render_buy(self, value: str, record: Any) -> SafeString:
        return two_lines(value, record["kind"])


class ReasonTable(CurrencyTable):
    """The same purchases: what each rests on, in figures and in words."""

    buy = LinkColumn(verbose_name="Buy", url="url", attrs=NO_WRAP, order_by=("instance_type", "quantity"))
    on_demand_rate = RateColumn("On demand")
    effective_rate = RateColumn("Effective")
    gross_savings_annual = MoneyColumn("Gross a year")
    unused_cost_annual = MoneyColumn("Unused a year")
    coverage_ratio = PctColumn("Coverage")
    steadiness = PctColumn("Steadiness")
    reason = tables.Column("Reason", attrs={"td": {"class": "wrap"}}, orderable=False)

    def render_buy(self, value: str, record: Any) -> SafeString:
        return two_lines(value, record["kind"])


class RejectedTable(FinopsTable):
    """Pools without advice, and why."""

    pool = LinkColumn(verbose_name="Pool", url="url")
    region_id = tables.Column("Region")
    kind = tables.Column("Platform, tenancy")
    reason = tables.Column("Why not", attrs={"td": {"class": "wrap"}}, orderable=False)

    class Meta:
        empty_text = "Every pool has advice."


class CommitmentTable(CurrencyTable):
    """One reservation or plan a row, what is wasted most first."""

    name = tables.Column("Commitment", attrs=NO_WRAP)
    region_id = tables.Column("Region", attrs=NO_WRAP)
    utilization = BarColumn("Used", tone=lambda row: row["tone"])
    total_cost = MoneyColumn("Cost of the month")
    unused_cost = MoneyColumn("Unused", lines="unused_lines_url")
    net_savings = MoneyColumn("Net saving")
    ends_on = DayColumn(verbose_name="Ends")
    purchased_hours = NumberColumn("Hours bought", visible=False)
    used_hours = NumberColumn("Hours used", visible=False)
    commitment_id = tables.Column("Id", visible=False)

    class Meta:
        empty_text = "No reservation or plan has a fee in this month's bill."

    def render_name(self, value: str, record: Any) -> SafeString:
        return format_html('{}<br><span class="muted mono">{}</span>', value, record["short_id"])


class OptionTable(CurrencyTable):
    """Other ways to buy for one pool, each at its own best quantity."""

    name = tables.Column("Terms", attrs=NO_WRAP)
    quantity = NumberColumn("Quantity")
    net_savings_annual = MoneyColumn("Net saving a year")
    upfront_cost = MoneyColumn("Upfront")
    payback_months = NumberColumn("Payback, mo", places=1)
    break_even_utilization = PctColumn("Needs use")
    term_break_even_months = NumberColumn("Earned after, mo", places=1)
    effective_rate = RateColumn("Hourly rate")


class InstanceTable(CurrencyTable):
    """Instances of a screened pool."""

    resource_id = tables.Column("Instance", attrs={"td": {"class": "mono"}})
    state = tables.Column("State")
    uptime = PctColumn("Uptime")
    basis = tables.Column("Uptime is")
    is_steady = tables.BooleanColumn(verbose_name="Steady", yesno="yes,no")
    cpu_pct = NumberColumn("CPU, %", places=1)
    hourly_rate = RateColumn("Own rate an hour")

    def render_is_steady(self, value: bool) -> str:  # noqa: FBT001 - the table's own call
        return "Steady" if value else "No"


class BookTable(FinopsTable):
    """One price book a row; it opens its offers."""

    name = LinkColumn(verbose_name="Price book", url="url", attrs=NO_WRAP)
    kind = BadgeColumn(verbose_name="Kind", tones={"representative": "warn", "own": "good"})
    offers = NumberColumn("Offers")
    currency = tables.Column("Currency")
    updated_on = DayColumn(verbose_name="Updated")
    used_for = tables.Column("Advice priced with it", attrs={"td": {"class": "wrap"}})
    note = tables.Column("Note", attrs={"td": {"class": "wrap"}})
    updated_at = tables.Column("Updated at", visible=False)

    class Meta:
        order_by = ()


class OfferTable(CurrencyTable):
    """Offers of a book, with what they come to an hour and save against on demand."""

    instance_type = tables.Column("Type", attrs=NO_WRAP)
    region_id = tables.Column("Region", attrs=NO_WRAP)
    platform = tables.Column("Platform")
    tenancy = tables.Column("Tenancy", visible=False)
    terms = tables.Column("Terms", attrs=NO_WRAP)
    on_demand_hourly = RateColumn("On demand")
    upfront = MoneyColumn("Upfront")
    hourly = RateColumn("Hourly")
    effective_rate = RateColumn("Effective")
    discount = PctColumn("Saves")

    class Meta:
        empty_text = "No offer of this book fits. Widen the filters."
