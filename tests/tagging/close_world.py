"""What tests of closed months begin with: rules by team, a shared pool, a bill that comes again."""

from costs.models import BillImport
from tagging.models import AllocationRule, SharedPool
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.tagging.builders import OCTOBER, Spend, month

PAY, SEARCH, SHARED = {"Team": "payments"}, {"Team": "search"}, {"Project": "shared"}


def rules_by_team() -> None:
    """The tag Team names its team."""
    for key in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(key,), team_key=key))


def shared_pool(name: str) -> None:
    """What is tagged SHARED goes into a pool that is split in proportion to direct cost."""
    SharedPool.objects.create(key="platform", name=name, method="proportional")
    AllocationRule.objects.create(
        name="Shared", position=0, kind=RuleKind.TAG.value, tag_key="Project", tag_values=["shared"],
        target="pool:platform",
    )  # fmt: skip


def october_again(*spends: Spend) -> None:
    """October's bill is delivered again."""
    BillImport.objects.filter(bill_in_force__billing_period=OCTOBER.start).update(state="replaced")
    month(list(spends), period=OCTOBER)
