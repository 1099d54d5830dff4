"""Two months with digits past the tenth, two owners and nobody, credits and tax: the lines behind every figure."""

from pathlib import Path

from costs.services import prepare_imports
from finops_site.pipeline import run_import
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.leaks.bills import Line, write_bill
from tests.tagging.builders import NOVEMBER, OCTOBER

PAYMENTS, SEARCH = (("Team", "payments"), ("Environment", "Prod")), (("Team", "search"),)
# Payments 1.00000000004 + 1.00000000004 + 2 = 4.00000000008; search 7 − 0.5 = 6.5; nobody 4 + 0.25 + 0.00000000003.
LINES = (
    Line("i-1", "1.00000000004", day=1, tags=(*PAYMENTS, ("Workload", "Peak"))),
    Line("i-1", "1.00000000004", day=3, tags=(*PAYMENTS, ("Workload", "Peak"))),
    Line(
        "i-2", "2", day=2, tags=PAYMENTS, region="eu-west-1", usage_type="EBS:VolumeUsage.gp3", operation="CreateVolume"
    ),
    Line("i-3", "7", day=2, tags=SEARCH, account="222222222222"),
    Line("i-3", "-0.5", day=2, tags=SEARCH, account="222222222222", kind="Credit"),
    Line("i-4", "4", day=2, service="Amazon Simple Storage Service", product="AmazonS3", usage_type="Requests-Tier1"),
    Line("", "0.25", day=1, kind="Tax", usage_type="", operation=""),
    Line("i-5", "0.00000000003", day=4, usage_type="DataTransfer-Out-Bytes"),
)


def import_months(folder: Path) -> None:
    """The same lines in October and November. Teams payments and search exist."""
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    for period in (OCTOBER, NOVEMBER):
        path = write_bill(folder / f"{period}.csv", str(period), LINES, extra_keys=["Workload"])
        for pk in prepare_imports([path], today=NOVEMBER.end):
            run_import(pk)
