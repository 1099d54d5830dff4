"""Several workers that work the same advice out at once, on the real database: one answer stays."""

from pathlib import Path

import pytest

from ri.models import Recommendation, RecommendationRun
from ri.services import import_prices, refresh_advice
from tests.real_parts.test_alerts_once import at_once
from tests.ri.world import SOURCE, eight_days, price_file

pytestmark = pytest.mark.real_parts


def test_one_answer_stays_when_several_work_it_out_at_once(committed: None, tmp_path: Path) -> None:
    eight_days(tmp_path)
    import_prices(price_file(tmp_path))
    for _ in range(2):
        at_once(refresh_advice)
    (run,) = RecommendationRun.objects.all()
    assert (run.source_name, run.price_book_name) == (SOURCE, "own")
    assert Recommendation.objects.count() == 1
