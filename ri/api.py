"""The API of commitments, for FinOps staff: recommendations, coverage, price books."""

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from costs.api_base import (
    Answer,
    CurrencyText,
    ListView,
    MoneyText,
    PageSerializer,
    Parameters,
    PeriodText,
    RatioNumber,
    api_scope,
    body_of,
    month,
    text,
)
from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.scope import Scope
from ri import selectors, services
from ri.results import CommitmentRow, Run
from ri.terms import Confidence, OfferingClass, PaymentOption

CURRENCY = text("currency", "One currency; the main one where not given.", pattern="^[A-Za-z]{3}$")


def share_field(text: str) -> serializers.DecimalField:
    """A ratio that comes in, 1 is all."""
    return serializers.DecimalField(
        required=False, max_digits=11, decimal_places=10, min_value=0, max_value=1, help_text=text
    )


class StaffOnly:
    """Endpoints that do not exist for anybody but FinOps staff."""

    staff_only: ClassVar[bool] = True
    section: ClassVar[str] = "Commitments"


class QuestionSerializer(serializers.Serializer[Any]):
    """What to work advice out for. What is left out comes from the settings."""

    source = serializers.CharField(max_length=80)  # type: ignore[assignment]
    as_of = serializers.DateField(required=False, help_text="Look back from this day; the newest if left out.")
    min_uptime = share_field("Of hours, from which an instance of an inventory is steady.")
    coverage_target = share_field("Of an inventory's steady instances.")
    max_payback_months = serializers.DecimalField(
        required=False, max_digits=7, decimal_places=3, min_value=0, help_text="Of an upfront payment; 0 for no limit."
    )
    price_book = serializers.CharField(required=False, max_length=80)


class RejectedSerializer(serializers.Serializer[Any]):
    """A pool without advice, and why."""

    pool = serializers.CharField(help_text="Region, type or family, platform and tenancy.")
    reason = serializers.CharField()


class RecommendationSerializer(serializers.Serializer[Any]):
    """One recommended purchase. Savings are for a year of 8,760 hours, rates per instance-hour."""

    region_id = serializers.CharField()
    instance_type = serializers.CharField()
    platform = serializers.CharField()
    tenancy = serializers.CharField()
    offering_class = serializers.ChoiceField(choices=[value.value for value in OfferingClass])
    term_years = serializers.IntegerField()
    payment_option = serializers.ChoiceField(choices=[value.value for value in PaymentOption])
    quantity = serializers.IntegerField()
    on_demand_rate = MoneyText()
    effective_rate = MoneyText(help_text="Upfront spread over the term, plus the hourly rate.")
    upfront_cost = MoneyText()
    gross_savings_annual = MoneyText(help_text="On the hours that will be used.")
    unused_cost_annual = MoneyText(help_text="Price of the hours that will not be used.")
    net_savings_annual = MoneyText(help_text="Gross less unused.")
    break_even_utilization = RatioNumber(help_text="Share of hours that must be used.")
    payback_months = RatioNumber(help_text="Upfront ÷ gross saving of a month.")
    expected_utilization = RatioNumber()
    coverage_ratio = RatioNumber(help_text="Of the pool's usage on demand, or of its steady instances.")
    steadiness = RatioNumber(help_text="Share of hours in which all of it is used; mean uptime for an inventory.")
    confidence = serializers.ChoiceField(choices=[value.value for value in Confidence])
    reason = serializers.CharField()
    currency = CurrencyText()


class RecommendationPageSerializer(PageSerializer):
    """The newest advice on a source."""

    source_name = serializers.CharField()
    as_of = serializers.DateField()
    data_through = serializers.DateField(help_text="The last day looked at.")
    made_at = serializers.DateTimeField()
    lookback_days = serializers.IntegerField()
    price_book = serializers.CharField()
    currency = CurrencyText()
    steady_instances = serializers.IntegerField()
    warnings = serializers.ListField(child=serializers.CharField(), help_text="Where own rates and prices disagree.")
    rejected = RejectedSerializer(many=True)
    results = RecommendationSerializer(many=True)


class CommitmentSerializer(serializers.Serializer[Any]):
    """One reservation or plan in a month."""

    commitment_id = serializers.CharField(help_text="As the bill has it; empty where the bill does not say.")
    kind = serializers.ChoiceField(choices=["reservation", "savings_plan"])
    sub_account_id = serializers.CharField()
    region_id = serializers.CharField()
    instance_type = serializers.CharField()
    platform = serializers.CharField()
    utilization_ratio = RatioNumber(source="utilization")
    commitment_cost = MoneyText(source="total_cost", help_text="Of the month, used or not.")
    unused_cost = MoneyText()
    on_demand_value = MoneyText(help_text="What its covered usage would have cost on demand.")
    net_savings = MoneyText()
    ends_on = serializers.DateField(allow_null=True)
    basis = serializers.CharField()
    currency = CurrencyText()


class CoveragePageSerializer(PageSerializer):
    """A month's coverage and utilisation."""

    billing_period = PeriodText(source="period")
    basis = serializers.CharField()
    currency = CurrencyText()
    other_currencies = serializers.ListField(child=serializers.CharField())
    coverage_ratio = RatioNumber(source="coverage_units", help_text="Of normalized units.")
    coverage_ratio_hours = RatioNumber(source="coverage_hours")
    coverage_ratio_cost = RatioNumber(source="coverage_cost", help_text="At list price.")
    coverage_target = RatioNumber()
    utilization_ratio = RatioNumber(source="utilization", help_text="By cost.")
    utilization_target = RatioNumber()
    effective_savings_rate = RatioNumber()
    unused_cost = MoneyText()
    commitment_cost = MoneyText(source="total_cost")
    last_usage_on = serializers.DateField(allow_null=True)
    results = CommitmentSerializer(many=True)


