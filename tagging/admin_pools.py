"""Shared pools, drivers and the policy on commitments in the admin, with the history of every change."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from simple_history.admin import SimpleHistoryAdmin

from costs.errors import InvalidRequestError
from tagging.models import CommitmentBenefit, DriverValue, PoolDriver, SharedPool
from tagging.pools import check_pool
from tagging.selectors.closed import last_closed_period
from tagging.selectors.pools import pool_of
from tagging.services import check_circles, check_overlap
from tagging.services.pools import RESERVED

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
    _Inline = admin.TabularInline[Any, Any]
else:
    _Admin = SimpleHistoryAdmin
    _Inline = admin.TabularInline


class KeptMixin:
    """What past months were split by is taken out of use, not deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False


def months_are_whole_and_open(form: forms.BaseForm, data: dict[str, Any], *names: str) -> None:
    """Dates are first days of months; closed months cannot be reached."""
    closed = last_closed_period()
    for name in names:
        day = data.get(name)
        if day and day.day != 1:
            form.add_error(name, "Give the first day of a month.")
        elif day and closed and name in form.changed_data and day <= closed.start:
            form.add_error(name, f"{closed.label} is closed. Give a later month.")


class SharedPoolForm(forms.ModelForm):  # type: ignore[type-arg]
    """One row of a pool; what pages refuse is refused here too."""

    class Meta:
        model = SharedPool
        exclude = ()  # noqa: DJ006 - the admin leaves nothing out

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        months_are_whole_and_open(self, data, "from_period", "to_period")
        if data.get("key") in RESERVED:
            self.add_error("key", "The policy on commitments uses this key. Choose another.")
        if not self.errors:
            self._check()
        return data

    def _check(self) -> None:
        data = self.cleaned_data
        row = SharedPool(**{name: data[name] for name in data if name in {f.name for f in SharedPool._meta.fields}})
        row.pk = self.instance.pk
        try:
            check_pool(pool_of(row))
            if row.is_active:
                check_overlap(row)
        except InvalidRequestError as error:
            self.add_error(None, str(error))
        except (KeyError, TypeError, AttributeError, ArithmeticError):
            self.add_error("targets", 'Write a list like [{"owner": "payments", "pct": "60", "cap": "100"}].')


@admin.register(SharedPool)
class SharedPoolAdmin(KeptMixin, _Admin):
    form = SharedPoolForm
    list_display = ("name", "key", "method", "from_period", "to_period", "is_open", "is_active")
    list_filter = ("method", "is_active")
    search_fields = ("name", "key")

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        super().save_model(request, obj, form, change)
        check_circles()


class DriverValueInline(_Inline):
    model = DriverValue
    extra = 0
    readonly_fields = ("period", "owner_key", "value")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        del request, obj
        return False


@admin.register(PoolDriver)
class PoolDriverAdmin(KeptMixin, _Admin):
    """Values come as files on the page of pools, where every line is checked."""

    list_display = ("name", "key")
    search_fields = ("name", "key")
    inlines = (DriverValueInline,)


class CommitmentBenefitForm(forms.ModelForm):  # type: ignore[type-arg]
    """From the first day of an open month."""

    class Meta:
        model = CommitmentBenefit
        exclude = ()  # noqa: DJ006 - the admin leaves nothing out

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        months_are_whole_and_open(self, data, "from_period")
        return data


@admin.register(CommitmentBenefit)
class CommitmentBenefitAdmin(KeptMixin, _Admin):
    form = CommitmentBenefitForm
    list_display = ("from_period", "policy", "reason")
