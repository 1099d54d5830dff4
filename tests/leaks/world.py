"""Two worlds of bills and inventories: what is Alpha's is the same in both, all that is others' is not."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from costs import services as intake
from finops_site import pipeline
from tagging.models import SharedPool
from tagging.pools import Target
from tagging.services import PoolInput, RuleInput, save_pool, save_rule
from tagging.terms import RuleKind, SplitMethod
from tests.leaks.bills import Line, write_bill

TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 6, tzinfo=UTC)
PERIODS = ("2026-01", "2026-02")
GP2, GP3 = "EBS:VolumeUsage.gp2", "EBS:VolumeUsage.gp3"
STOPPED_ON = date(2026, 2, 10)
# i-alpha-stopped and one of others have a volume each; vol-alpha-guest hangs on the stopped instance of others.
INVENTORY = (
    "ResourceId,Region,CostUSD,Tags,InstanceType,State,CPUUtilization,Volumes",
    "i-alpha-stopped,us-east-1,0.10,Team=Alpha,m5.large,stopped,0,vol-alpha-stopped",
    "i-alpha-idle,us-east-1,0.10,Team=Alpha,m5.large,running,2,",
    "i-alpha-1,us-east-1,0.10,Team=Alpha,m5.large,running,60,",
    "i-shared,us-east-1,0.10,Team=Alpha,m5.large,running,3,",
)
OTHERS_INVENTORY = {
    1: (
        "i-beta-stopped,us-east-1,0.10,Team=Beta,m5.large,stopped,0,vol-beta-stopped vol-alpha-guest",
        "i-beta-idle,us-east-1,0.10,Team=Beta,m5.large,running,1,",
    ),
    2: (
        "i-beta-hush,eu-west-1,7.00,Team=BETA,hush.large,stopped,0,vol-beta-stopped vol-alpha-guest vol-hush",
        "i-beta-idle,us-east-1,9.00,Team=BETA,r5.large,running,4,",
        "i-gamma,eu-west-1,3.00,Team=Gamma,r5.large,terminated,0,vol-gamma",
    ),
}


def own_lines(period: str) -> list[Line]:
    """Alpha's and its sub-team's lines: the same in both worlds. They share an account and a resource with Beta.

    Alpha uses CostObject, which no rule looks at but one of others in world 2. i-moved is Alpha's in the first month.
    """
    tags = (("Team", "Alpha"), ("Environment", "Prod"), ("Owner", "ada"), ("CostCenter", "100"), ("Project", "x"))
    mobile = (("Team", "Alpha Mobile"), ("Environment", "Dev"), ("Owner", "ada"))
    moved = (Line("i-moved", "3.00", day=1, tags=(("Team", "Alpha"), ("Name", "alpha-moved"))),)
    return [
        Line("i-alpha-1", "12.50", day=1, tags=(*tags, ("CostObject", "co-1"))),
        Line("i-alpha-1", "13.00", day=2, tags=tags),
        Line("i-shared", "2.00", day=1, tags=(*tags[:1], ("Name", "alpha-shared"), ("CostObject", "co-2"))),
        Line("vol-alpha", "1.25", day=2, usage_type="EBS:VolumeUsage.gp3", operation="CreateVolume-Gp3", tags=tags),
        Line("bucket-alpha", "0.75", day=3, service="Amazon Simple Storage Service", product="AmazonS3",
             usage_type="TimedStorage-ByteHrs", operation="StandardStorage", tags=tags[:1]),
        Line("vol-alpha-gp2", "60.00", day=2, usage_type=GP2, operation="CreateVolume-Gp2", tags=tags[:1]),
        Line("vol-shared-gp2", "30.00", day=2, usage_type=GP2, operation="CreateVolume-Gp2", tags=tags[:1]),
        Line("vol-alpha-stopped", "31.00", day=20, usage_type=GP3, operation="CreateVolume-Gp3", tags=tags[:1]),
        Line("vol-alpha-guest", "18.00", day=20, usage_type=GP3, operation="CreateVolume-Gp3", tags=tags[:1]),
        Line("i-alpha-idle", "44.00", day=5, tags=tags[:1]),
        Line("i-mobile-1", "4.00", day=4, account="333333333333", tags=mobile),
        *(moved if period == PERIODS[0] else ()),
    ]  # fmt: skip


def others_lines(world: int, period: str) -> list[Line]:
    """Beta's and nobody's lines: other amounts, resources, services, regions, accounts, tags in world 2."""
    beta = (("Team", "Beta"), ("Environment", "Staging"), ("Owner", "bert"), ("Project", "hush"))
    first = [
        Line("i-beta-1", "100.00", day=1, tags=beta),
        Line("i-shared", "5.00", day=5, tags=(*beta, ("Name", "beta-shared"))),
        Line("i-nobody", "7.00", day=2),
        Line("i-beta-idle", "21.00", day=6, tags=beta),
        Line("vol-beta-stopped", "11.00", day=21, usage_type=GP3, tags=beta),
        Line("vol-nobody-gp2", "25.00", day=2, usage_type=GP2),
        Line("vol-shared-gp2", "20.00", day=3, usage_type=GP2, tags=beta),
        Line("", "3.00", day=1, kind="Tax", usage_type="", operation=""),
    ]
    if world == 1:
        return first if period == PERIODS[0] else [*first, Line("i-moved", "3.00", tags=beta)]
    renamed = (("Team", "BETA"), ("Owner", "bruno"), ("Secret", "plans"), ("Environment", "Prod"))
    hushed = (*renamed, ("CostObject", "hush"), ("Name", "hush-name"), ("Cost-Center", "hush"), ("Projct", "hush"))
    later = Line("i-moved", "6.00", day=3, region="eu-west-1", family="Hush Instance", tags=hushed)
    return [
        Line("i-beta-1", "250.75", day=1, tags=renamed),
        Line("i-shared", "6.00", day=5, family="Hush Instance", tags=hushed),
        Line("i-beta-2", "80.10", day=1, account="222222222222", region="eu-west-1", tags=renamed),
        Line("db-beta", "41.00", day=5, service="Amazon Relational Database Service", product="AmazonRDS",
             usage_type="InstanceUsage:db.r5.large", operation="CreateDBInstance", tags=renamed),
        Line("i-nobody", "9.00", day=2, account="444444444444"),
        Line("i-beta-idle", "57.00", day=7, tags=renamed),
        Line("vol-beta-stopped", "19.00", day=25, usage_type=GP3, tags=renamed),
        Line("vol-beta-gp2", "90.00", day=9, usage_type=GP2, tags=renamed),
        Line("vol-shared-gp2", "70.00", day=3, usage_type=GP2, tags=(*hushed, ("Project", "hush"))),
        Line("", "5.55", day=1, kind="Tax", usage_type="", operation=""),
        Line("i-gamma", "60.00", day=6, tags=(("Team", "Gamma"),)),
        *((later,) if period == PERIODS[1] else ()),
    ]  # fmt: skip


def pool_lines(world: int) -> list[Line]:
    """What goes to pools, in the account that all share. Alpha has 60 % of Common, and of Quiet its cap: 2.00.

    Quiet and what others alone share cost more in world 2.
    """
    quiet, hushed = ("10.00", "8.00") if world == 1 else ("20.00", "31.00")
    return [
        Line("i-common", "30.00", day=3, tags=(("Team", "Common"),)),
        Line("i-quiet-hush", quiet, day=3, tags=(("Team", "Quiet"),)),
        Line("i-hushed-hush", hushed, day=4, tags=(("Team", "Hushed"),)),
    ]


def share_pools(world: int) -> None:
    """Alpha's parts of pools are the same in both worlds; who else has one, under which name and by what, is not."""
    rest = {"beta": Decimal(40)} if world == 1 else {"beta": Decimal(30), "gamma": Decimal(10)}
    common = [Target("alpha", Decimal(60)), *(Target(key, pct) for key, pct in rest.items())]
    quiet = [Target("alpha", Decimal(50), Decimal(2)), *(Target(key, pct * 50 / 40) for key, pct in rest.items())]
    hushed = [Target(key, pct * 100 / 40) for key, pct in rest.items()]
    for name, shared, is_open in (("Common", common, True), ("Quiet", quiet, False), ("Hushed", hushed, True)):
        known = SharedPool.objects.filter(key=name.lower()).exists()
        title = f"{name} Secret" if name == "Hushed" and world == 2 else name
        save_pool(PoolInput(title, SplitMethod.FIXED, key=name.lower() if known else "", targets=tuple(shared),
                            rest_to="beta", is_open=is_open, reason="Hush, a secret"))  # fmt: skip
        if not known:
            save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=f"pool:{name.lower()}"))


