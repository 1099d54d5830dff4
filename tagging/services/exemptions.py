"""Upkeep of exemptions, and of charges that nobody can tag. Nothing is allocated by them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.tags import canonical_key
from tagging.models import Exemption, TagKey, UntaggableCharge
from tagging.services.teams import team_or_none

LONGEST_YEARS = 2


@dataclass(frozen=True)
class ExemptionInput:
    """Who is to be excused from which keys (none: all) until which day, and why. Empty places take everything."""

    reason: str
    until: date
    since: date
    resource: str = ""
    account: str = ""
    service: str = ""
    team_key: str = ""
    keys: tuple[str, ...] = ()


def grant_exemption(wanted: ExemptionInput, *, author: User | None, now: datetime) -> int:
    """Excuse resources from keys; returns the exemption's pk. Raises InvalidRequestError."""
    places = (wanted.resource.strip(), wanted.account.strip(), wanted.service.strip(), wanted.team_key)
    if not any((places[0].strip("*"), *places[1:])):
        raise InvalidRequestError("Name a resource, an account, a service or a team; everything cannot be excused.")
    if not wanted.reason.strip():
        raise InvalidRequestError("Give the reason, for whoever reads it next.")
    if wanted.until < wanted.since:
        raise InvalidRequestError(f"It would end on {wanted.until}, before it begins on {wanted.since}.")
    if wanted.until - wanted.since > timedelta(days=366 * LONGEST_YEARS):
        raise InvalidRequestError(f"An exemption may last {LONGEST_YEARS} years; it can be granted again.")
    made = Exemption(
        resource=places[0],
        sub_account_id=places[1],
        service_name=places[2],
        team=team_or_none(wanted.team_key),
        keys=_known_keys(wanted.keys),
        reason=wanted.reason.strip(),
        since=wanted.since,
        until=wanted.until,
        author=author,
        created_at=now,
    )
    made.save()
    return made.pk


def end_exemption(pk: int, *, today: date) -> None:
    """Let an exemption end with yesterday; one that has not begun yet goes altogether. Its history stays."""
    with transaction.atomic():
        found = Exemption.objects.select_for_update().filter(pk=pk).first()
        if found is None:
            raise NotFoundInScopeError(f"There is no exemption {pk}.")
        if found.since >= today:
            found.delete()
        elif found.until >= today:
            found.until = today - timedelta(days=1)
            found.save()


def set_aside(service: str, usage_type: str, *, reason: str, author: User | None) -> int:
    """Have charges of a service and usage type (both may be wildcards) count as untaggable; returns the row's pk."""
    service, usage_type = service.strip(), usage_type.strip() or "*"
    if not service or (set(service) == {"*"} and set(usage_type) == {"*"}):
        raise InvalidRequestError("Name a service or a usage type; not everything can be set aside.")
    if not reason.strip():
        raise InvalidRequestError("Give the reason why it cannot be tagged.")
    if UntaggableCharge.objects.filter(service_name=service, usage_type=usage_type).exists():
        raise InvalidRequestError(f"{service} {usage_type} is set aside already.")
    made = UntaggableCharge(service_name=service, usage_type=usage_type, reason=reason.strip(), author=author)
    made.save()
    return made.pk


def count_again(pk: int) -> None:
    """Take a row off the list of untaggable charges; its history stays. Raises NotFoundInScopeError."""
    found = UntaggableCharge.objects.filter(pk=pk).first()
    if found is None:
        raise NotFoundInScopeError(f"There is no row {pk} among the untaggable charges.")
    found.delete()


def _known_keys(keys: tuple[str, ...]) -> list[str]:
    known = {canonical_key(key): key for key in TagKey.objects.values_list("key", flat=True)}
    for key in keys:
        if canonical_key(key) not in known:
            raise InvalidRequestError(f"'{key}' is no key of the policy. Use {', '.join(known.values())}.")
    return [known[canonical_key(key)] for key in dict.fromkeys(keys)]
