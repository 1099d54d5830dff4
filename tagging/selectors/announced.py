"""Announced fixes: which are still open since when, which are mended in which bill."""

from dataclasses import dataclass
from datetime import date

from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging.models import AnnouncedFix
from tagging.selectors.labels import team_names

SHOWN = 500


@dataclass(frozen=True)
class FixRow:
    """A fix somebody was told of. `fixed_in` is the month whose bill shows it; None and not gone: still open."""

    resource_id: str
    team_key: str
    team_name: str
    key: str
    wanted: str
    announced_on: date
    fixed_in: BillingPeriod | None
    is_gone: bool
    is_excused: bool

    @property
    def text(self) -> str:
        """What became of it, in words."""
        if self.fixed_in is not None:
            return f"Fixed in the bill of {self.fixed_in.label}"
        if self.is_gone:
            return "The resource is gone"
        if self.is_excused:
            return "Not asked for any more"
        return f"Still open since {self.announced_on.day} {self.announced_on:%b %Y}"


@dataclass(frozen=True)
class FixCounts:
    """All announced fixes of a reader."""

    open: int
    fixed: int
    gone: int
    excused: int

    @property
    def told(self) -> int:
        return self.open + self.fixed + self.gone + self.excused


def announced_fixes(scope: Scope) -> tuple[tuple[FixRow, ...], FixCounts]:
    """The newest of the reader's announced fixes, open ones first, and how many there are of each kind."""
    found = AnnouncedFix.objects.order_by(
        "fixed_in", "is_gone", "is_excused", "-announced_on", "resource_id", "tag_key"
    )
    if not scope.everything:
        found = found.filter(owner_key__in=scope.team_keys)
    fixes = sorted(found, key=lambda fix: fix.fixed_in is not None or fix.is_gone or fix.is_excused)
    names = team_names({fix.owner_key for fix in fixes})
    rows = [
        FixRow(
            resource_id=fix.resource_id,
            team_key=fix.owner_key,
            team_name=names.get(fix.owner_key, ""),
            key=fix.tag_key,
            wanted=fix.wanted,
            announced_on=fix.announced_on,
            fixed_in=None if fix.fixed_in is None else BillingPeriod.of(fix.fixed_in),
            is_gone=fix.is_gone,
            is_excused=fix.is_excused,
        )
        for fix in fixes[:SHOWN]
    ]
    fixed, gone = sum(fix.fixed_in is not None for fix in fixes), sum(fix.is_gone for fix in fixes)
    excused = sum(fix.is_excused and not fix.is_gone and fix.fixed_in is None for fix in fixes)
    return tuple(rows), FixCounts(len(fixes) - fixed - gone - excused, fixed, gone, excused)
