"""Re-allocation of a month of a million daily rows under 200 rules, against pandas doing the same matching.

    python benchmarks/bench_allocation.py [--rows 1000000] [--rules 200] [--rounds 3]

Both read the month from the database, find the owner of everything by the first rule that matches, add up by day,
owner, service, account, region and category on five cost bases, and write that back; ours also keeps every slice's
owner with the reason and checks the sums. Processor time, since both use one core: other load on the machine then
matters less. The owners' totals must agree. In turn, medians; ends with 1 where the ratio is over its budget. A dry
run of one more rule is timed beside it.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RATIO_BUDGET = 0.5
DAYS = 30
SERVICES, REGIONS, ACCOUNTS, TEAMS = 40, 4, 25, 40


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(DATA_DIR=folder, DJANGO_SETTINGS_MODULE="finops_site.settings", DATABASE_URL="")
        import django  # noqa: PLC0415 - the settings read the environment above

        django.setup()
        return _run(asked.rows, asked.rules, asked.rounds)


def _run(rows: int, rules: int, rounds: int) -> int:
    from django.core.management import call_command  # noqa: PLC0415 - after the set-up

    from tagging.services import reallocate  # noqa: PLC0415 - after the set-up

    call_command("migrate", verbosity=0)
    import_pk = _fill(rows, rules)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_timed(reallocate))
        theirs.append(_timed(lambda: _pandas(import_pk)))
    _agree(import_pk, _pandas(import_pk))
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(f"{rows:,} daily rows, {rules} rules")
    print(f"ours    {statistics.median(ours):6.2f} s  {[round(took, 2) for took in ours]}")
    print(f"pandas  {statistics.median(theirs):6.2f} s  {[round(took, 2) for took in theirs]}")
    print(f"ratio   {ratio:6.2f}    budget {RATIO_BUDGET}")
    print(f"dry run {_timed(_dry_run):6.2f} s")
    return 1 if ratio > RATIO_BUDGET else 0


def _timed(work: Any) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _slices(count: int) -> Iterator[tuple[Any, ...]]:
    """Slices as rules see them: n decides everything, the same every time."""
    for n in range(count):
        tags = {"Team": f"Team-{n % ACCOUNTS * 4 + n // ACCOUNTS % 4}"} if n % 3 else {}
        tags |= {"App": f"app-{n % 211}"} if n % 2 else {}
        yield (
            n + 1,
            "900000000001",
            f"{n % ACCOUNTS:012d}",
            f"Service {n // 7 % SERVICES}",
            f"region-{n % ACCOUNTS % REGIONS}",
            f"Usage:{n % 301}",
            "Run",
            "Tax" if n % 53 == 0 else "Usage",
            "Usage",
            "Standard",
            "",
            True,
            tags,
        )


def _rule_inputs(count: int) -> Iterator[Any]:
    """Six in ten on tags, two on conditions, two on accounts, as they come in their order of kinds."""
    from tagging.inputs import RuleInput  # noqa: PLC0415 - after the set-up
    from tagging.terms import RuleKind  # noqa: PLC0415 - after the set-up

    for n in range(count * 2 // 10):
        tree = {
            "all": [
                {"field": "service", "op": "is", "values": [f"Service {n % SERVICES}"]},
                {"any": [{"field": "tag:App", "op": "starts", "values": [f"app-{n % 20}"]},
                         {"field": "usage_type", "op": "like", "values": [f"usage:{n}*"]}]},
            ]
        }  # fmt: skip
        yield RuleInput(RuleKind.CONDITION, condition=tree, team_key=f"team-{n % TEAMS}")
    for n in range(count * 6 // 10):
        yield RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(f"team-{n}", f"t{n}"), team_key=f"team-{n % TEAMS}")
    for n in range(count * 2 // 10):
        yield RuleInput(RuleKind.ACCOUNT, sub_account_id=f"{n % ACCOUNTS:012d}", team_key=f"team-{n % TEAMS}")


def _fill(rows: int, rules: int) -> int:
    from costs.bulk import copy_rows  # noqa: PLC0415 - after the set-up
    from costs.charges import SLICE_DIMENSIONS  # noqa: PLC0415 - after the set-up
    from costs.models import Bill, BillImport, BillSource, CostSlice, DailyCost  # noqa: PLC0415 - after the set-up
    from costs.periods import BillingPeriod  # noqa: PLC0415 - after the set-up
    from costs.terms import COST_COLUMNS  # noqa: PLC0415 - after the set-up
    from tagging.models import Team  # noqa: PLC0415 - after the set-up
    from tagging.services.rules import add_rules  # noqa: PLC0415 - after the set-up

    start, count = BillingPeriod.parse("2025-11").start, rows // DAYS
    source = BillSource.objects.create(name="payer", billing_format="legacy_cur")
    bill = Bill.objects.create(source=source, billing_period=start)
    made = BillImport.objects.create(
        source=source, bill=bill, billing_period=start, billing_currency="USD", state="in_force",
        tracked_tags=["Team", "App"],
    )  # fmt: skip
    copy_rows(CostSlice, ("key", *SLICE_DIMENSIONS, "tags"), _slices(count))
    columns = ("bill_import_id", "slice_id", "charge_date", *COST_COLUMNS, "consumed_quantity")
    days = [start + timedelta(days=day) for day in range(DAYS)]
    copy_rows(
        DailyCost,
        columns,
        (
            (made.pk, n + 1, day.isoformat(), *[(n * 7919 + at * 104_729) % 10**12 + 1] * len(COST_COLUMNS), 1.0)
            for n in range(count)
            for at, day in enumerate(days)
        ),
    )
    Bill.objects.filter(pk=bill.pk).update(import_in_force=made)
    Team.objects.bulk_create(Team(key=f"team-{n}", name=f"Team {n}") for n in range(TEAMS))
    add_rules(list(_rule_inputs(rules)))
    return int(made.pk)


def _pandas(import_pk: int) -> Any:
    """The same on every row: rules from the last to the first, so that the first has the last word."""
    import pandas as pd  # noqa: PLC0415 - only what is compared needs it
    from django.db import connection  # noqa: PLC0415 - after the set-up

    from costs.terms import COST_COLUMNS  # noqa: PLC0415 - after the set-up
    from tagging.selectors.teams import rules_in_use  # noqa: PLC0415 - after the set-up

    connection.ensure_connection()
    store: Any = connection.connection
    daily = pd.read_sql_query(
        f"SELECT slice_id, charge_date, {', '.join(COST_COLUMNS)} FROM costs_dailycost WHERE bill_import_id = ?",
        store,
        params=(import_pk,),
    )
    slices = pd.read_sql_query(
        "SELECT key AS slice_id, sub_account_id AS account, service_name AS service, region_id AS region, usage_type,"
        " charge_category AS category, coalesce(tags ->> 'Team', '') AS team, coalesce(tags ->> 'App', '') AS app"
        " FROM costs_costslice",
        store,
    )
    rows = daily.merge(slices, on="slice_id")
    rows["owner"] = _owners(rows, rules_in_use())
    keys = ["charge_date", "owner", "service", "account", "region", "category"]
    found = rows.groupby(keys, sort=False)[list(COST_COLUMNS)].sum()
    found.reset_index().to_sql("compared", store, if_exists="replace", index=False)
    return found


def _owners(rows: Any, rules: Any) -> Any:
    import pandas as pd  # noqa: PLC0415 - only what is compared needs it

    from tagging.terms import RuleKind  # noqa: PLC0415 - after the set-up

    folded = {name: rows[name].str.strip().str.casefold() for name in ("team", "app", "service", "usage_type")}
    owner = pd.Series("", index=rows.index)
    for rule in reversed(rules):
        if rule.kind is RuleKind.TAG:
            mask = folded["team"].isin([value.casefold() for value in rule.tag_values])
        elif rule.kind is RuleKind.ACCOUNT:
            mask = rows["account"] == rule.sub_account_id
        else:
            service, either = rule.condition.parts
            app, usage = (part.values[0].casefold() for part in either.parts)
            mask = (folded["service"] == service.values[0].casefold()) & (
                folded["app"].str.startswith(app) | folded["usage_type"].str.startswith(usage.rstrip("*"))
            )
        owner[mask] = rule.owner_key
    return owner


def _agree(import_pk: int, theirs: Any) -> None:
    from django.db.models import Sum  # noqa: PLC0415 - after the set-up

    from costs.money import to_units  # noqa: PLC0415 - after the set-up
    from tagging.models import AllocatedCost  # noqa: PLC0415 - after the set-up

    found = AllocatedCost.objects.filter(bill_import_id=import_pk).order_by().values_list("owner_key")
    ours = {owner: to_units(cost) for owner, cost in found.annotate(Sum("billed_cost"))}
    other = theirs["billed_cost"].groupby("owner").sum().to_dict()
    if ours != other:
        raise SystemExit("The two do not agree on who owns what: the benchmark measures different work.")


def _dry_run() -> None:
    from tagging.inputs import RuleInput  # noqa: PLC0415 - after the set-up
    from tagging.services import dry_run, save_rule  # noqa: PLC0415 - after the set-up
    from tagging.terms import RuleKind  # noqa: PLC0415 - after the set-up

    tree = {"field": "region", "op": "is", "values": ["region-1"]}
    dry_run(lambda: save_rule(RuleInput(RuleKind.CONDITION, condition=tree, team_key="team-1"), allocate=False))


if __name__ == "__main__":
    sys.exit(main())
