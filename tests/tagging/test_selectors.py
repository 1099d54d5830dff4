"""What readers get: costs by any dimension, chargeback that closes, statements, and never another's."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.queries import NOT_SET, CostQuery, Granularity
from costs.scope import Scope
from costs.terms import BillingFormat, CostMetric
from tagging.access import scope_of
from tagging.models import Team
from tagging.selectors import (
    allocation_rules,
    chargeback,
    compliance,
    currencies_of,
    decision_slices,
    decisions,
    explore_costs,
    filter_choices,
    latest_period,
    movers,
    needs_setup,
    resources,
    setup_proposal,
    statement,
    statements,
    team_by_key,
    tracked_keys,
    trust,
    visible_teams,
)
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind, TagState
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month, name_account

pytestmark = pytest.mark.django_db
ALL = Scope.all()
BILLED, EFFECTIVE = CostMetric.BILLED, CostMetric.EFFECTIVE
PAYMENTS = Scope.teams(frozenset({"payments"}))


@pytest.fixture
def rules(team: Team, other_team: Team) -> None:
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))


@pytest.fixture
def two_months(rules: None) -> None:
    """November: payments 30 (10 + 20), search 5, nobody 7 (tax 4 and usage 3). October: payments 12, search 5."""
    pay, search = {"Team": "payments", "Environment": "production", "Project": "P1"}, {"Team": "Search"}
    month([Spend("12", tags=pay), Spend("5", tags=search)], period=OCTOBER)
    month(
        [
            Spend("10", tags=pay, resource="i-1", effective="8"),
            Spend("20", tags={"Team": "Payments", "Environment": "Moon"}, day=30, service="Storage", resource="bucket"),
            Spend("5", tags=search, day=12, account="222222222222", resource="i-2"),
            Spend("4", category="Tax"),
            Spend("3", day=2, resource="i-3"),
        ]
    )


def decimals(*figures: int) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, figures))


def month_query(**kwargs: object) -> CostQuery:
    return CostQuery(NOVEMBER, NOVEMBER, **kwargs)  # type: ignore[arg-type]


def test_costs_by_team_hold_every_cost_and_put_nobody_last(two_months: None) -> None:
    table = explore_costs(ALL, month_query(group_by="team"))
    assert [(row.key, row.label, row.cost, row.previous_cost) for row in table.rows] == [
        ("payments", "Payments", Decimal(30), Decimal(12)),
        ("search", "Search", Decimal(5), Decimal(5)),
        (NOT_SET, "Unallocated", Decimal(7), Decimal(0)),
    ]
    assert (table.total, table.previous_total, table.currency) == (Decimal(42), Decimal(17), "USD")


@pytest.mark.parametrize(
    ("dimension", "first"),
    [
        ("service", ("Compute", 22)),
        ("account", ("111111111111", 37)),
        ("region", ("eu-west-1", 42)),
        ("category", ("Usage", 38)),
        ("environment", ("Moon", 20)),
        ("usage_type", ("BoxUsage", 42)),
        ("cost_center", ("CC-100", 30)),
        ("project", ("P1", 10)),
        ("owner", (NOT_SET, 42)),
        ("tag:team", ("Payments", 20)),
    ],
)
def test_every_dimension_sums_to_the_same_total(two_months: None, dimension: str, first: tuple[str, int]) -> None:
    table = explore_costs(ALL, month_query(group_by=dimension))
    assert (table.rows[0].key, table.rows[0].cost) == (first[0], Decimal(first[1]))
    assert sum((row.cost for row in table.rows), Decimal(0)) == table.total == Decimal(42)


def test_points_fall_on_their_days_and_sum_to_the_row(two_months: None) -> None:
    table = explore_costs(ALL, month_query(group_by="team", granularity=Granularity.DAY))
    payments = table.rows[0]
    assert len(payments.points) == len(table.bucket_starts) == 30
    assert {at + 1: int(cost) for at, cost in enumerate(payments.points) if cost} == {1: 10, 30: 20}


def test_filters_of_one_dimension_are_alternatives_and_several_dimensions_must_all_hold(two_months: None) -> None:
    either = month_query(group_by="team", filters=(("service", "Storage"), ("service", "Compute")))
    assert explore_costs(ALL, either).total == Decimal(42)
    both = month_query(filters=(("tag:TEAM", "Payments"), ("service", "Storage")))
    assert explore_costs(ALL, both).total == Decimal(20)
    nobody = month_query(group_by="category", filters=(("team", NOT_SET),))
    assert [(row.key, row.cost) for row in explore_costs(ALL, nobody).rows] == [
        ("Tax", Decimal(4)),
        ("Usage", Decimal(3)),
    ]


def test_a_month_delivered_again_counts_once_under_every_filter(two_months: None) -> None:
    pay = {"Team": "payments", "Environment": "production", "Project": "P1"}
    month([Spend("11", tags=pay, resource="i-1"), Spend("5", tags={"Team": "Search"})])  # the same slices once more
    filters = (("team", "payments"), ("environment", "Prod"), ("project", "P1"), ("cost_center", "CC-100"))
    for dimension in ("usage_type", "project", "team", "tag:Team"):
        assert explore_costs(ALL, month_query(group_by=dimension, filters=filters)).total == Decimal(11)
        assert explore_costs(PAYMENTS, month_query(group_by=dimension, filters=filters)).total == Decimal(11)
    why = decisions(PAYMENTS, NOVEMBER, team_key="payments", metric=BILLED, filters=(("project", "P1"),))
    assert (why.total, why.rows[0].slice_count) == (Decimal(11), 1)
    assert resources(PAYMENTS, NOVEMBER, metric=BILLED).total == Decimal(11)


def test_a_team_sees_only_its_own_rows_totals_and_choices(two_months: None) -> None:
    table = explore_costs(PAYMENTS, month_query(group_by="team"))
    assert [(row.key, row.cost) for row in table.rows] == [("payments", Decimal(30))]
    assert (table.total, table.previous_total) == (Decimal(30), Decimal(12))
    assert filter_choices(PAYMENTS, month_query(), "account") == (("111111111111", "111111111111"),)
    assert explore_costs(PAYMENTS, month_query(filters=(("team", "search"),))).rows == ()
    assert explore_costs(PAYMENTS, month_query(filters=(("tag:Team", "Search"),))).total == 0


def test_movers_compare_the_newest_month_up_to_its_last_day_with_the_same_days_before(rules: None) -> None:
    tag = {"Team": "payments"}
    month([Spend("10", tags=tag), Spend("90", tags=tag, day=20, service="Storage")], period=OCTOBER)
    month([Spend("15", tags=tag), Spend("1", tags=tag, day=10, service="Queue")])
    found = movers(ALL, NOVEMBER, by="service", metric=BILLED)
    assert (found.day_count, found.is_whole_month) == (10, False)
    assert [(row.key, row.previous_cost, row.change, row.change_ratio) for row in found.rows] == [
        ("Compute", Decimal(10), Decimal(5), Decimal("0.5")),
        ("Queue", Decimal(0), Decimal(1), None),
    ]
    older = movers(ALL, OCTOBER, by="service", metric=BILLED)
    assert older.is_whole_month


def test_chargeback_closes_rows_unallocated_and_difference_to_the_bill(two_months: None) -> None:
    month_by_team = chargeback(ALL, NOVEMBER, metric=BILLED)
    assert [(row.owner, row.total_cost, row.previous_total_cost) for row in month_by_team.rows] == [
        ("Payments", Decimal(30), Decimal(12)),
        ("Search", Decimal(5), Decimal(5)),
    ]
    assert (month_by_team.bill_total, month_by_team.unallocated_cost, month_by_team.difference) == decimals(42, 7, 0)
    assert chargeback(ALL, NOVEMBER, metric=EFFECTIVE).total_cost == Decimal(33)


@pytest.mark.parametrize("by", ["cost_center", "project", "owner", "environment", "account", "service", "tag:TEAM"])
def test_lines_without_the_key_are_unallocated_and_never_a_row(two_months: None, by: str) -> None:
    found = chargeback(ALL, NOVEMBER, by=by, metric=BILLED)
    assert "" not in {row.owner for row in found.rows}
    assert found.unallocated_cost is not None
    assert found.total_cost + found.unallocated_cost == found.bill_total == Decimal(42)
    assert found.difference == 0


def test_an_unknown_dimension_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequestError, match="'colour' is not a dimension"):
        chargeback(ALL, NOVEMBER, by="colour", metric=BILLED)


def test_a_teams_chargeback_and_statements_hold_no_figure_of_the_bill(two_months: None) -> None:
    own = chargeback(PAYMENTS, NOVEMBER, metric=BILLED)
    assert [(row.key, row.total_cost) for row in own.rows] == [("payments", Decimal(30))]
    assert (own.bill_total, own.unallocated_cost, own.difference) == (None, None, None)
    listed = statements(PAYMENTS, NOVEMBER, metric=BILLED)
    assert [row.team_key for row in listed.rows] == ["payments"]
    assert (listed.bill_total, listed.unallocated_cost, listed.difference) == (None, None, None)


def test_a_statement_has_lines_that_sum_to_its_direct_cost(two_months: None) -> None:
    name_account("111111111111", "Shop")
    found = statement(PAYMENTS, NOVEMBER, "payments", metric=BILLED)
    assert [(line.service_name, line.sub_account_name, line.cost) for line in found.lines] == [
        ("Storage", "Shop", Decimal(20)),
        ("Compute", "Shop", Decimal(10)),
    ]
    assert (found.summary.total_cost, found.summary.change) == decimals(30, 18)
    assert found.summary.state == "draft"


@pytest.mark.parametrize("key", ["search", "there-is-none"])
def test_another_teams_object_does_not_exist(two_months: None, key: str) -> None:
    for ask in (
        lambda: statement(PAYMENTS, NOVEMBER, key, metric=BILLED),
        lambda: team_by_key(PAYMENTS, key),
        lambda: decisions(PAYMENTS, NOVEMBER, team_key=key, metric=BILLED),
        lambda: decisions(PAYMENTS, NOVEMBER, team_key="", metric=BILLED),
        lambda: allocation_rules(PAYMENTS),
        lambda: setup_proposal(PAYMENTS, NOVEMBER),
    ):
        with pytest.raises(NotFoundInScopeError, match="Nothing here"):
            ask()


def test_why_names_the_rules_what_they_matched_and_the_slices(two_months: None) -> None:
    why = decisions(PAYMENTS, NOVEMBER, team_key="payments", metric=BILLED)
    assert [(row.rule_text, row.matched_text, row.cost, row.slice_count) for row in why.rows] == [
        ("Tag Team is payments", "Team=Payments", Decimal(20), 1),
        ("Tag Team is payments", "Team=payments", Decimal(10), 1),
    ]
    assert why.total == Decimal(30)
    slices = decision_slices(PAYMENTS, NOVEMBER, metric=BILLED, filters=(("decision", why.rows[0].ref),))
    assert [(row.service_name, row.cost) for row in slices] == [("Storage", Decimal(20))]
    nobody = decisions(ALL, NOVEMBER, team_key="", metric=BILLED)
    assert (nobody.total, nobody.rows[0].rule_text) == (Decimal(7), "")
    with pytest.raises(NotFoundInScopeError):
        decision_slices(PAYMENTS, NOVEMBER, metric=BILLED, filters=(("decision", "made-up"),))


def test_compliance_counts_resources_and_taggable_money(two_months: None) -> None:
    # Taggable: i-1 10, bucket 20, i-2 5, i-3 3 = 38. The tax has no resource and is left out.
    found = compliance(ALL, NOVEMBER, metric=BILLED)
    assert (found.resources, found.compliant_resources, found.taggable_cost) == (4, 0, Decimal(38))
    by_key = {key.key: (key.present, key.missing, key.invalid) for key in found.by_key}
    assert by_key == {
        "Owner": (0, 4, 0),
        "Environment": (2, 2, 1),
        "Team": (3, 1, 0),
        "CostCenter": (0, 4, 0),
        "Project": (1, 3, 0),
    }
    assert [(row.label, row.resources, row.taggable_cost) for row in found.by_team] == [
        ("Payments", 2, Decimal(30)),
        ("Search", 1, Decimal(5)),
        ("Unallocated", 1, Decimal(3)),
    ]
    assert [row.resource_id for row in found.fixes] == ["bucket", "i-1", "i-2", "i-3"]


def test_a_teams_compliance_is_that_of_its_own_resources(two_months: None) -> None:
    found = compliance(PAYMENTS, NOVEMBER, metric=BILLED)
    assert (found.resources, found.taggable_cost) == (2, Decimal(30))
    assert [row.label for row in found.by_team] == ["Payments"]
    assert [row.resource_id for row in resources(PAYMENTS, NOVEMBER, metric=BILLED).rows] == ["bucket", "i-1"]


def test_compliance_counts_effective_cost_unless_asked_otherwise(two_months: None) -> None:
    # i-1 is billed 10 and costs 8 effective: 8 + 20 + 5 + 3 = 36
    found = compliance(ALL, NOVEMBER)
    assert (found.metric, found.taggable_cost) == (CostMetric.EFFECTIVE, Decimal(36))


def test_ratios_are_none_where_there_is_nothing(db: None) -> None:
    found = compliance(ALL, NOVEMBER)
    assert (found.resources, found.compliance_ratio, found.cost_ratio) == (0, None, None)


def test_resources_are_found_by_state_key_and_text(two_months: None) -> None:
    def ids(*filters: tuple[str, str]) -> list[str]:
        return [row.resource_id for row in resources(ALL, NOVEMBER, metric=BILLED, filters=filters).rows]

    assert ids(("invalid", "Environment")) == ["bucket"]
    assert ids(("missing", "Team")) == ["i-3"]
    assert ids(("search", "I-")) == ["i-1", "i-2", "i-3"]
    assert ids(("team", "payments"), ("service", "Storage")) == ["bucket"]
    assert ids(("team", NOT_SET)) == ["i-3"]
    assert ids(("state", "compliant")) == []
    row = resources(ALL, NOVEMBER, metric=BILLED, filters=(("search", "bucket"),)).rows[0]
    assert dict(row.states)["Environment"] is TagState.INVALID
    assert dict(row.values)["Environment"] == "Moon"
    assert (row.team_name, row.keys_to_fix) == ("Payments", ("Owner", "Environment", "CostCenter", "Project"))


def test_trust_gives_figures_to_staff_and_only_that_it_ties_out_to_a_team(two_months: None) -> None:
    staff = trust(ALL, NOVEMBER, metric=BILLED)
    assert (staff.bill_total, staff.owners_total, staff.unallocated_cost, staff.difference) == decimals(42, 35, 7, 0)
    assert (staff.ties_out, staff.is_open, staff.sources) == (True, True, ("payer",))
    own = trust(PAYMENTS, NOVEMBER, metric=BILLED)
    assert (own.ties_out, own.is_open, own.sources) == (True, True, ())
    assert (own.bill_total, own.owners_total, own.unallocated_cost, own.difference) == (None, None, None, None)


def test_another_currency_is_shown_apart_and_only_to_who_has_costs_in_it(rules: None) -> None:
    month([Spend("10", tags={"Team": "payments"})])
    month([Spend("99", tags={"Team": "search"})], source="nordic", currency="NOK")
    found = chargeback(ALL, NOVEMBER, metric=BILLED)
    assert (found.currency, found.other_currencies, found.bill_total) == ("USD", ("NOK",), Decimal(10))
    assert chargeback(ALL, NOVEMBER, metric=BILLED, currency="NOK").bill_total == Decimal(99)
    assert currencies_of(PAYMENTS, [NOVEMBER]) == ("USD",)
    assert explore_costs(PAYMENTS, month_query()).other_currencies == ()
    assert explore_costs(Scope.teams(frozenset({"search"})), month_query()).currency == "NOK"


def test_months_of_others_are_not_a_teams_months(rules: None) -> None:
    month([Spend("10", tags={"Team": "payments"})], period=OCTOBER)
    month([Spend("10", tags={"Team": "search"})])
    assert latest_period(ALL) == NOVEMBER
    assert latest_period(PAYMENTS) == OCTOBER
    assert not trust(PAYMENTS, NOVEMBER, metric=BILLED).has_costs


def test_an_inventory_gives_no_cost_where_a_bill_covers_the_month(rules: None) -> None:
    month([Spend("50")], source="inventory", billing_format=BillingFormat.INVENTORY_COMPUTE)
    assert chargeback(ALL, NOVEMBER, metric=BILLED).bill_total == Decimal(50)
    month([Spend("10")])
    assert chargeback(ALL, NOVEMBER, metric=BILLED).bill_total == Decimal(10)


def test_who_has_no_team_sees_nothing(two_months: None) -> None:
    scope = Scope.teams(frozenset())
    assert explore_costs(scope, month_query()).rows == ()
    assert (visible_teams(scope), latest_period(scope)) == ((), None)


def test_sub_teams_belong_to_their_parents_lead_and_a_parent_out_of_sight_has_no_name(
    two_months: None, team: Team, other_team: Team, team_lead: User, other_lead: User
) -> None:
    other_team.parent = team
    other_team.save()
    assert scope_of(team_lead).team_keys == {"payments", "search"}
    assert chargeback(scope_of(team_lead), NOVEMBER, metric=BILLED).total_cost == Decimal(35)
    below = visible_teams(scope_of(other_lead))
    assert [(view.key, view.parent_key, view.parent_name) for view in below] == [("search", "", "")]


def test_past_costs_of_an_inactive_sub_team_stay_with_its_parents_lead_and_leave_its_own(
    two_months: None, team: Team, other_team: Team, team_lead: User, other_lead: User
) -> None:
    other_team.parent, other_team.is_active = team, False
    other_team.save()
    assert scope_of(team_lead).team_keys == {"payments", "search"}
    assert chargeback(scope_of(team_lead), NOVEMBER, metric=BILLED).total_cost == Decimal(35)
    assert [(view.key, view.is_active) for view in visible_teams(scope_of(team_lead))] == [
        ("payments", True),
        ("search", False),
    ]
    assert scope_of(other_lead).team_keys == frozenset()
    assert chargeback(scope_of(other_lead), NOVEMBER, metric=BILLED).rows == ()


def test_tracked_keys_are_the_policys_and_those_of_rules(rules: None) -> None:
    assert tracked_keys() == ("Owner", "Environment", "Team", "CostCenter", "Project", "Department")
    save_rule(RuleInput(RuleKind.TAG, tag_key="cost-center", tag_values=("x",)))
    save_rule(RuleInput(RuleKind.TAG, tag_key="Squad", tag_values=("x",)))
    assert tracked_keys()[-1] == "Squad"
    assert len(tracked_keys()) == 7


def test_a_first_import_without_teams_asks_for_setup_and_a_proposal_sums_to_the_month(db: None) -> None:
    assert not needs_setup(ALL)
    month(
        [
            Spend("30", tags={"Team": "BaseLoad"}),
            Spend("10", tags={"Team": "Base Load"}),
            Spend("5", tags={"Team": "Peak"}),
            Spend("2", category="Tax", account="999999999999"),
        ]
    )
    assert needs_setup(ALL)
    assert not needs_setup(PAYMENTS)
    proposal = setup_proposal(ALL, NOVEMBER)
    assert proposal.tag_key == "Team"
    assert [(team.name, team.tag_values, team.cost) for team in proposal.teams] == [
        ("BaseLoad", ("BaseLoad", "Base Load"), Decimal(40)),
        ("Peak", ("Peak",), Decimal(5)),
    ]
    assert proposal.unallocated_cost == Decimal(2)
