"""Who bears taxes and the like, at which price commitments are charged, and the drivers pools are split by."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from costs.errors import InvalidRequestError
from costs.pages import staff_page
from costs.periods import BillingPeriod
from tagging import services
from tagging.forms.pools import BenefitForm, ChargePolicyForm, DriverForm
from tagging.terms import BenefitPolicy, ChargeKind, ChargePolicy


@staff_page
@require_POST
def charge_policy(request: HttpRequest) -> HttpResponseBase:
    """Have one kind of charges borne another way from a month on."""
    data = valid(ChargePolicyForm(request.POST))
    dropped = services.set_charge_policy(
        ChargeKind(data["kind"]),
        ChargePolicy(data["policy"]),
        from_period=data["from_period"],
        reason=data["reason"],
    )
    messages.success(request, "Policy changed. Open months have their owners again.")
    say_what_was_dropped(request, dropped)
    return redirect("tagging:pools")


@staff_page
@require_POST
def benefit_policy(request: HttpRequest) -> HttpResponseBase:
    """Charge what commitments cover at another price from a month on."""
    data = valid(BenefitForm(request.POST))
    dropped = services.set_benefit_policy(
        BenefitPolicy(data["benefit"]), from_period=data["benefit_from"], reason=data["benefit_reason"]
    )
    messages.success(request, "Policy changed.")
    say_what_was_dropped(request, dropped)
    return redirect("tagging:pools")


def say_what_was_dropped(request: HttpRequest, dropped: Sequence[BillingPeriod]) -> None:
    """A choice holds from its month on, so later ones that were planned go; said, so that they can be set again."""
    for month in dropped:
        text = f"What was planned from {month.label} on is dropped. Set it again for {month.label} if it is to hold."
        messages.warning(request, text)


@staff_page
@require_POST
def driver_upload(request: HttpRequest) -> HttpResponseBase:
    """Read a driver's values from a CSV file."""
    form = DriverForm(request.POST, request.FILES)
    data = valid(form)
    try:
        text = form.text()
    except ValidationError as error:
        raise InvalidRequestError(" ".join(error.messages)) from error
    done = services.upload_driver(data["driver_name"], text)
    months = ", ".join(str(month) for month in done.months)
    messages.success(request, f"{done.values} values of {data['driver_name']} for {months}.")
    return redirect("tagging:pools")


def valid(form: Form) -> dict[str, Any]:
    """What was filled in. Raises InvalidRequestError with the first thing that is wrong."""
    if form.is_valid():
        return form.cleaned_data
    name, errors = next(iter(form.errors.items()))
    label = form.fields[name].label or name.replace("_", " ").capitalize() if name in form.fields else "Form"
    raise InvalidRequestError(f"{label}: {errors[0]}")
