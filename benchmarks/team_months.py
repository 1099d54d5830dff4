"""A database as twelve months of ten million lines each leave it: rollups by COPY, owners by the product's own rules.

Imported after Django is set up. An import of ten million lines of `cur_files` leaves, each month, 13,441 resources with
a row each, 72 slices of two services, 2,232 daily rows and 1,240 rows of owners. Here a month has those resources and
as many slices as it is told to have, spread over up to 40 services and 13 owners.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group, User

from budgets.inputs import BudgetInput
from budgets.services import create_budget, evaluate_budgets
from budgets.terms import ScopeKind
from costs.bulk import copy_rows
from costs.charges import SLICE_DIMENSIONS
from costs.models import Bill, BillImport, BillSource, CostSlice, DailyCost, Resource, ResourceCost, SubAccount
from costs.money import from_units
from costs.periods import BillingPeriod
from costs.terms import COST_COLUMNS
from tagging.models import DriverValue, Exemption, Finding, Membership, PoolDriver, Team, UntaggableCharge
from tagging.owners import pool_owner
from tagging.pools import Target
from tagging.services import PoolInput, RuleInput, allocate_import, save_pool, save_rule
from tagging.terms import FINOPS_GROUP, MemberRole, RuleKind, SplitMethod, Weighing

RESOURCES = 13_441
SERVICES, TEAMS = 40, 6
ACCOUNTS, OWNERS = 3 * TEAMS, 2 * TEAMS + 1
FINDINGS_OF_A_TEAM = 40
TRACKED = ("Owner", "Environment", "Team", "CostCenter", "Project")
ENVIRONMENTS = ("Production", "Staging", "Development", "prodn")


def build(periods: list[BillingPeriod], *, slices: int, today: date) -> None:
    """Teams, rules and people, and the months; the newest has costs through the day before `today`."""
    _teams()
    _pools(periods)
    copy_rows(CostSlice, ("key", *SLICE_DIMENSIONS, "tags"), _slices(slices))
    copy_rows(Resource, _columns(Resource), _resources())
    copy_rows(SubAccount, ("sub_account_id", "name", "display_name", "billing_account_id"), _accounts())
    source = BillSource.objects.create(name="payer", billing_format="legacy_cur")
    for period in periods:
        _month(source, period, slices, through=min(period.end, today))
    _arrange(periods)
    _findings(periods[-1], today)
    _plans(periods[0], today)


def team_keys() -> list[str]:
    """Teams, each followed by the one below it."""
    return [key for n in range(TEAMS) for key in (f"team-{n}", f"team-{n}-sub")]


def _teams() -> None:
    for n in range(TEAMS):
        above = Team.objects.create(key=f"team-{n}", name=f"Team {n}")
        below = Team.objects.create(key=f"team-{n}-sub", name=f"Team {n} below", parent=above)
        for team in (above, below):
            save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(team.key,), team_key=team.key))
        lead = User.objects.create_user(f"lead-{n}", f"lead-{n}@example.com")
        Membership.objects.create(team=above, user=lead, role=MemberRole.LEAD.value)
    staff = User.objects.create_user("staff", "staff@example.com")
    staff.groups.add(Group.objects.get_or_create(name=FINOPS_GROUP)[0])


def _team_of(n: int) -> str:
    """A seventh without a tag, a tenth of the rest with teams below."""
    if n % 7 == 0:
        return ""
    return f"team-{n % TEAMS}-sub" if n % 10 == 0 else f"team-{n % TEAMS}"


def _slices(count: int) -> Iterator[tuple[Any, ...]]:
    """Every owner has three accounts of its own, and three usage types of a service in each."""
    for n in range(count):
        group, account = n // OWNERS // 3, f"{100_000_000_000 + n % TEAMS * 3 + n // OWNERS // 3 % 3}"
        tags = {"Team": _team_of(n), "Environment": ENVIRONMENTS[group % 4], "Owner": f"someone{n % 40}@example.com"}
        tags |= {"CostCenter": f"cc-{100 + n % 12}"} if n % 5 else {}
        tags |= {"Project": f"project {n % 30}"} if n % 2 else {}
        yield (
            n + 1,
            "900000000001",
            account,
            f"Service {group % SERVICES}",
            ("us-east-1", "eu-west-1")[group % 2],
            f"Usage:{n % 301}",
            "Run",
            "Tax" if n % 53 == 0 else "Usage",
            "Usage",
            "Standard",
            "Used" if n % 10 == 0 else "",
            n % 53 != 0,
            {key: value for key, value in tags.items() if value},
        )


def _resources() -> Iterator[tuple[Any, ...]]:
    names = _columns(Resource)
    for n in range(RESOURCES):
        known = {"key": n + 1, "sub_account_id": f"{100_000_000_000 + n % ACCOUNTS}", "tags": {}, "name": f"host-{n}"}
        known |= {"resource_id": f"arn:aws:ec2:us-east-1:{100_000_000_000 + n % ACCOUNTS}:instance/i-0{n:016x}"}
        known |= {"state_on": None, "first_seen_on": None, "last_seen_on": None}
        yield tuple(known.get(name, "") for name in names)


def _accounts() -> Iterator[tuple[str, ...]]:
    for n in range(ACCOUNTS):
        yield (f"{100_000_000_000 + n}", f"account-{n}", "", "900000000001")


def _month(source: BillSource, period: BillingPeriod, slices: int, *, through: date) -> None:
    bill = Bill.objects.create(source=source, billing_period=period.start)
    made = BillImport.objects.create(
        source=source,
        bill=bill,
        billing_period=period.start,
        billing_currency="USD",
        state="in_force",
        tracked_tags=list(TRACKED),
        finished_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    days = [day.isoformat() for day in period.range.days() if day < through]
    columns = ("bill_import_id", "slice_id", "charge_date", *COST_COLUMNS, "consumed_quantity")
    copy_rows(
        DailyCost, columns, ((made.pk, n + 1, day, *_costs(n, at), 1.0) for n, at, day in _slice_days(slices, days))
    )
    copy_rows(ResourceCost, _columns(ResourceCost)[1:], _resource_rows(made.pk, slices, days))
    units = [sum(costs) for costs in zip(*(_costs(n, at) for n, at, _ in _slice_days(slices, days)), strict=True)]
    totals = {name: from_units(amount) for name, amount in zip(COST_COLUMNS, units, strict=True)}
    BillImport.objects.filter(pk=made.pk).update(**totals)
    allocate_import(made.pk)
    Bill.objects.filter(pk=bill.pk).update(import_in_force=made)


def _slice_days(slices: int, days: list[str]) -> Iterable[tuple[int, int, str]]:
    return ((n, at, day) for n in range(slices) for at, day in enumerate(days))


def _costs(n: int, at: int) -> tuple[int, ...]:
    """The five costs of a slice's day in whole 1e-10: some cents to ten dollars, all with ten decimals."""
    billed = (n * 7919 + at * 104_729) % 10**11 + 1
    return (billed, billed - billed // 7, billed, billed, billed)


def _resource_rows(import_pk: int, slices: int, days: list[str]) -> Iterator[tuple[Any, ...]]:
    taggable = [n for n in range(slices) if n % 53]
    for n in range(RESOURCES):
        for again in range(1 if n % 10 else 2):  # a tenth was tagged anew in mid-month
            of = taggable[(n + again) % len(taggable)]
            known = {"resource_id": n + 1, "slice_id": of + 1, "name": f"host-{n}", "resource_type": "instance"}
            known |= {"bill_import_id": import_pk, "usage_hours": 1.0, "consumed_quantity": 1.0}
            known |= {"first_charged_on": days[0], "last_charged_on": days[-1 if again else -2]}
            known |= dict(zip(COST_COLUMNS, _costs(n, again), strict=True))
            yield tuple(known[name] for name in _columns(ResourceCost)[1:])


def _pools(periods: list[BillingPeriod]) -> None:
    """Two pools with the untagged costs of a service each: split by cost, and by headcount."""
    drivers = PoolDriver.objects.create(key="headcount", name="Headcount")
    for period in periods:
        DriverValue.objects.bulk_create(
            DriverValue(driver=drivers, period=period.start, owner_key=key, value=Decimal(10 + at))
            for at, key in enumerate(team_keys())
        )
    targets = tuple(Target(key) for key in team_keys())
    for at, (name, weighing) in enumerate((("Support", Weighing.DIRECT), ("Platform", Weighing.DRIVER))):
        driver = drivers.key if weighing is Weighing.DRIVER else ""
        named = () if weighing is Weighing.DRIVER else targets
        key = save_pool(PoolInput(name, SplitMethod.PROPORTIONAL, weighing=weighing, driver_key=driver, targets=named))
        # What is tagged stays its team's: a month of two services would else be all the pools'.
        tree = {
            "all": [
                {"field": "service", "op": "is", "values": [f"Service {at}"]},
                {"field": "tag:Team", "op": "absent"},
            ]
        }
        save_rule(RuleInput(RuleKind.CONDITION, condition=tree, team_key=pool_owner(key)))


def _arrange(periods: list[BillingPeriod]) -> None:
    """Exemptions by resource, and charges that cannot be tagged."""
    since, until = periods[0].start, periods[-1].end + timedelta(days=365)
    staff, now = User.objects.get(username="staff"), datetime(2026, 1, 1, tzinfo=UTC)
    for at in range(3):
        Exemption.objects.create(
            resource=f"*i-0{at:015x}*",
            keys=["Project"],
            reason="Made elsewhere.",
            since=since,
            until=until,
            author=staff,
            created_at=now,
        )
    UntaggableCharge.objects.create(service_name="Service 39", usage_type="*", reason="Nobody can.")


def _findings(period: BillingPeriod, today: date) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    Finding.objects.bulk_create(
        Finding(
            ref=f"{key}-{n}",
            kind="not_running",
            subject_key=f"{key}-{n}",
            resource_id=f"i-{n}",
            owner_kind="team",
            owner_key=key,
            currency="USD",
            period=period.start,
            monthly_cost=Decimal(n),
            monthly_saving=Decimal(n),
            baseline_cost=Decimal(n),
            reason="Stopped.",
            first_seen_on=today,
            last_seen_on=today,
            changed_at=moment,
        )
        for key in team_keys()
        for n in range(FINDINGS_OF_A_TEAM)
    )


def _plans(first: BillingPeriod, today: date) -> None:
    """Every other team has a plan; the rest gets a forecast when its page is asked for."""
    for key in team_keys()[2::4]:
        wanted = BudgetInput(key, ScopeKind.TEAM, Decimal(10_000), scope_key=key, starts_on=first.start)
        create_budget(wanted, author=None, today=today)
    evaluate_budgets(today=today, now=datetime(today.year, today.month, today.day, tzinfo=UTC))


def _columns(model: Any) -> list[str]:
    return [field.column for field in model._meta.concrete_fields]
