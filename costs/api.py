"""The API of the intake, for FinOps staff: imports with progress and error reports, sources and deliveries."""

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from costs import selectors
from costs.api_base import (
    Answer,
    DocumentView,
    ListView,
    MoneyText,
    PageSerializer,
    Parameters,
    PeriodText,
    ScopedView,
    api_scope,
    choice,
)
from costs.errors import NotFoundInScopeError
from costs.pages import current_moment
from costs.scope import Scope
from costs.selectors import ImportDetail, ImportRow, SourceState
from costs.services import cancel_import
from costs.terms import BillingFormat, CostMetric, DeliveryState, FileState, ImportState, PlaceKind

HISTORY_LIMIT = 100_000
BILLED = {"basis": CostMetric.BILLED.value}


class ImportRowSerializer(serializers.Serializer[Any]):
    """One attempt to bring files in."""

    id = serializers.IntegerField(source="pk")
    source = serializers.CharField(source="source_name")  # type: ignore[assignment]
    billing_format = serializers.ChoiceField(choices=[value.value for value in BillingFormat])
    billing_period = PeriodText(source="period", allow_null=True, help_text="Null until the files are read.")
    snapshot_on = serializers.DateField(allow_null=True, help_text="The day of an inventory.")
    state = serializers.ChoiceField(choices=[value.value for value in ImportState])
    attention = serializers.CharField(help_text="Why somebody should look: empty, failed, no_worker, worker_lost.")
    step = serializers.CharField(help_text="What it is doing, for people.")
    percent = serializers.IntegerField(min_value=0, max_value=100)
    files_done = serializers.IntegerField()
    files_total = serializers.IntegerField()
    file_names = serializers.ListField(child=serializers.CharField())
    rows = serializers.IntegerField(help_text="Lines read.")
    basis = serializers.CharField()
    currency = serializers.CharField(help_text="Empty until the files are read.")
    billed_cost = MoneyText(help_text="Zero until the files are read. Add up only what `counts`.")
    counts = serializers.BooleanField(
        help_text="Whether its cost is in the figures: in force, and no inventory of a month that a bill covers."
    )
    requested_by = serializers.CharField(help_text="Empty for a command.")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    seconds = serializers.FloatField()
    error = serializers.CharField(help_text="Empty unless it was refused or waits to be tried again.")
    attempts = serializers.IntegerField(help_text="Runs in a row that a fault broke off which may pass.")
    retry_at = serializers.DateTimeField(allow_null=True, help_text="When it is tried again after such a fault.")


class ImportPageSerializer(PageSerializer):
    """Imports, newest first."""

    results = ImportRowSerializer(many=True)


class ImportFileSerializer(serializers.Serializer[Any]):
    """One file of an import and how far it is."""

    name = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField()
    state = serializers.CharField(help_text=", ".join(FileState))
    percent = serializers.IntegerField(min_value=0, max_value=100)
    rows = serializers.IntegerField(help_text="Lines, once it is read.")
    error = serializers.CharField(help_text="Why it is not read, or not yet.")
    attempts = serializers.IntegerField(help_text="Times that a fault broke it off which may pass.")
    retry_at = serializers.DateTimeField(allow_null=True, help_text="When it is tried again after such a fault.")


class FindingSerializer(serializers.Serializer[Any]):
    """What did not add up by a hair or was read in a special way; never a reason to refuse."""

    severity = serializers.CharField()
    text = serializers.CharField()
    difference = serializers.CharField()
    lines = serializers.IntegerField(allow_null=True)


class ErrorReportSerializer(serializers.Serializer[Any]):
    """Why an import was refused: what is wrong, where, and the cure."""

    problem = serializers.CharField()
    cure = serializers.CharField()
    file = serializers.CharField(source="file_name")
    line = serializers.IntegerField(allow_null=True, help_text="From 1, the header.")
    column = serializers.CharField(help_text="As it stands in the file.")


