"""Several look for findings at once, on the real database: one row each, one event each."""

from datetime import date

import pytest

from tagging.models import Finding, Team
from tagging.terms import FindingState
from tests.real_parts.test_alerts_once import at_once
from tests.tagging.builders import NOVEMBER, OCTOBER
from tests.tagging.finding_world import both, detect_on, full, make_rules, volume

pytestmark = pytest.mark.real_parts


def test_findings_are_kept_once_when_several_look_at_once(committed: None) -> None:
    for name in ("payments", "search"):
        Team.objects.create(key=name, name=name.title())
    make_rules()
    full(OCTOBER, *both())
    at_once(lambda: detect_on(date(2025, 11, 3)))
    assert Finding.objects.count() == 2
    assert Finding.history.count() == 2

    full(NOVEMBER, volume("50", team="search", name="vol-search"))
    at_once(lambda: detect_on(date(2025, 12, 3)))
    states = dict(Finding.objects.values_list("resource_id", "state"))
    assert states == {"vol-pay": FindingState.DONE.value, "vol-search": FindingState.OPEN.value}
    assert Finding.history.count() == 3
    assert [month.saving for month in Finding.objects.get(resource_id="vol-pay").months.all()] == [100]
