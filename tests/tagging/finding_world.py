"""Two teams with gp2 volumes. Moving one saves 20 %: payments' of 100 a month saves 20, search's of 50 saves 10."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from costs.models import BillImport
from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging import selectors
from tagging.results import FindingRow
from tagging.services import Detection, RuleInput, detect_findings, save_rule
from tagging.terms import RuleKind
from tests.tagging.builders import Spend, month

GP2 = "EBS:VolumeUsage.gp2"


def make_rules() -> None:
    """Each team, already there, has what its tag says."""
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))


def volume(cost: str, *, team: str = "payments", name: str = "vol-pay", day: int = 1, kind: str = GP2) -> Spend:
    """One day's cost of a volume; `team` empty for nobody's."""
    tags = {"Team": team} if team else {}
    return Spend(cost, day=day, tags=tags, resource=name, usage_type=kind)


def full(period: BillingPeriod, *spends: Spend, source: str = "payer") -> BillImport:
    """The month delivered after it was over."""
    made = month(spends, period=period, source=source)
    after = datetime(period.end.year, period.end.month, 3, tzinfo=UTC)
    BillImport.objects.filter(pk=made.pk).update(finished_at=after)
    return made


def came_in(day: date, *spends: Spend) -> BillImport:
    """November as it was brought in on one of its days."""
    made = month(spends)
    BillImport.objects.filter(pk=made.pk).update(finished_at=at(day))
    return made


def both() -> Sequence[Spend]:
    return (volume("100"), volume("50", team="search", name="vol-search"))


def detect_on(day: date) -> Detection:
    """Look for findings at six in the morning."""
    return detect_findings(today=day, now=at(day))


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 6, tzinfo=UTC)


def row_of(resource_id: str) -> FindingRow:
    """The one finding of a resource."""
    (row,) = [row for row in selectors.findings(Scope.all()).rows if row.resource_id == resource_id]
    return row
