"""The API of accounts and resources, for FinOps staff."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from rest_framework import serializers

from costs import selectors as intake
from costs.api_base import (
    Answer,
    CurrencyText,
    DocumentView,
    ListView,
    MoneyText,
    Page,
    PageSerializer,
    PairsField,
    Parameters,
    PeriodText,
    RatioNumber,
    choice,
    cursor_at,
    place_of,
    text,
)
from costs.api_base import month as month_parameter
from costs.errors import InvalidRequestError
from costs.pages import current_moment
from costs.periods import BillingPeriod
from costs.queries import parse_metric
from costs.scope import Scope
from costs.selectors import AccountDetail, FoundResources, ResourceDetail, ResourceLine, ResourceQuestion
from costs.terms import COST_COLUMNS, CostMetric
from tagging import selectors as ownership

LAST_KEY = 2**63 - 1
LARGEST = Decimal(900_000_000)
BASIS = choice("basis", CostMetric, "The cost basis.", default=CostMetric.BILLED.value)
CURRENCY = text("currency", "A currency code; the main one if left out.", pattern="^[A-Za-z]{3}$")
MONTH = (month_parameter("period", "The month; the newest if left out."), BASIS, CURRENCY)


class StretchSerializer(serializers.Serializer[Any]):
    """The days on which something was called so, as far as bills tell."""

    name = serializers.CharField(source="text")
    first_seen_on = serializers.DateField(source="first_on")
    last_seen_on = serializers.DateField(source="last_on")


class AccountRowSerializer(serializers.Serializer[Any]):
    """An account and its month."""

    account_id = serializers.CharField(help_text="Empty for costs that name no account.")
    name = serializers.CharField(help_text="What staff call it, else what bills do.")
    bill_name = serializers.CharField()
    payer_id = serializers.CharField()
    first_seen_on = serializers.DateField(allow_null=True)
    last_seen_on = serializers.DateField(allow_null=True)
    cost = MoneyText()
    previous_cost = MoneyText(help_text="The month before.")
    basis = serializers.CharField()
    currency = CurrencyText()


class AccountPageSerializer(PageSerializer):
    """Accounts, dearest first."""

    billing_period = PeriodText(source="period")
    total = MoneyText(help_text="What the month's bills come to.")
    results = AccountRowSerializer(many=True)


class AccountMonthSerializer(serializers.Serializer[Any]):
    billing_period = PeriodText()
    service_name = serializers.CharField()
    cost = MoneyText()


class AccountSerializer(serializers.Serializer[Any]):
    """One account over all months in force."""

    account_id = serializers.CharField()
    name = serializers.CharField()
    bill_name = serializers.CharField()
    display_name = serializers.CharField(help_text="Given by staff; empty where bills' names are shown.")
    names = StretchSerializer(many=True)
    payers = StretchSerializer(many=True)
    first_seen_on = serializers.DateField(allow_null=True)
    last_seen_on = serializers.DateField(allow_null=True)
    basis = serializers.CharField()
    currency = CurrencyText()
    months = AccountMonthSerializer(many=True)


class EstateResourceRowSerializer(serializers.Serializer[Any]):
    """A resource as last seen, and its month."""

    key = serializers.CharField(help_text="Ours; a hash of account and id.")
    resource_id = serializers.CharField()
    name = serializers.CharField()
    sub_account_id = serializers.CharField()
    sub_account_name = serializers.CharField()
    service_name = serializers.CharField()
    region_id = serializers.CharField()
    resource_type = serializers.CharField()
    instance_type = serializers.CharField()
    state = serializers.CharField(help_text="Of the newest inventory; empty where none has it.")
    state_on = serializers.DateField(allow_null=True)
    first_seen_on = serializers.DateField(allow_null=True)
    last_seen_on = serializers.DateField(allow_null=True)
    tags = PairsField()
    cost = MoneyText(allow_null=True, help_text="Null where the month has none.")
    basis = serializers.CharField()
    currency = CurrencyText()


class EstateResourcePageSerializer(PageSerializer):
    """Resources in order of their keys."""

    billing_period = PeriodText(source="period")
    count = serializers.IntegerField(help_text="Over all pages.")
    total = MoneyText(help_text="Over all pages.")
    results = EstateResourceRowSerializer(many=True)


class ResourceMonthSerializer(serializers.Serializer[Any]):
    """A month's cost on every basis."""

    billing_period = PeriodText(source="period")
    currency = CurrencyText()
    hours = serializers.FloatField(help_text="Billed as an instance.")

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | {name: MoneyText(source=f"costs.{name}") for name in COST_COLUMNS}


class TagSpanSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    value = serializers.CharField()
    first_seen_on = serializers.DateField(source="first_on")
    last_seen_on = serializers.DateField(source="last_on")
    is_now = serializers.BooleanField()


class StateSpanSerializer(serializers.Serializer[Any]):
    state = serializers.CharField()
    first_seen_on = serializers.DateField(source="first_on")
    last_seen_on = serializers.DateField(source="last_on")
    snapshots = serializers.IntegerField()


class LinkedSerializer(serializers.Serializer[Any]):
    resource_id = serializers.CharField()
    what = serializers.CharField()
    cost = MoneyText(allow_null=True)


class EstateResourceSerializer(serializers.Serializer[Any]):
    """One resource over time."""

    key = serializers.CharField()
    resource_id = serializers.CharField()
    name = serializers.CharField()
    sub_account_id = serializers.CharField()
    sub_account_name = serializers.CharField()
    service_name = serializers.CharField()
    region_id = serializers.CharField()
    resource_type = serializers.CharField()
    instance_type = serializers.CharField()
    first_seen_on = serializers.DateField(allow_null=True)
    last_seen_on = serializers.DateField(allow_null=True)
    names = StretchSerializer(many=True)
    tags = TagSpanSerializer(many=True, source="tag_spans")
    states = StateSpanSerializer(many=True)
    uptime = RatioNumber(help_text="Share of inventories that found it running.")
    hourly_rate = MoneyText(allow_null=True)
    monthly_rate = MoneyText(allow_null=True)
    rate_currency = serializers.CharField()
    months = ResourceMonthSerializer(many=True)
    linked = LinkedSerializer(many=True, help_text="Attached volumes, containers.")


class StaffOnly:
    """Endpoints that do not exist for anybody but FinOps staff."""

    staff_only: ClassVar[bool] = True
    section: ClassVar[str] = "Estate"


class AccountList(StaffOnly, ListView):
    """Accounts that bills in force name, with a month's cost. FinOps staff only."""

    operation, title = "estate_accounts", "Accounts"
    serializer_class = AccountPageSerializer
    parameters = MONTH

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        period, metric, currency = month_of(scope, parameters)
        found = intake.accounts(scope, period, metric=metric, currency=currency)
        beside = {"basis": metric.value, "currency": currency}
        head = {"period": period, "total": found.total}
        return Answer(head, found.rows, lambda row: (-row.cost, row.account_id), beside)


class AccountOne(StaffOnly, DocumentView):
    """One account: names, payers, cost by month and service. FinOps staff only."""

    operation, title = "estate_account", "One account"
    serializer_class = AccountSerializer
    parameters = (text("id", "The account's id."), BASIS, CURRENCY)

    def document(self, scope: Scope, parameters: Parameters, **kwargs: Any) -> Any:
        del kwargs
        metric = parameters.read("basis", parse_metric, CostMetric.BILLED)
        found: AccountDetail = intake.account(
            scope, parameters.one("id"), metric=metric, currency=parameters.currency()
        )
        months = [{"billing_period": period, "service_name": name, "cost": cost} for period, name, cost in found.months]
        return {**vars(found), "months": months, "basis": metric.value}


@dataclass(frozen=True)
class _Every(Collection[ResourceLine]):
    """All resources found, read as they are taken."""

    found: FoundResources
    scope: Scope

    def __len__(self) -> int:
        return self.found.count

    def __iter__(self) -> Iterator[ResourceLine]:
        return self.found.stream(self.scope, order="key")

    def __contains__(self, row: object) -> bool:
        return any(row == each for each in self)