class BookSerializer(serializers.Serializer[Any]):
    """A list of reservation prices."""

    name = serializers.CharField()
    note = serializers.CharField()
    is_built_in = serializers.BooleanField()
    currency = CurrencyText()
    offers = serializers.IntegerField()
    updated_at = serializers.DateTimeField()


class BookPageSerializer(PageSerializer):
    """Price books by name."""

    results = BookSerializer(many=True)


class RecommendationList(StaffOnly, ListView):
    """What to commit to: the newest advice on a source, the largest net saving first, with the pools that get none
    and why. FinOps staff only.
    """

    operation, title = "recommendations", "Recommended commitments"
    parser_classes = (JSONParser,)
    serializer_class = RecommendationPageSerializer
    parameters = (
        text("source", "Name of the source; where not given, the one of the newest month, a bill before an inventory."),
    )

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        run = selectors.latest_run(scope, parameters.one("source"))
        if run is None:
            raise NotFoundInScopeError("There is no advice yet. Run `recommend`, or use the page Commitments.")
        return advice_answer(run)

    @extend_schema(
        operation_id="recommend",
        summary="Work advice out again",
        description="Works out what to commit to for a source and keeps the answer, in place of the same question's "
        "earlier one. The answer is the whole list. FinOps staff only.",
        request=QuestionSerializer,
        responses={201: RecommendationPageSerializer},
    )
    def post(self, request: Request) -> Response:
        asked = body_of(request, QuestionSerializer)
        source, as_of = asked.pop("source"), asked.pop("as_of", None)
        pk = services.recommend(source, as_of=as_of, choices=services.Choices(**asked))
        answer = advice_answer(selectors.run_by_pk(api_scope(request), pk))
        rows = [{**row, **answer.beside} for row in sorted(answer.rows, key=answer.order)]
        page = {**answer.head, "next": None, "previous": None, "results": rows}
        return Response(RecommendationPageSerializer(page).data, status=status.HTTP_201_CREATED)


class CoverageList(StaffOnly, ListView):
    """Coverage, utilisation and effective savings rate of a month, with every reservation and plan; what leaves most
    unused first. FinOps staff only.
    """

    operation, title = "commitment_coverage", "Coverage and utilisation"
    serializer_class = CoveragePageSerializer
    parameters = (month("period", "The month, YYYY-MM; the newest full one where not given."), CURRENCY)

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        period = parameters.period("period") or selectors.default_period(scope)
        if period is None:
            raise NotFoundInScopeError("There are no costs yet.")
        try:
            found = selectors.coverage(scope, period, currency=parameters.currency())
        except InvalidRequestError as error:
            raise NotFoundInScopeError(str(error)) from error
        beside = {"basis": "effective", "currency": found.currency}
        return Answer({**vars(found), **beside}, found.commitments, commitment_order, beside)


class PriceFileSerializer(serializers.Serializer[Any]):
    """A price book as a file."""

    file = serializers.FileField(max_length=255, error_messages={"empty": "The file is empty. Export it again."})
    name = serializers.CharField(required=False, max_length=80, help_text="Of the book; the file's if left out.")


class ReadBookSerializer(BookSerializer):
    """What a file became."""

    is_changed = serializers.BooleanField(help_text="False where the book holds this very file already.")
    replaced_offers = serializers.IntegerField(allow_null=True, help_text="Offers it held before; null for a new book.")
    advice_on = serializers.ListField(
        child=serializers.CharField(), help_text="Sources whose advice was worked out again with it."
    )


class PriceBookList(StaffOnly, ListView):
    """Price books that advice can be worked out with. FinOps staff only."""

    operation, title = "price_books", "Price books"
    serializer_class = BookPageSerializer
    parser_classes = (MultiPartParser,)

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        del parameters
        return Answer({}, [vars(book) for book in selectors.book_rows(scope)], book_order)

    @extend_schema(
        operation_id="price_book_read",
        summary="Read a price book",
        description="Reads a CSV (columns as in the docs) instead of what the book of that name held, and works advice "
        "that rests on it out again. A file that cannot be read is refused with file, line, column and cure, and "
        "nothing changes. FinOps staff only.",
        request={"multipart/form-data": PriceFileSerializer},
        responses={201: ReadBookSerializer},
    )
    def post(self, request: Request) -> Response:
        fields = body_of(request, PriceFileSerializer)
        file = fields["file"]
        book = services.import_uploaded_prices(file.name, file.chunks(), name=fields.get("name", ""))
        done = services.reprice(book.name).sources if book.is_changed else ()
        row = vars(selectors.book_row(api_scope(request), book.name))
        outcome = {"is_changed": book.is_changed, "replaced_offers": book.replaced, "advice_on": done}
        return Response(ReadBookSerializer(row | outcome).data, status=status.HTTP_201_CREATED)


def advice_answer(run: Run) -> Answer:
    """A run as the endpoint answers it."""
    rejected = [{"pool": row.pool.label, "reason": row.reason} for row in run.rejected]
    rows: list[Mapping[str, Any]] = [vars(row) | {"confidence": row.confidence.value} for row in run.recommendations]
    head = {**vars(run), "data_through": run.data_through, "rejected": rejected}
    return Answer(head, rows, recommendation_order, {"currency": run.currency})


def recommendation_order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("region_id", "instance_type", "platform", "tenancy")
    return (-row["net_savings_annual"], *(row[name] for name in names))


def commitment_order(row: CommitmentRow) -> tuple[Any, ...]:
    return (-row.unused_cost, row.source_name, row.commitment_id, row.kind)


def book_order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["name"],)
