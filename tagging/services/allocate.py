"""From slices to owners: Allocation and AllocatedCost of one import, and of all in force again."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum

from costs import selectors as intake
from costs.bulk import copy_rows
from costs.errors import FinopsError
from costs.money import ZERO, plain
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.tags import tag_value
from costs.terms import COST_COLUMNS
from tagging.allocation import Matcher, compile_rules, cost_center_of
from tagging.conditions import Facts
from tagging.hooks import tell_that_rules_changed
from tagging.models import AllocatedCost, Allocation, OwnerCost, Team
from tagging.owners import center_of, kind_of
from tagging.policy import KeyPolicy, environment_of
from tagging.selectors.closed import closed_months
from tagging.selectors.closes import rules_of_closed
from tagging.selectors.policy import environment_policy
from tagging.selectors.teams import FACT_COLUMNS, rules_in_use
from tagging.services.owner_sums import CostGroups, instance_slices, sum_up

EVERYTHING = Scope.all()
# Any number will do, as long as nothing else takes this advisory lock on PostgreSQL.
_LOCK = 7_203_118_045
_ALLOCATION_COLUMNS = (
    "bill_import_id",
    "slice_id",
    "owner_kind",
    "owner_key",
    "rule_id",
    "rule_text",
    "matched_text",
    "environment",
    "cost_center",
    "project",
    "tag_owner",
)


class AllocationDoesNotTieOutError(FinopsError):
    """Owners and bill differ. Nothing was kept; a bug or a damaged database, never a matter of rules."""

    code = "allocation_does_not_tie_out"


def allocate_import(import_pk: int) -> None:
    """Give every slice of an import its owner and pre-sum the costs. Can be repeated.

    Raises AllocationDoesNotTieOutError, leaving what was there, when owners and bill differ in any basis
    by as much as the tenth decimal.
    """
    with transaction.atomic():
        one_allocation_at_a_time()
        _allocate(import_pk, _Marker.now())


def reallocate(periods: Collection[BillingPeriod] | None = None) -> int:
    """Allocate all imports in force again (or those of `periods`), all or nothing. Closed months never are.

    Imports just about to be put in force are done too, so that none goes in with owners of older rules.
    Returns the number of imports done. A reader sees the owners before or after, never a mixture.
    """
    with transaction.atomic():
        one_allocation_at_a_time()
        pks = _of_open_months(intake.imports_to_allocate(EVERYTHING, periods))
        marker = _Marker.now()
        for pk in pks:
            _allocate(pk, marker)
        tell_that_rules_changed()
    return len(pks)


def _of_open_months(import_pks: Collection[int]) -> list[int]:
    closed, months = closed_months(), intake.months_of(EVERYTHING, import_pks)
    return [pk for pk in import_pks if months.get(pk) not in closed]


def one_allocation_at_a_time() -> None:
    """Wait for other allocations and changes of rules to commit; held to the end of the transaction.

    On SQLite there is one writer at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


@dataclass(frozen=True)
class _Marker:
    """Rules, teams and policy as they stand at one moment."""

    cost_centers: Mapping[str, str]
    environment: KeyPolicy | None

    @classmethod
    def now(cls) -> "_Marker":
        return cls(dict(Team.objects.values_list("key", "cost_center")), environment_policy())

    def cost_center_of(self, owner: str) -> str:
        """An owner that is a cost centre is its own."""
        return center_of(owner, self.cost_centers)


def _allocate(import_pk: int, marker: _Marker) -> None:
    period, currency = intake.import_month(EVERYTHING, import_pk)
    frozen = rules_of_closed(period, currency)  # a later bill of a closed month is owned as the month was closed
    match = compile_rules(rules_in_use() if frozen is None else frozen, period)
    # Read before anything is copied: PostgreSQL answers no query on a connection that is in a COPY.
    slices = list(intake.slices_of(EVERYTHING, import_pk).values_list("key", *FACT_COLUMNS))
    for model in (AllocatedCost, OwnerCost, Allocation):
        model.objects.filter(bill_import_id=import_pk).delete()
    groups = CostGroups(instances=instance_slices(import_pk))
    copy_rows(Allocation, _ALLOCATION_COLUMNS, _rows(import_pk, slices, groups, match, marker))
    sum_up(import_pk, groups)
    _check(import_pk)


def _rows(
    import_pk: int, slices: Iterable[tuple[Any, ...]], groups: CostGroups, match: Matcher, marker: _Marker
) -> Iterator[tuple[Any, ...]]:
    """Rows of Allocation. Slices differ in more than rules look at, so each such combination is decided once."""
    decided: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    seen_by_rules = itemgetter(*(place + 1 for place in match.fields))
    for row in slices:
        tags = row[-1]
        seen = (seen_by_rules(row), *tags.items())
        if seen not in decided:
            decided[seen] = _decide(Facts(*row[1:]), match, marker)
        owner = decided[seen]
        groups.add(row[0], Facts(*row[1:]), kind=owner[0], owner=owner[1], environment=owner[5])
        yield (import_pk, row[0], *owner)


def _decide(facts: Facts, match: Matcher, marker: _Marker) -> tuple[Any, ...]:
    """The columns of Allocation after import and slice, in their order."""
    verdict, tags = match(facts), facts.tags
    owner = verdict.owner_key
    return (
        kind_of(owner).value,
        owner,
        None if verdict.rule is None else verdict.rule.pk,
        "" if verdict.rule is None else verdict.rule.text,
        verdict.matched_text,
        environment_of(tags, marker.environment),
        cost_center_of(tags, marker.cost_center_of(owner)),
        tag_value(tags, "Project"),
        tag_value(tags, "Owner"),
    )


def _check(import_pk: int) -> None:
    wanted = {column: Sum(column) for column in COST_COLUMNS}
    billed = intake.daily_costs(EVERYTHING, [import_pk]).aggregate(**wanted)
    held = [model.objects.filter(bill_import_id=import_pk).aggregate(**wanted) for model in (AllocatedCost, OwnerCost)]
    for owned, column in ((owned, column) for owned in held for column in COST_COLUMNS):
        before, after = billed[column] or ZERO, owned[column] or ZERO
        if before != after:
            raise AllocationDoesNotTieOutError(
                f"Owners hold {plain(after)} of {plain(before)} {column.replace('_', ' ')} of import {import_pk};"
                " nothing was changed. Import the bill again; if it stays so, report it with the import's number."
            )
