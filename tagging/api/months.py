"""A month by owner, and each team's statement."""

from datetime import date
from typing import Any

from rest_framework import serializers

from costs.api_base import Answer, MoneyText, PageSerializer, Parameters, text
from costs.periods import DateRange
from costs.queries import TAG_PREFIX
from costs.scope import Scope
from tagging import results, selectors
from tagging.api.base import (
    CHARGED_MONTH,
    CURRENCY_STATES,
    VERSION,
    MonthSerializer,
    OwnershipList,
    RowSerializer,
    by_dimension,
    month_of,
)
from tagging.selectors.closed_currencies import month_currencies
from tagging.selectors.suggested import mark_owners, mark_statement
from tagging.selectors.versions import parse_version

CHARGEBACK_BY = ("team", "cost_center", "project", "owner", "environment", "account", "service")
STAFF_FIGURE = "FinOps staff only; null for everybody else."
STAFF_TEXT = "FinOps staff only; empty for everybody else."


class PartsSerializer(RowSerializer):
    """total = direct + shared + adjustment."""

    direct_cost = MoneyText()
    shared_cost = MoneyText()
    adjustment_cost = MoneyText()
    total_cost = MoneyText()
    previous_total_cost = MoneyText(
        help_text="From `previous_from` to `previous_to`: the month before, up to the same day while this is not full."
    )


class ComparedSerializer(serializers.Serializer[Any]):
    """Which days previous costs and changes are against."""

    previous_from = serializers.DateField(allow_null=True, help_text="Null where the month before has no costs.")
    previous_to = serializers.DateField(allow_null=True, help_text="Inclusive. Null like `previous_from`.")


def compared_days(compared: DateRange | None) -> dict[str, date | None]:
    """What ComparedSerializer takes."""
    return {
        "previous_from": compared.start if compared else None,
        "previous_to": compared.last if compared else None,
    }


class CloseInfoSerializer(serializers.Serializer[Any]):
    """Where the month stands. For teams carried in and pending are their own, and of the bill nothing is said."""

    state = serializers.CharField(
        source="close.state", help_text="open, closed, final; reopened of a version that counts no more."
    )
    version = serializers.IntegerField(source="close.version", help_text="0 while the month is open.")
    bill_version = serializers.CharField(source="close.bill_version", help_text=STAFF_TEXT)
    carried_in = MoneyText(source="close.carried_in", help_text="Adjustments of earlier months.")
    pending_adjustment = MoneyText(
        source="close.pending_adjustment", help_text="What the bill changed since the close and no month carries yet."
    )
    charged_basis = serializers.CharField(
        source="close.basis",
        help_text="What the month was closed on; empty while it is open. On another basis nothing was charged:"
        " figures have no number and no booked cents.",
    )
    hash = serializers.CharField(source="close.hash", help_text="SHA-256 over the lines; for teams of one statement.")
    currency_states = serializers.DictField(child=serializers.CharField(), help_text=CURRENCY_STATES)


def states_beside(
    scope: Scope, month: results.Chargeback | results.StatementList | results.Statement
) -> dict[str, Any]:
    """What CloseInfoSerializer takes besides the month's own close."""
    return {"currency_states": month_currencies(scope, month.period, month.currency).states}


class WholeMonthSerializer(PageSerializer, ComparedSerializer, CloseInfoSerializer, MonthSerializer):
    """Σ rows + unallocated + difference = bill total + carried in."""

    total_cost = MoneyText(help_text="Of all rows, on whatever page.")
    bill_total = MoneyText(allow_null=True, help_text=STAFF_FIGURE)
    unallocated_cost = MoneyText(allow_null=True, help_text=STAFF_FIGURE)
    difference = MoneyText(allow_null=True, help_text=STAFF_FIGURE)
    pools_cost = MoneyText(
        allow_null=True, help_text=f"What stays in shared pools, which are rows too. By team only. {STAFF_FIGURE}"
    )


OWNER_KIND = "team, cost_center or pool. A pool shows its direct costs and, as shared cost below zero, what left it."


class ChargebackRowSerializer(PartsSerializer):
    """One owner's month."""

    key = serializers.CharField(help_text="As a filter takes it.")
    owner_kind = serializers.CharField(allow_null=True, help_text=f"By team: {OWNER_KIND} Else null.")
    owner = serializers.CharField()
    label = serializers.CharField(  # type: ignore[assignment]
        help_text="The owner for people: an account with its name."
    )
    suggested_cost = MoneyText(
        help_text="Direct cost of resources that an accepted suggestion puts there; the provider knows no such tag."
    )


class ChargebackPageSerializer(WholeMonthSerializer):
    """A month by owner."""

    by = serializers.CharField()
    missing_cost = MoneyText(help_text="Costs you may see that have no value for `by`. They are no row.")
    missing_shared_cost = MoneyText(help_text="Of `missing_cost`: parts of pools, less what left pools.")
    missing_adjustment_cost = MoneyText(
        help_text="Of `missing_cost`: corrections of earlier months. The rest is direct."
    )
    previous_missing_cost = MoneyText(help_text="The same as `missing_cost`, from `previous_from` to `previous_to`.")
    results = ChargebackRowSerializer(many=True)