class ResourceList(StaffOnly, ListView):
    """Resources that bills and inventories know, with a month's cost, in order of their keys. FinOps staff only."""

    operation, title = "estate_resources", "Resources over the estate"
    serializer_class = EstateResourcePageSerializer
    parameters = (
        *MONTH,
        *(text(name, f"Only of this {name}; `(none)` for none.") for name in intake.EXACT),
        text("search", "A part of the id or the name."),
        text("tag_key", "Only with this tag, however it is spelled."),
        text("tag_value", "With tag_key: its value; `(none)` for resources without the tag."),
        choice("tags", ("none",), "none: only without any tag."),
        text("cost_from", "At least this cost in the month."),
        text("cost_to", "At most this cost in the month."),
        text("seen_from", "Seen on this day or later, YYYY-MM-DD."),
        text("seen_to", "Seen on this day or earlier, YYYY-MM-DD."),
        choice("show", ("all",), "all: also those without cost in the month."),
    )

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        question = question_of(scope, parameters)
        found = intake.found_resources(scope, question)
        self.found, self.scope = found, scope
        head = {"period": question.period, "count": found.count, "total": found.total}
        beside = {"basis": question.metric.value, "currency": question.currency}
        return Answer(head, (), lambda row: (row.key,), beside)

    def page(self, answer: Answer, parameters: Parameters, size: int, *, whole: bool) -> Page:
        """Cut by the database: there may be a hundred thousand."""
        del answer
        found: FoundResources = self.found
        cursor = parameters.one("cursor")
        if whole and "page_size" not in parameters and not cursor:
            return Page(_Every(found, self.scope))
        side, (key,) = place_of(cursor, int) or ("after", (-1,))
        ask: Callable[..., tuple[Any, ...]] = found.after if side == "after" else found.before
        rows = ask(self.scope, min(int(key), LAST_KEY), limit=size + 1)
        more = len(rows) > size
        rows = rows[:size] if side == "after" else rows[-size:]
        if not rows:
            return Page(())
        has_next = more if side == "after" else True
        has_previous = bool(cursor) if side == "after" else more
        return Page(
            rows,
            cursor_at("after", rows[-1].key) if has_next else "",
            cursor_at("before", rows[0].key) if has_previous else "",
        )


class ResourceOne(StaffOnly, DocumentView):
    """One resource: names, tags and states with their days, cost by month on every basis. FinOps staff only."""

    operation, title = "estate_resource", "One resource"
    serializer_class = EstateResourceSerializer

    def document(self, scope: Scope, parameters: Parameters, **kwargs: Any) -> Any:
        del parameters
        found: ResourceDetail = intake.resource_detail(scope, kwargs["resource_key"])
        return {**vars(found), "uptime": found.uptime}


def month_of(scope: Scope, parameters: Parameters) -> tuple[BillingPeriod, CostMetric, str]:
    """Month, basis and currency asked for; the newest month and its main currency where they are not."""
    newest = intake.latest_period(scope) or BillingPeriod.of(current_moment().date())
    period = parameters.period("period") or newest
    metric = parameters.read("basis", parse_metric, CostMetric.BILLED)
    currencies = ownership.currencies_of(scope, (period,))
    return period, metric, parameters.currency() or next(iter(currencies), "USD")


def question_of(scope: Scope, parameters: Parameters) -> ResourceQuestion:
    """The question of the request."""
    period, metric, currency = month_of(scope, parameters)
    exact: Mapping[str, str] = {name: parameters.one(name) for name in intake.EXACT if name in parameters}
    return ResourceQuestion(
        period=period,
        metric=metric,
        currency=currency,
        exact=exact,
        search=parameters.one("search"),
        tag_key=parameters.one("tag_key"),
        tag_value=parameters.one("tag_value"),
        untagged=parameters.chosen("tags", ("none",), "") == "none",
        cost_from=parameters.read("cost_from", _amount, None),
        cost_to=parameters.read("cost_to", _amount, None),
        seen_from=parameters.read("seen_from", _day, None),
        seen_to=parameters.read("seen_to", _day, None),
        every=parameters.chosen("show", ("all",), "") == "all",
    )


def _amount(value: str) -> Decimal:
    try:
        amount = Decimal(value)
    except InvalidOperation as error:
        raise InvalidRequestError(f"'{value}' is not an amount. Write it like 12.50.") from error
    if not amount.is_finite() or abs(amount) > LARGEST:
        raise InvalidRequestError(f"'{value}' is not an amount up to {LARGEST:,}.")
    return amount


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise InvalidRequestError(f"'{value}' is not a day. Write it like 2026-05-31.") from error
