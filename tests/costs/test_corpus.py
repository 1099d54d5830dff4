"""Every file of the corpus ends as its case says, and never in between."""

from decimal import Decimal
from pathlib import Path

import pytest

from costs.errors import ImportRejectedError
from costs.models import Bill, BillImport, DailyCost
from costs.terms import ImportState
from tests.costs import corpus_inventory
from tests.costs.bills import bring_in, bring_in_lines, line
from tests.costs.corpus import Case, Counted, Refused
from tests.costs.corpus_cur import CASES as BILLS

pytestmark = pytest.mark.django_db(transaction=True)

CASES = BILLS | {f"inventory: {name}": case for name, case in corpus_inventory.CASES.items()}
REFUSED = {name: case for name, case in CASES.items() if isinstance(case.outcome, Refused)}
COUNTED = {name: case for name, case in CASES.items() if isinstance(case.outcome, Counted)}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_broken_file_is_refused_in_these_words_and_the_month_in_force_stays(tmp_path: Path, case: Case) -> None:
    assert isinstance(case.outcome, Refused)
    good = bring_in_lines(tmp_path, line(cost="10"), name="good.csv")
    with pytest.raises(ImportRejectedError) as refused:
        bring_in(*case.make(tmp_path))
    assert str(refused.value) == case.outcome.text
    assert Bill.objects.get(import_in_force__isnull=False).import_in_force == good
    assert {item.state for item in BillImport.objects.exclude(pk=good.pk)} <= {ImportState.FAILED}
    assert set(DailyCost.objects.values_list("bill_import_id", flat=True)) == {good.pk}


@pytest.mark.parametrize("case", COUNTED.values(), ids=COUNTED.keys())
def test_odd_file_counts_exactly(tmp_path: Path, case: Case) -> None:
    outcome = case.outcome
    assert isinstance(outcome, Counted)
    (made,) = bring_in(*case.make(tmp_path))
    assert (made.state, made.rows, made.billed_cost, made.effective_cost, made.billing_currency) == (
        ImportState.IN_FORCE,
        outcome.rows,
        Decimal(outcome.billed),
        Decimal(outcome.effective or outcome.billed),
        outcome.currency,
    )
    assert set(outcome.findings) <= {finding["code"] for finding in made.findings}