class TotalsSerializer(serializers.Serializer[Any]):
    """The file's own total on every basis."""

    billed_cost = MoneyText()
    effective_cost = MoneyText()
    list_cost = MoneyText()
    contracted_cost = MoneyText()
    unblended_cost = MoneyText()


class SwitchedOffSerializer(serializers.Serializer[Any]):
    """A feature the files have no columns for, and what stands in its place."""

    name = serializers.CharField()
    instead = serializers.CharField()


class ImportDetailSerializer(ImportRowSerializer):
    """One import whole."""

    files = ImportFileSerializer(many=True)
    version_id = serializers.CharField()
    tracked_tags = serializers.ListField(child=serializers.CharField())
    totals = TotalsSerializer()
    totals_by_category = serializers.DictField(child=TotalsSerializer(), help_text="By charge category.")
    findings = FindingSerializer(many=True)
    columns_read = serializers.DictField(child=serializers.CharField(), help_text="Field to column of the file.")
    columns_absent = serializers.ListField(child=serializers.CharField())
    columns_not_read = serializers.ListField(child=serializers.CharField(), help_text="Nothing was made from these.")
    columns_assumed = serializers.DictField(
        child=serializers.CharField(), help_text="Column to what its empty cells count as, and why."
    )
    format_reasons = serializers.ListField(child=serializers.CharField(), help_text="Why the files are of the format.")
    switched_off = SwitchedOffSerializer(many=True)
    error_report = ErrorReportSerializer(allow_null=True)


class StaffOnly:
    """Endpoints that do not exist for anybody but FinOps staff."""

    staff_only: ClassVar[bool] = True
    section: ClassVar[str] = "Imports"


class ImportList(StaffOnly, ListView):
    """Every import there was, newest first, with the progress of those that run. FinOps staff only."""

    operation, title = "imports", "Imports"
    serializer_class = ImportPageSerializer
    parameters = (choice("state", ImportState, "Only imports in this state."),)

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        state = parameters.chosen("state", ImportState, "")
        rows = selectors.import_list(scope, now=current_moment(), limit=HISTORY_LIMIT)
        kept = [row for row in rows if not state or row.state == state]
        return Answer({}, kept, lambda row: (-row.pk,), BILLED)


class ImportOne(StaffOnly, DocumentView):
    """One import with its files, totals, findings and, while it runs, its progress; ask again as often as you
    like, an answer that did not change is a 304. FinOps staff only.
    """

    operation, title = "import", "One import and its progress"
    serializer_class = ImportDetailSerializer

    def document(self, scope: Scope, parameters: Parameters, **kwargs: Any) -> Any:
        del parameters
        return detail_of(selectors.import_detail(scope, kwargs["pk"], now=current_moment()))


class ImportCancel(ScopedView):
    """Ends an import that is not in force yet, at whatever step; the month in force stays as it is and what was read
    of it is removed. It can be tried again. A 400 for one that has ended. FinOps staff only.
    """

    operation, title, section = "import_cancel", "Cancel an import", "Imports"
    serializer_class = ImportDetailSerializer
    staff_only = True

    @extend_schema(request=None, responses={200: ImportDetailSerializer})
    def post(self, request: Request, pk: int) -> Response:
        self.read_parameters(request)
        scope = api_scope(request)
        selectors.import_detail(scope, pk, now=current_moment())  # 404 where there is none
        cancel_import(pk, by=request.user.get_username())
        detail = selectors.import_detail(scope, pk, now=current_moment())
        return Response(ImportDetailSerializer(detail_of(detail)).data)


class ImportErrors(StaffOnly, DocumentView):
    """Why an import was refused: file, line, column, problem and cure. 404 for one that was not. FinOps staff only."""

    operation, title = "import_errors", "Error report of an import"
    serializer_class = ErrorReportSerializer

    def document(self, scope: Scope, parameters: Parameters, **kwargs: Any) -> Any:
        del parameters
        detail = selectors.import_detail(scope, kwargs["pk"], now=current_moment())
        if detail.error is None:
            raise NotFoundInScopeError(f"Import {kwargs['pk']} was not refused.")
        return detail.error