def import_bills_of_others_alone(folder: Path) -> None:
    """A newer month of another payer, and a month in another currency: of both Alpha has nothing.

    Nothing of Alpha's is in March yet, which says nothing of its resources.
    """
    hushed = (("Team", "BETA"), ("Owner", "bruno"))
    for period, currency, payer in (("2026-03", "USD", "900000000002"), ("2026-02", "EUR", "900000000003")):
        lines = [Line("i-beta-hush", "70.00", account="222222222222", tags=hushed), Line("i-nobody", "4.00")]
        path = write_bill(folder / f"others-{period}-{currency}.csv", period, lines, payer=payer, currency=currency)
        for pk in intake.prepare_imports([path], today=TODAY):
            pipeline.run_import(pk)


def import_world(folder: Path, world: int) -> None:
    extra = () if world == 1 else ("Secret", "Cost-Center", "Projct")
    for period in PERIODS:
        path = folder / f"world{world}-{period}.csv"
        write_bill(
            path, period, [*others_lines(world, period), *pool_lines(world), *own_lines(period)], extra_keys=extra
        )
        for pk in intake.prepare_imports([path], today=TODAY):
            pipeline.run_import(pk)
    inventory = folder / f"inventory{world}.csv"
    inventory.write_text("\n".join((*INVENTORY, *OTHERS_INVENTORY[world])) + "\n")
    for pk in intake.prepare_imports([inventory], snapshot_on=STOPPED_ON, today=TODAY):
        pipeline.run_import(pk)
