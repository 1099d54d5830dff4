"""Who is excused from which keys until when, and which charges cannot be tagged at all."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from costs.tags import canonical_key
from tagging.policy.patterns import wildcard, wildcard_matches


@dataclass(frozen=True)
class Excuse:
    """An exemption as it is matched. Empty places take everything; no keys means all of them.

    `until` is the last day it holds. It excuses what was charged last on a day from `since` to `until`, so a month
    that is over keeps its figures, and what is charged after the end counts again by itself.
    """

    since: date
    until: date
    keys: tuple[str, ...] = ()
    resource: str = ""  # wildcard of the resource id
    account: str = ""
    service: str = ""
    team: str = ""
    reason: str = ""

    def covers_place(self, *, account: str, service: str, team: str) -> bool:
        """Whether charges of this account, service and team may be excused at all."""
        if self.account and self.account != account:
            return False
        if self.service and self.service.casefold() != service.casefold():
            return False
        return not self.team or self.team == team

    def holds_on(self, day: date) -> bool:
        """Whether it holds for what was charged last on this day."""
        return self.since <= day <= self.until

    def keys_among(self, resource_ids: Mapping[int, str]) -> frozenset[int]:
        """The keys of those resources it is about."""
        is_about = self._is_about
        return frozenset(key for key, resource_id in resource_ids.items() if is_about(resource_id.casefold()))

    @cached_property
    def _is_about(self) -> Callable[[str], bool]:
        return wildcard(self.resource.casefold())

    def excuses(self, key: str) -> bool:
        """Whether this key of the policy is among those excused."""
        return not self.keys or canonical_key(key) in map(canonical_key, self.keys)


@dataclass(frozen=True)
class Untaggable:
    """Charges of a service (and usage types like `*Requests*`) that nobody can tag: they are set aside."""

    service: str
    usage_type: str = "*"

    def covers(self, service: str, usage_type: str) -> bool:
        """Whether charges of this service and usage type are meant. Case does not matter."""
        services = wildcard_matches(self.service.casefold(), service.casefold())
        return services and wildcard_matches((self.usage_type or "*").casefold(), usage_type.casefold())


def is_untaggable(exceptions: Iterable[Untaggable], service: str, usage_type: str) -> bool:
    """Whether any of the exceptions covers such charges."""
    return any(each.covers(service, usage_type) for each in exceptions)
