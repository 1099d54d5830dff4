"""Questions as URLs and back."""

import pytest

from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod
from costs.queries import CostQuery, Granularity, check_dimension, dimension_label, parse_query
from costs.terms import CostMetric

NOVEMBER = BillingPeriod.parse("2025-11")


def test_an_empty_url_asks_for_the_latest_month_by_service() -> None:
    assert parse_query({}, latest=NOVEMBER) == CostQuery(NOVEMBER, NOVEMBER)


def test_a_query_comes_back_from_its_own_parameters() -> None:
    query = CostQuery(
        first=BillingPeriod.parse("2025-09"),
        last=NOVEMBER,
        group_by="tag:Cost Center",
        granularity=Granularity.WEEK,
        metric=CostMetric.EFFECTIVE,
        currency="EUR",
        filters=(("service", "EC2"), ("service", "S3"), ("tag:Team", "(none)")),
    )
    params: dict[str, list[str]] = {}
    for name, value in query.params():
        params.setdefault(name, []).append(value)
    assert parse_query(params, latest=NOVEMBER) == query
    assert [str(period) for period in query.periods] == ["2025-09", "2025-10", "2025-11"]
    assert [str(period) for period in query.previous().periods] == ["2025-06", "2025-07", "2025-08"]


def test_empty_and_unknown_parameters_are_left_alone() -> None:
    assert parse_query({"service": [""], "page": ["2"], "by": [""]}, latest=NOVEMBER) == CostQuery(NOVEMBER, NOVEMBER)


@pytest.mark.parametrize(
    ("params", "hint"),
    [
        ({"period": ["2025-13"]}, "YYYY-MM"),
        ({"by": ["colour"]}, "tag:KEY"),
        ({"per": ["hour"]}, "day, week, month"),
        ({"basis": ["cash"]}, "billed, effective"),
        ({"from": ["2025-12"], "to": ["2025-11"]}, "Swap"),
        ({"from": ["2020-01"], "to": ["2025-11"]}, "at most 36"),
    ],
)
def test_what_cannot_be_asked_says_what_can(params: dict[str, list[str]], hint: str) -> None:
    with pytest.raises(InvalidRequestError, match=hint):
        parse_query(params, latest=NOVEMBER)


def test_drilling_down_replaces_the_filter_of_that_dimension() -> None:
    query = CostQuery(NOVEMBER, NOVEMBER, filters=(("service", "EC2"), ("team", "a")))
    assert query.narrowed_to("service", "S3").filters == (("team", "a"), ("service", "S3"))


def test_a_tag_keeps_its_case_and_names_do_not_need_theirs() -> None:
    assert check_dimension("TAG:CostCenter") == "tag:CostCenter"
    assert check_dimension("Service") == "service"
    assert dimension_label("tag:Owner") == "Tag Owner"
