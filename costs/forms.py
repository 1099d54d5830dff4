"""Forms of the intake."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator

MEGABYTE = 1024 * 1024
SOURCE_NAME = RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9_-]*$", "Use letters, digits and dashes, like acme-payer.")


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
        help_text="One or more files of the same bill: CUR or CUR 2.0 as CSV, gz, zip or Parquet; inventories as CSV.",
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
    idempotency_key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=128)

    def __init__(self, *args: Any, source_names: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.source_names = source_names
        self.fields["source_name"].widget.attrs["list"] = "source-names"

    def clean_bill_files(self) -> "list[UploadedFile[Any]]":
        """The files, refused together where they are more than an upload may hold."""
        files: list[UploadedFile[Any]] = self.cleaned_data["bill_files"]
        size = sum(file.size or 0 for file in files)
        if size > settings.UPLOAD_LIMIT_MB * MEGABYTE:
            raise forms.ValidationError(
                f"{size // MEGABYTE:,} MB are more than the {settings.UPLOAD_LIMIT_MB:,} MB an upload may hold. "
                "Send the files in several uploads, or raise UPLOAD_LIMIT_MB."
            )
        return files