class ChargebackList(OwnershipList):
    """A month's costs by team, cost centre, project, owner, environment, account, service or any tag. Costs
    without the key are no row but `missing_cost`. Largest first; owners who only had costs before come too.
    """

    operation, title, section = "chargeback", "A month by owner", "Chargeback"
    serializer_class = ChargebackPageSerializer
    parameters = (
        *CHARGED_MONTH,
        text(
            "by",
            f"What to group by: {', '.join(CHARGEBACK_BY)} or `tag:KEY`, KEY without regard to case.",
            pattern=f"^({'|'.join(CHARGEBACK_BY)}|{TAG_PREFIX}.+)$",
            default="team",
        ),
    )

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        asked = month_of(scope, parameters, as_charged=True)
        by = by_dimension(parameters, "team")
        month = selectors.chargeback(scope, asked.period, by=by, metric=asked.metric, currency=asked.currency)
        month = mark_owners(scope, month)
        beside = {"basis": asked.metric.value, "currency": month.currency}
        head = {**vars(month), **compared_days(month.compared), **states_beside(scope, month), **beside}
        return Answer(head, month.rows, lambda row: (-row.total_cost, row.key), beside)


class StatementRowSerializer(PartsSerializer):
    """A team's month in one line."""

    team_key = serializers.CharField()
    owner_kind = serializers.CharField(help_text=OWNER_KIND)
    team_name = serializers.CharField()
    cost_center = serializers.CharField()
    change = MoneyText(help_text="Against `previous_total_cost`.")
    state = serializers.CharField(help_text="`draft` until the month is closed, then closed or final.")


class StatementPageSerializer(WholeMonthSerializer):
    """Every team's month."""

    unallocated_previous_cost = MoneyText(allow_null=True, help_text=STAFF_FIGURE)
    results = StatementRowSerializer(many=True)


class StatementList(OwnershipList):
    """One statement for each team you may see that has costs in the month. Largest change first, either way."""

    operation, title, section = "statements", "Statements of a month", "Chargeback"
    serializer_class = StatementPageSerializer
    parameters = CHARGED_MONTH

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        asked = month_of(scope, parameters, as_charged=True)
        month = selectors.statements(scope, asked.period, metric=asked.metric, currency=asked.currency)
        beside = {"basis": asked.metric.value, "currency": month.currency}
        head = {**vars(month), **compared_days(month.compared), **states_beside(scope, month), **beside}
        return Answer(head, month.rows, lambda row: (-abs(row.change), row.team_key), beside)


class StatementLineSerializer(RowSerializer):
    """Costs in one service, account and charge category; of closed months shares of pools and corrections too."""

    kind = serializers.CharField(help_text="direct, shared or adjustment.")
    pool_name = serializers.CharField()
    origin = serializers.CharField(help_text="Of an adjustment: the month and version it corrects.")
    ref = serializers.CharField(help_text="Names a line of a closed month, to dispute it.")
    service_name = serializers.CharField()
    sub_account_id = serializers.CharField()
    sub_account_name = serializers.CharField()
    charge_category = serializers.CharField()
    cost = MoneyText()
    suggested_cost = MoneyText(
        allow_null=True,
        help_text="Of direct costs: what accepted suggestions put there, not tags of the bill. Null of shares and"
        " corrections, and where a month was closed before it was kept.",
    )


class OwnShareSerializer(serializers.Serializer[Any]):
    """Your part of one shared pool, or of what commitments save."""

    pool_key = serializers.CharField()
    pool_name = serializers.CharField()
    method = serializers.CharField()
    cost = MoneyText()


class BothPricesSerializer(serializers.Serializer[Any]):
    """Usage under commitments at both prices."""

    effective_cost = MoneyText()
    list_cost = MoneyText()


class StatementSerializer(PageSerializer, ComparedSerializer, CloseInfoSerializer, MonthSerializer):
    """A team's month with its lines; Σ lines = direct cost, of a closed month total cost; Σ shares = shared cost."""

    number = serializers.CharField(source="close.number", help_text="Empty until the month is final.")
    reopened_at = serializers.DateTimeField(
        source="close.reopened_at", allow_null=True, help_text="When this version was reopened; null of what counts."
    )
    replaced_by = serializers.IntegerField(
        source="close.replaced_by", help_text="The next version of this statement; 0 for none."
    )

    previous_version = serializers.IntegerField(
        source="compared_version",
        allow_null=True,
        help_text="Of a version that counts no more: the version of the month before that had been closed by then,"
        " which previous costs are of; 0 where none had: as it is today. Else null.",
    )
    summary = StatementRowSerializer()
    booked = MoneyText(
        allow_null=True, help_text="The total in cents, as the document books it; null while the month is open."
    )
    suggested_cost = MoneyText(
        allow_null=True,
        help_text="Of the direct cost: what accepted suggestions put there, not tags of the bill; Σ of the lines' own."
        " Null where a month was closed before it was kept.",
    )
    suggested_booked = MoneyText(allow_null=True, help_text="The same in the document's cents.")
    shares = OwnShareSerializer(many=True)
    prices = BothPricesSerializer(allow_null=True, help_text="Null where no usage is under commitments.")
    results = StatementLineSerializer(many=True)


class StatementDetail(OwnershipList):
    """One team's statement with its lines, largest first. 404 for a team you may not see and for none, and for a
    version without a statement of the team.
    """

    operation, title, section = "statement", "One team's statement", "Chargeback"
    serializer_class = StatementSerializer
    parameters = (*CHARGED_MONTH, VERSION)

    def answer(self, scope: Scope, parameters: Parameters, **kwargs: Any) -> Answer:
        version = parameters.read("version", parse_version, None)
        asked = month_of(scope, parameters, as_charged=True, version=version)
        found = selectors.statement(
            scope,
            asked.period,
            kwargs["team_key"],
            metric=asked.metric,
            currency=asked.currency,
            version=version,
        )
        found = mark_statement(scope, found)
        beside = {"basis": asked.metric.value, "currency": found.currency}
        days = compared_days(found.compared) | states_beside(scope, found)
        head = {**vars(found), **days, "summary": {**vars(found.summary), **beside}, **beside}
        return Answer(
            head,
            found.lines,
            lambda line: (-line.cost, line.service_name, line.sub_account_id, line.charge_category, line.ref),
            beside,
        )
