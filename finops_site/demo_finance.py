"""What the demo company's finance has done: a pool, two closed months, a dispute, an exemption, a virtual tag."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta

from django.contrib.auth.models import User

from costs import selectors as intake_reads
from costs.errors import NotFoundInScopeError
from costs.figures import day, money
from costs.money import round_to_cents
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from finops_site import pipeline
from finops_site.demo_data import Company
from tagging import selectors as ownership
from tagging import services as owners
from tagging.inputs import PoolInput, RuleInput
from tagging.owners import pool_owner
from tagging.selectors.close_list import close_list
from tagging.selectors.disputes import disputes
from tagging.selectors.pool_pages import pool_rows
from tagging.terms import RuleKind, SplitMethod

EVERYTHING = Scope.all()
LEAD = "dana.reyes"
POOL, POOL_ACCOUNT = "Shared platform", "platform-shared"
DOUBTER, DOUBTING_TEAM = "sam.whitaker", "growth"
DOUBT = "Half of these machines are the autumn campaign's, which Storefront took over in September. Please look."
EXEMPT, EXEMPT_TEAM, EXEMPT_DAYS = "larkfield-campaign-2024", "growth", 60
TAG_KEY = "Team"
TRIES = 3


def set_up_pool(company: Company) -> bool:
    """The account of the shared platform goes to all who have costs, in proportion to them; False where pools are."""
    if pool_rows(EVERYTHING):
        return False
    reason = "Everybody builds and deploys on it; agreed with the team leads."
    key = owners.save_pool(PoolInput(POOL, SplitMethod.PROPORTIONAL, reason=reason))
    account = company.account(POOL_ACCOUNT).account_id
    owners.save_rule(RuleInput(RuleKind.ACCOUNT, sub_account_id=account, team_key=pool_owner(key), reason=reason))
    return True


def close_months(periods: Sequence[BillingPeriod], *, now: datetime) -> int:
    """Close these months, oldest first; all but the last become final. 0 where a month was closed before.

    On the last one, a team disputes its largest line.
    """
    if close_list(EVERYTHING) or not periods:
        return 0
    for period in periods:
        owners.close_month(period, owners.CloseStep("Dana Reyes", now), metric=CostMetric.BILLED)
        if period != periods[-1]:
            owners.finalise_month(period, owners.CloseStep("Dana Reyes", now, "Nobody disputed a line."))
    _dispute(periods[-1], now)
    return len(periods)


def _dispute(period: BillingPeriod, now: datetime) -> None:
    user = User.objects.filter(username=DOUBTER).first()
    if user is None or DOUBTING_TEAM not in {team.key for team in ownership.visible_teams(EVERYTHING)}:
        return
    scope = Scope.teams(frozenset({DOUBTING_TEAM}))
    found = ownership.statement(scope, period, DOUBTING_TEAM, metric=CostMetric.BILLED)
    line = next((line for line in found.lines if line.kind == "direct"), None)
    if line is not None:
        doubt = owners.Doubt(DOUBTING_TEAM, period, found.currency, line.ref, DOUBT)
        owners.raise_dispute(scope, doubt, by=user, now=now)


def grant_one_exemption(*, now: datetime) -> bool:
    """A bucket that is about to go is excused from its tags for a while; False where somebody was excused before."""
    today = now.date()
    if ownership.exemptions(EVERYTHING, today=today):
        return False
    wanted = owners.ExemptionInput(
        reason="The campaign is over; the bucket is removed once marketing has its copies.",
        since=today,
        until=today + timedelta(days=EXEMPT_DAYS),
        resource=EXEMPT,
        team_key=EXEMPT_TEAM,
    )
    owners.grant_exemption(wanted, author=_lead(), now=now)
    return True


def accept_one_suggestion(*, now: datetime) -> str:
    """The dearest suggested team of a resource that nobody owns becomes a virtual tag; '' where there is none.

    A worker may still make suggestions of its own and replace those just read: then they are read again.
    """
    lead = _lead()
    if lead is None or ownership.virtual_tags(EVERYTHING):
        return ""
    for _ in range(TRIES):
        pipeline.suggest_tags(now=now)
        with suppress(NotFoundInScopeError):
            return _accept(lead, now)
    return ""


def _accept(lead: User, now: datetime) -> str:
    keys = {key.key for key in ownership.suggestions(EVERYTHING).keys}
    rows = ownership.suggestions(EVERYTHING, key=TAG_KEY).rows if TAG_KEY in keys else ()
    chosen = next((row for row in rows if not row.team_key), None)
    if chosen is None:
        return ""
    wanted = owners.Chosen((chosen.ref,), reason="The machines beside it are Storefront's.")
    owners.accept_suggestions(EVERYTHING, wanted, author=lead, now=now)
    return f"{chosen.key}={chosen.value} on {chosen.name or chosen.resource_id}"


def imports_under_way(*, now: datetime) -> tuple[int, ...]:
    """What workers were handed since: a month that is rolled up again because of the virtual tag."""
    return tuple(row.pk for row in intake_reads.imports_needing_attention(EVERYTHING, now=now) if row.is_under_way)


def finance_report(*, today: date) -> str:
    """Where months, pool, dispute, exemption and virtual tags stand, in a few lines."""
    closes = sorted(close_list(EVERYTHING), key=lambda row: (row.period, row.version))
    months = ", ".join(f"{row.period.label} {row.state} {row.number}".rstrip() for row in closes)
    lines = [f"Months: {months or 'none closed'}"]
    lines += [f"Pool: {row.name}, {row.method_text}: {row.summary}" for row in pool_rows(EVERYTHING)]
    for dispute in disputes(EVERYTHING, only_open=True):
        cost = money(round_to_cents(dispute.cost), dispute.currency)
        lines.append(f"In dispute: {dispute.team_name}, {dispute.line}, {cost} of {dispute.period.label}")
    lines += [
        f"Exempt from tags: {row.resource} until {day(row.until)}"
        for row in ownership.exemptions(EVERYTHING, today=today)
    ]
    lines += [
        f"Virtual tag: {row.key}={row.value} on {row.resource_id} from {row.from_period.label}, by {row.author}"
        for row in ownership.virtual_tags(EVERYTHING)
    ]
    return "\n".join(lines)


def _lead() -> User | None:
    return User.objects.filter(username=LEAD).first()
