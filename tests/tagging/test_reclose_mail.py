"""The mail of a month closed again says which version it replaces, and by how much it differs."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.core import mail

from costs.terms import CostMetric
from tagging import notifications
from tagging.models import AllocationRule, Team
from tagging.services import CloseStep, RuleInput, close_month, finalise_month, reopen_month, save_rule
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.tagging import page_world
from tests.tagging.builders import OCTOBER, Spend, month

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)
STEP = CloseStep("Fiona", NOW, "wrong rule")


def rule(value: str, key: str) -> None:
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(value,), team_key=key))


def bodies() -> dict[str, str]:
    """The texts of the mails that are due now, by address."""
    mail.outbox.clear()
    notifications.send_due_statements(now=NOW)
    return {message.to[0]: str(message.body).replace("\xa0", " ") for message in mail.outbox}


def test_a_second_version_says_what_it_replaces(
    team: Team, other_team: Team, team_lead: User, other_lead: User, settings: object
) -> None:
    """Payments has 12, Search 5. Closed again with 3 more by another rule."""
    settings.MAIL_IS_CONFIGURED = True  # type: ignore[attr-defined]
    rule("payments", "payments")
    rule("search", "search")
    month(
        [Spend("12", tags={"Team": "payments"}), Spend("5", tags={"Team": "search"}), Spend("3", tags={"Team": "x"})],
        period=OCTOBER,
    )
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    first = bodies()
    assert "replaces" not in first["leo@example.com"]
    reopen_month(OCTOBER, STEP)
    rule("x", "payments")
    assert AllocationRule.objects.filter(team=team).count() == 2
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    second = bodies()
    # 12 + 3 = 15, 3 more than 12; Search has 5 as before
    told = "This is version 2. It replaces version 1, which charged $12.00: now it is $3.00 more."
    assert told in second.pop("leo@example.com")
    html = "".join(str(vars(message)["alternatives"]) for message in mail.outbox)
    assert "which charged $12.00: now it is $3.00 more." in html.replace("\xa0", " ")
    (other,) = second.values()
    assert "It replaces version 1, which charged $5.00: the amount is the same." in other


@pytest.mark.real_parts
def test_a_team_that_drops_out_of_a_later_version_is_told_once(
    team: Team,
    other_team: Team,
    team_lead: User,
    other_lead: User,
    finops_lead: User,
    client_for: ClientFor,
    settings: object,
) -> None:
    """Payments has 12 and Search 5. In version 2 a rule gives all 17 to Search; version 3 is the same again."""
    settings.MAIL_IS_CONFIGURED = True  # type: ignore[attr-defined]
    rule("payments", "payments")
    rule("search", "search")
    month([Spend("12", tags={"Team": "payments"}), Spend("5", tags={"Team": "search"})], period=OCTOBER)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    finalise_month(OCTOBER, STEP)
    assert len(bodies()) == 2
    reopen_month(OCTOBER, STEP)
    assert bodies() == {}
    AllocationRule.objects.filter(team=team).update(team=other_team)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    told = bodies()
    assert "charged $12.00: now" not in told["otto@example.com"]
    own = " ".join(told["leo@example.com"].split())
    assert "closed again, as version 2. Payments is charged nothing for it now" in own
    assert "It replaces version 1, statement 2025-payments-001, which charged $12.00 (billed cost)" in own
    assert "/statements/payments/?period=2025-10&currency=USD&version=1" in own
    assert [text in own for text in ("Search", "$5.00", "$17.00", "wrong rule")] == [False] * 4
    subject = {message.to[0]: message.subject for message in mail.outbox}["leo@example.com"]
    assert subject == "Statement of Payments, October 2025: nothing is charged any more"
    for user in (team_lead, finops_lead):  # and the page says the same
        page = page_world.text_of(client_for(user).get("/statements/payments/?period=2025-10"))  # type: ignore[arg-type]
        assert "The month is closed without one: nothing is charged to this team." in page
        assert [text in page for text in (">Draft<", "It is a draft")] == [False] * 2
    reopen_month(OCTOBER, STEP)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    assert set(bodies()) == {"otto@example.com"}


@pytest.mark.real_parts
def test_a_mail_that_nothing_is_charged_does_not_go_out_once_the_version_is_reopened(
    team: Team, other_team: Team, team_lead: User, settings: object
) -> None:
    """Version 2 has no Payments and is reopened before its mails go; version 3 has none either and says so."""
    settings.MAIL_IS_CONFIGURED = True  # type: ignore[attr-defined]
    rule("payments", "payments")
    month([Spend("12", tags={"Team": "payments"})], period=OCTOBER)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    assert len(bodies()) == 1
    reopen_month(OCTOBER, STEP)
    AllocationRule.objects.filter(team=team).update(team=other_team)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    reopen_month(OCTOBER, STEP)
    assert bodies() == {}
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    (own,) = bodies().values()
    assert "closed again, as version 3. Payments is charged nothing" in own
