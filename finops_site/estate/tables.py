"""Tables of accounts and resources."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import django_tables2 as tables
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs import figures
from costs.selectors import AccountRow, AccountTable, FoundResources
from costs.tables import DayColumn, FinopsTable, MoneyColumn, money_total
from tagging.templatetags.resources import short_id

SMALL = {"td": {"class": "small"}}


def account_url(account_id: str, more: str = "") -> str:
    """The page of an account, whatever its id is made of."""
    query = urlencode({"id": account_id})
    return f"{reverse('estate:account')}?{query}{'&' if more else ''}{more}"


def _total(table: Any) -> SafeString:
    return money_total(table.found.total, table.found.currency, table.lines_of(None))


class AccountsTable(FinopsTable):
    """Accounts with their month."""

    account_id = tables.Column("Account", order_by=("name", "account_id"), footer="Total")
    payer_id = tables.Column("Payer", order_by=("payer_name", "payer_id"), attrs=SMALL)
    first_seen_on = DayColumn("First seen")
    last_seen_on = DayColumn("Last seen")
    cost = MoneyColumn("Cost", footer=_total)
    change = MoneyColumn("Against the month before", signed=True)

    def __init__(
        self, found: AccountTable, *, month_params: str, lines_of: Callable[[str | None], str], **options: Any
    ) -> None:
        self.found, self.month_params, self.lines_of = found, month_params, lines_of
        super().__init__(found.rows, **options)
        for name in ("cost", "change"):
            self.columns[name].column.currency = found.currency
        self.columns["cost"].column.lines = lambda row: lines_of(row.account_id)

    def render_account_id(self, record: AccountRow) -> SafeString | str:
        if not record.account_id:
            return "No account"
        url = account_url(record.account_id, self.month_params)
        if not record.name:
            return format_html('<a href="{}">{}</a>', url, record.account_id)
        return format_html(
            '<a href="{}">{}</a><br><small class="muted mono">{}</small>', url, record.name, record.account_id
        )

    def render_payer_id(self, value: str, record: AccountRow) -> SafeString | str:
        if not record.payer_name:
            return value
        return format_html('{}<br><small class="muted mono">{}</small>', record.payer_name, value)


class EstateTable(FinopsTable):
    """Resources: the database sorts and cuts them, so rows are dicts of `found.rows`."""

    resource_id = tables.Column("Resource", order_by=("name", "resource_id", "key"), footer="Total")
    account = tables.Column("Account", accessor="sub_account_id", order_by=("sub_account_id", "key"), attrs=SMALL)
    service_name = tables.Column("Service", order_by=("service_name", "key"), attrs=SMALL)
    resource_type = tables.Column("Type", order_by=("resource_type", "key"), attrs=SMALL)
    state = tables.Column("State", order_by=("state", "key"), attrs=SMALL)
    last_seen_on = DayColumn("Last seen", order_by=("last_seen_on", "key"))
    cost = MoneyColumn("Cost", order_by=("cost", "key"), footer=lambda table: table.total_text)

    def __init__(
        self,
        found: FoundResources,
        *,
        names: Mapping[str, str],
        month_params: str,
        lines_of: Callable[[dict[str, Any]], str],
        **options: Any,
    ) -> None:
        self.names, self.month_params = names, month_params
        self.found_count = found.count
        self.total_text = figures.money(found.total, found.question.currency)
        super().__init__(found.rows, **options)
        self.columns["cost"].column.currency = found.question.currency
        self.columns["cost"].column.lines = lines_of

    def _configure(self, request: HttpRequest, per_page: int) -> None:
        self.data._length = self.found_count  # counted already, and counting a hundred thousand takes its time
        super()._configure(request, per_page)

    def render_resource_id(self, value: str, record: dict[str, Any]) -> SafeString:
        url = f"{reverse('estate:resource', args=[record['key']])}?{self.month_params}"
        if not record["name"] or record["name"] == value:
            return format_html(
                '<a class="resource-name resource-id" href="{}" title="{}">{}</a>', url, value, short_id(value)
            )
        text = '<a class="resource-name" href="{}">{}</a><span class="muted small resource-id" title="{}">{}</span>'
        return format_html(text, url, record["name"], value, short_id(value))

    def render_account(self, value: str) -> SafeString:
        return format_html('<a href="{}">{}</a>', account_url(value), self.names.get(value, value))

    def render_service_name(self, value: str, record: dict[str, Any]) -> SafeString:
        return format_html('{}<br><span class="muted">{}</span>', value, record["region_id"])

    def render_resource_type(self, value: str, record: dict[str, Any]) -> SafeString:
        return format_html('{}<br><span class="muted">{}</span>', value, record["instance_type"])
