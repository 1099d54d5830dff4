"""Advice follows the data: worked out again after every import and every day, whoever else does at once."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from celery.schedules import crontab
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from costs.errors import FinopsError
from costs.scope import Scope
from finops_site import celery, pipeline, tasks
from ri import selectors
from ri.models import PriceBook, RecommendationRun
from ri.services import Choices, Refreshed, import_prices, recommend, refresh_advice, reprice
from tests.conftest import ClientFor
from tests.costs.bills import bring_in, write_csv
from tests.costs.test_inventory import COMPUTE, DAY
from tests.ri.world import SOURCE, eight_days, lines, on_demand, price_file
from tests.tagging.page_world import text_of

pytestmark = pytest.mark.django_db(transaction=True)
INSTANCE = "i-1,us-east-1,0.5,Owner=Ann,m5.large,running,40\n"


def inventory(folder: Path, rows: str = INSTANCE) -> None:
    path = folder / "compute.csv"
    path.write_text(COMPUTE + rows)
    bring_in(path, snapshot_on=DAY, source="estate")


def shown(client: Client) -> str:
    response: HttpResponse = client.get("/commitments/")  # type: ignore[assignment]
    return text_of(response)


def quantities(source: str = SOURCE) -> list[int]:
    run = selectors.latest_run(Scope.all(), source)
    assert run is not None
    return [row.quantity for row in run.recommendations]


@pytest.mark.real_parts
def test_every_source_with_instances_gets_its_first_advice_and_then_keeps_one_answer(tmp_path: Path) -> None:
    eight_days(tmp_path)
    inventory(tmp_path)
    import_prices(price_file(tmp_path))
    for _ in range(2):
        assert refresh_advice() == Refreshed(("estate", SOURCE), ())
    assert sorted(RecommendationRun.objects.values_list("source_name", "price_book_name")) == [
        ("estate", "own"),
        (SOURCE, "own"),
    ]


def test_each_source_keeps_the_limits_and_the_book_of_its_newest_run(tmp_path: Path) -> None:
    eight_days(tmp_path)
    import_prices(price_file(tmp_path), name="older")
    recommend(SOURCE, choices=Choices(max_payback_months=Decimal(7), price_book="older"))
    import_prices(price_file(tmp_path), name="newer")
    refresh_advice()
    run = selectors.latest_run(Scope.all(), SOURCE)
    assert run is not None
    assert (run.max_payback_months, run.price_book) == (Decimal(7), "older")


def test_built_in_prices_give_way_to_the_company_s_own_and_a_book_that_is_gone_to_the_one_of_choice(
    tmp_path: Path,
) -> None:
    eight_days(tmp_path)
    recommend(SOURCE)
    import_prices(price_file(tmp_path))
    assert reprice("own").sources == (SOURCE,)
    assert RecommendationRun.objects.latest("pk").price_book_name == "own"
    PriceBook.objects.filter(name="own").delete()
    refresh_advice()
    assert RecommendationRun.objects.latest("pk").price_book_name == "representative"


def test_new_prices_touch_only_the_advice_that_rests_on_them(tmp_path: Path) -> None:
    eight_days(tmp_path)
    inventory(tmp_path)
    import_prices(price_file(tmp_path), name="one")
    recommend("estate", choices=Choices(price_book="one"))
    import_prices(price_file(tmp_path), name="two")
    recommend(SOURCE, choices=Choices(price_book="two"))
    assert reprice("one") == Refreshed(("estate",), ())


def test_what_is_shown_first_does_not_depend_on_what_was_worked_out_last(tmp_path: Path) -> None:
    # the bill is of May 2026, the inventory of November 2025, then of May 2026 too
    eight_days(tmp_path)
    inventory(tmp_path)
    for day in (DAY, DAY.replace(year=2026, month=5)):
        bring_in(tmp_path / "compute.csv", snapshot_on=day, source="estate")
        recommend(SOURCE)
        recommend("estate")
        run = selectors.latest_run(Scope.all())
        assert run is not None
        assert run.source_name == SOURCE


def test_a_source_without_anything_to_look_at_stops_no_other_and_says_why(tmp_path: Path) -> None:
    eight_days(tmp_path)
    inventory(tmp_path)
    other = {"lineItem/UsageType": "Requests-Tier1", "bill/PayerAccountId": "000000000002"}
    path = write_csv(tmp_path / "empty.csv", [next(iter(lines())) | other])
    bring_in(path, source="archive")
    found = refresh_advice()
    assert found.sources == ("estate", SOURCE)
    ((name, why),) = found.failed
    assert (name, why) == ("archive", "'archive' has no hourly usage of instances. Choose a later day.")


def test_an_import_that_comes_in_meanwhile_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two m5.large run in the first delivery, three in the one that comes in while the first is looked at.
    from ri.services import refresh  # noqa: PLC0415 - to be interrupted here

    eight_days(tmp_path)
    import_prices(price_file(tmp_path))
    more = [*lines(), *(on_demand(hour, "1", resource="i-3") for hour in range(192))]
    waiting = [more]

    def interrupted(source_name: str, *, choices: Choices) -> int:
        made = recommend(source_name, choices=choices)
        if waiting:
            bring_in(write_csv(tmp_path / "again.csv", waiting.pop()), source=SOURCE)
        return made

    monkeypatch.setattr(refresh, "recommend", interrupted)
    refresh_advice([SOURCE])
    assert quantities() == [3]
    assert RecommendationRun.objects.count() == 1


def test_a_finished_import_is_followed_by_advice_on_its_source_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = eight_days(tmp_path)
    inventory(tmp_path)
    assert pipeline.refresh_advice(made.pk) == Refreshed((SOURCE,), ())
    asked: list[int] = []
    monkeypatch.setattr(pipeline, "begin_import", lambda pk, now: pipeline.Run(made=[pk]))
    monkeypatch.setattr(tasks.evaluate_budgets, "delay", lambda: None)
    monkeypatch.setattr(tasks.refresh_advice, "delay", asked.append)
    tasks.run_import(7)
    assert asked == [7]


def test_an_import_that_is_refused_asks_for_no_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pk: int, *, now: datetime) -> pipeline.Run:
        raise FinopsError("no bill")

    monkeypatch.setattr(pipeline, "begin_import", refused)
    monkeypatch.setattr(tasks.refresh_advice, "delay", lambda pk: pytest.fail("asked"))
    tasks.run_import(7)


def test_beat_works_advice_out_every_morning(tmp_path: Path) -> None:
    assert dict(celery.SCHEDULE.values())["finops_site.refresh_advice"] == crontab(hour=6, minute=30)
    eight_days(tmp_path)
    tasks.refresh_advice()
    assert RecommendationRun.objects.count() == 1


def test_the_page_says_what_the_advice_rests_on_and_when_it_is_overtaken(
    tmp_path: Path, finops_lead: User, client_for: ClientFor
) -> None:
    eight_days(tmp_path)
    import_prices(price_file(tmp_path))
    refresh_advice()
    staff = client_for(finops_lead)
    page = shown(staff)
    assert "on data up to 8 May 2026" in page
    assert "worked out before that" not in page
    bring_in(write_csv(tmp_path / "again.csv", [*lines(), on_demand(1, "1", resource="i-3")]), source=SOURCE)
    page = shown(staff)
    assert "A newer import of payer came in on" in page
    assert "worked out before that, on data up to 8 May 2026" in page
    refresh_advice()
    import_prices(price_file(tmp_path, "us-east-1,m5.large,Linux/UNIX,default,0.10,standard,1,no_upfront,0,0.05\n"))
    assert "Price book own changed on" in shown(staff)
    PriceBook.objects.filter(name="own").delete()
    assert "Price book own was removed" in shown(staff)
