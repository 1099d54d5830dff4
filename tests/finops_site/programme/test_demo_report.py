"""What the demo prints of its programme."""

from datetime import date

import pytest

from finops_site.demo_programme import LINE_WIDTH, programme_report
from tests.finops_site.programme.world import begin


@pytest.mark.django_db
def test_a_go_no_go_point_ahead_is_no_final_no_and_lines_fit_a_terminal() -> None:
    begin()
    report = programme_report(today=date(2026, 3, 10))  # day 58: the last point is due on day 90
    assert "  Week 4: no go. " in report
    assert "  Months 2–3: no go yet. " in report
    assert max(len(line) for line in report.splitlines()) <= LINE_WIDTH
