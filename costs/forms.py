"""Forms of the intake."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator
from django.utils.html import format_html

from costs.errors import InvalidRequestError
from costs.models import DEFAULT_LOOK_MINUTES
from costs.periods import BillingPeriod
from costs.services import SourceFields
from costs.terms import CostMetric, PlaceKind

MEGABYTE = 1024 * 1024
MONTH_INPUT = {"type": "month", "placeholder": "2026-05", "pattern": r"\d{4}-\d{2}"}
MOST_MONTHS = 120
SOURCE_NAME = RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9_-]*$", "Use letters, digits and dashes, like acme-payer.")

CURRENCY_CODE = RegexValidator(r"^\s*([A-Za-z]{3,8})?\s*$", "Use a currency code, like USD.")


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Several files from one field; cleans to a list."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[Any]]":
        """Every file checked, empty ones named; at least one where the field is required."""
        files = data if isinstance(data, list | tuple) and data else [data or None]
        return [super(ManyFilesField, self).clean(file, initial) for file in files]


class UploadForm(forms.Form):
    """Bill files or inventories; files given together are one delivery."""

    bill_files = ManyFilesField(
        label="Files",
        help_text="Files of one bill: CUR, CUR 2.0 or FOCUS as CSV, gz, zip or Parquet; or inventories as CSV.",
        error_messages={"required": "Choose at least one file.", "empty": "A file is empty. Export it again."},
    )
    snapshot_on = forms.DateField(
        label="Day of the inventory",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Only for inventories: the day the list was taken. Left empty, it is today.",
    )
    source_name = forms.CharField(
        label="Source name",
        required=False,
        max_length=80,
        validators=[SOURCE_NAME],
        help_text="Only to keep bills apart that look alike. Left empty, it comes from the payer account.",
    )
    currency = forms.CharField(
        label="Currency of lines without one",
        required=False,
        max_length=8,
        validators=[CURRENCY_CODE],
        help_text="Only for files whose lines do not tell it: a code like USD. It is kept for the source.",
    )
    idempotency_key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=128)
    # Ids of files that a script sent in pieces before; then the form itself holds no files.
    partial_files = forms.CharField(widget=forms.HiddenInput, required=False, max_length=10_000)

    def __init__(self, *args: Any, source_names: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.source_names = source_names
        self.fields["source_name"].widget.attrs["list"] = "source-names"
        if self.is_bound and self.data.get("partial_files"):
            self.fields["bill_files"].required = False

    def clean_partial_files(self) -> list[str]:
        """The ids, apart."""
        return [ref for ref in self.cleaned_data["partial_files"].split(",") if ref]

    def clean_bill_files(self) -> "list[UploadedFile[Any]]":
        """The files, refused together where they are more than an upload may hold."""
        files: list[UploadedFile[Any]] = [file for file in self.cleaned_data["bill_files"] if file]
        size = sum(file.size or 0 for file in files)
        if size > settings.UPLOAD_LIMIT_MB * MEGABYTE:
            raise forms.ValidationError(
                f"{size // MEGABYTE:,} MB are more than the {settings.UPLOAD_LIMIT_MB:,} MB an upload may hold. "
                "Send the files in several uploads, or raise UPLOAD_LIMIT_MB."
            )
        return files


class SourceForm(forms.Form):
    """Where a source looks and how often."""

    name = forms.CharField(
        label="Name",
        max_length=80,
        validators=[SOURCE_NAME],
        help_text="How pages call it, like acme-payer. It cannot be changed later.",
    )
    place = forms.ChoiceField(
        label="Bills come from",
        choices=(
            (PlaceKind.S3.value, "An S3 bucket"),
            (PlaceKind.FOLDER.value, "A folder of this machine"),
            (PlaceKind.UPLOAD.value, "Uploads only"),
        ),
    )
    location = forms.CharField(
        label="Place",
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "off"}),
    )
    every_minutes = forms.IntegerField(
        label="Look every … minutes", min_value=1, max_value=1440, initial=DEFAULT_LOOK_MINUTES
    )
    months_back = forms.IntegerField(
        label="Months before this one",
        required=False,
        min_value=0,
        max_value=600,
        help_text="How far back to import what is there. Left empty, all of it; 0 is this month only.",
    )

    default_currency = forms.CharField(
        label="Currency of lines without one",
        required=False,
        max_length=8,
        validators=[CURRENCY_CODE],
        help_text="Of lines that do not tell theirs: a code like USD. Left empty, it is the one of all other"
        " lines of their account; where that is none or several, the file is refused.",
    )

    def __init__(self, *args: Any, is_new: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        folders = ", ".join(settings.SOURCE_FOLDERS)
        self.fields["location"].help_text = format_html(
            "<code>s3://bucket/prefix</code>, down to the folder of one export; or the path of a folder under {}.",
            folders,
        )
        if not is_new:
            del self.fields["name"]

    def as_fields(self, *, is_active: bool) -> SourceFields:
        """What the service takes."""
        data = self.cleaned_data
        return SourceFields(
            place=PlaceKind(data["place"]),
            location=data["location"],
            every_minutes=data["every_minutes"],
            months_back=data["months_back"],
            is_active=is_active,
            default_currency=data["default_currency"],
        )


class MonthsForm(forms.Form):
    """Months to be imported again, from the first to the last."""

    first = forms.CharField(label="From", max_length=7, widget=forms.TextInput(attrs=MONTH_INPUT))
    last = forms.CharField(label="To", max_length=7, widget=forms.TextInput(attrs=MONTH_INPUT))

    def months(self, today: date) -> tuple[BillingPeriod, ...]:
        """Every month of the span. Raises InvalidRequestError, also for months that have not begun."""
        first, last = (BillingPeriod.parse(self.cleaned_data[name]) for name in ("first", "last"))
        if last > BillingPeriod.of(today):
            raise InvalidRequestError(
                f"{last.label} has not begun yet. Ask for months up to {BillingPeriod.of(today)}."
            )
        count = (last.start.year - first.start.year) * 12 + last.start.month - first.start.month + 1
        if not 1 <= count <= MOST_MONTHS:
            raise InvalidRequestError(f"From {first} to {last} are not 1 to {MOST_MONTHS} months. Correct one of them.")
        return last.back(count)


class VersionsForm(forms.Form):
    """Two versions of a bill and the basis they are compared on."""

    before = forms.ChoiceField(label="Compare version")
    after = forms.ChoiceField(label="with version")
    basis = forms.ChoiceField(
        label="Basis", choices=[(metric.value, metric.value.capitalize()) for metric in CostMetric]
    )

    def __init__(self, *args: Any, numbers: Sequence[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("before", "after"):
            self.fields[name] = forms.ChoiceField(
                label=self.fields[name].label, choices=[(str(number), str(number)) for number in numbers]
            )