class SourceRowSerializer(serializers.Serializer[Any]):
    """One source of bills and how it stands."""

    name = serializers.CharField()
    place = serializers.ChoiceField(choices=[value.value for value in PlaceKind])
    location = serializers.CharField(help_text="A folder or s3://bucket/prefix; empty for uploads only.")
    billing_format = serializers.ChoiceField(
        choices=[value.value for value in BillingFormat], allow_null=True, help_text="Null before its first bill."
    )
    billing_account_id = serializers.CharField(help_text="The payer; empty before its first bill.")
    default_currency = serializers.CharField(help_text="Of lines that do not tell theirs; empty where unknown.")
    fetched_by = serializers.CharField(help_text="Of a part of what another source fetches: that source, else empty.")
    is_active = serializers.BooleanField(help_text="Of a payer's month one active source counts.")
    state = serializers.CharField(help_text=", ".join(SourceState))
    every_minutes = serializers.IntegerField()
    months_back = serializers.IntegerField(allow_null=True, help_text="Null: every month that is there.")
    months_asked = serializers.ListField(child=serializers.CharField())
    last_looked_at = serializers.DateTimeField(allow_null=True)
    next_look_at = serializers.DateTimeField(allow_null=True, help_text="Null: as soon as a worker has time.")
    last_result = serializers.CharField()
    error = serializers.CharField(help_text="Why it could not be looked at, or why its newest delivery was refused.")
    cure = serializers.CharField()


class SourcePageSerializer(PageSerializer):
    """Sources by name."""

    results = SourceRowSerializer(many=True)


class DeliverySerializer(serializers.Serializer[Any]):
    """One version of a month that was found at a source."""

    id = serializers.IntegerField(source="pk")
    billing_period = PeriodText(source="period", allow_null=True, help_text="Null before it is known, or for several.")
    run = serializers.CharField(help_text="Assembly or execution id; empty for files without a manifest.")
    folder = serializers.CharField()
    state = serializers.CharField(help_text=", ".join(DeliveryState))
    file_names = serializers.ListField(child=serializers.CharField())
    size = serializers.IntegerField(help_text="Bytes.")
    found_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    problem = serializers.CharField()
    cure = serializers.CharField()
    imports = serializers.ListField(child=serializers.IntegerField(), source="import_pks")


class DeliveryPageSerializer(PageSerializer):
    """Deliveries, newest first."""

    results = DeliverySerializer(many=True)


class SourceList(StaffOnly, ListView):
    """Where bills come from: how every source stands, its last look and its next. FinOps staff only."""

    operation, title = "sources", "Sources of bills"
    serializer_class = SourcePageSerializer

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        del parameters
        rows = selectors.sources(scope, now=current_moment())
        return Answer({}, sorted(rows, key=lambda row: row.name), lambda row: (row.name,), {})


class DeliveryList(StaffOnly, ListView):
    """What a source has brought: every version of every month and what became of it. FinOps staff only."""

    operation, title = "deliveries", "Deliveries of a source"
    serializer_class = DeliveryPageSerializer

    def answer(self, scope: Scope, parameters: Parameters, **kwargs: Any) -> Answer:
        del parameters
        selectors.source_row(scope, kwargs["source"], now=current_moment())
        return Answer({}, selectors.deliveries(scope, kwargs["source"]), lambda row: (-row.pk,), {})


def detail_of(detail: ImportDetail) -> Mapping[str, Any]:
    """What ImportDetailSerializer takes."""
    row: ImportRow = detail.row
    return {
        **vars(row),
        **BILLED,
        **vars(detail),
        "totals": dict(detail.totals),
        "totals_by_category": {category: dict(totals) for category, totals in detail.totals_by_category},
        "columns_read": dict(detail.columns_read),
        "columns_not_read": detail.column_report.not_read,
        "columns_assumed": dict(detail.column_report.assumed),
        "format_reasons": detail.column_report.reasons,
        "switched_off": detail.column_report.switched_off,
        "error": row.error,
        "error_report": detail.error,
    }
