"""What teams a fresh installation could start with."""

from decimal import Decimal

from django.db.models import Sum
from django.utils.text import slugify

from costs import selectors as intake
from costs.money import ratio
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import Allocation, Team
from tagging.proposals import Candidate, SliceCost, TeamDraft, draft_teams, rank_keys
from tagging.results import KeyCandidate, ProposedTeam, SetupProposal
from tagging.selectors.reach import Reach, reach
from tagging.selectors.sums import Ask, slice_rows


def setup_proposal(
    scope: Scope,
    period: BillingPeriod,
    *,
    metric: CostMetric = CostMetric.BILLED,
    currency: str = "",
    tag_key: str = "",
) -> SetupProposal:
    """Teams, aliases and rules proposed from a month; `tag_key` overrides the key chosen. Staff only.

    Keys are those kept on the slices (`tracked_keys`). Without a usable key only accounts are proposed.
    """
    scope.require_everything()
    found = reach(scope, (period,), currency)
    slices = _slice_costs(found, metric)
    keys = sorted({key for item in slices for key in item.tags})
    candidates = rank_keys(slices, keys)
    chosen = tag_key or next((item.key for item in candidates), "")
    names = intake.account_names(scope, {item.sub_account_id for item in slices})
    draft = draft_teams(slices, chosen, names)
    return SetupProposal(
        period=period,
        metric=metric,
        currency=found.currency,
        tag_key=chosen,
        candidates=tuple(_candidate(item, draft.total) for item in candidates),
        teams=tuple(_team(team) for team in draft.teams),
        account_names=tuple(sorted(names.items())),
        unallocated_cost=draft.unallocated_cost,
        total=draft.total,
    )


def needs_setup(scope: Scope) -> bool:
    """Whether there are costs but no teams yet. False for anyone but staff."""
    return scope.everything and not Team.objects.exists() and bool(intake.active_imports(scope))


def _slice_costs(found: Reach, metric: CostMetric) -> list[SliceCost]:
    sums = slice_rows(Ask(found, metric)).order_by().values_list("slice_id").annotate(cost=Sum(metric.column))
    costs = dict(sums)
    owned = Allocation.objects.filter(bill_import_id__in=found.import_pks)
    facts = {row[0]: row[1:] for row in owned.values_list("slice_id", "slice__sub_account_id", "slice__tags")}
    return [SliceCost(*facts[key], cost) for key, cost in sorted(costs.items())]


def _candidate(item: Candidate, total: Decimal) -> KeyCandidate:
    return KeyCandidate(item.key, item.covered_cost, ratio(item.covered_cost, total), item.values)


def _team(team: TeamDraft) -> ProposedTeam:
    return ProposedTeam(
        key=slugify(team.name),
        name=team.name,
        tag_values=team.tag_values,
        sub_account_ids=team.sub_account_ids,
        tag_cost=team.tag_cost,
        account_cost=team.account_cost,
    )
