"""Mails of alerts: what they say, to whom, once each, tried again when the server refuses."""

import smtplib
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from pytest_django.fixtures import Settings

from budgets import notifications
from budgets.evaluation import AlertStep
from budgets.inputs import BudgetInput
from budgets.models import Delivery
from budgets.services import create_budget
from budgets.terms import DeliveryState, ScopeKind, Severity, ThresholdKind
from costs.errors import InvalidRequestError
from tagging.models import Membership, Team
from tests.budgets.world import START, evaluate, make_budget, make_rules, moment, november, october

pytestmark = pytest.mark.django_db
NOW = moment(date(2025, 11, 15))
SPENT_50 = (AlertStep(ThresholdKind.ACTUAL, Decimal(50), Severity.WARNING),)


@pytest.fixture(autouse=True)
def _world(team: Team, other_team: Team, settings: Settings) -> None:
    settings.MAIL_IS_CONFIGURED = True
    settings.SITE_URL = "https://finops.example.com"
    make_rules()
    october()


def sent() -> list[EmailMultiAlternatives]:
    return mail.outbox  # type: ignore[return-value]


def html_of(message: EmailMultiAlternatives) -> str:
    return str(message.alternatives[0][0])


def test_mail_of_a_team_budget_says_how_much_of_what_why_and_by_when(team_lead: User) -> None:
    november(14, pay="11")
    make_budget(amount="300")
    evaluate(15)
    assert notifications.send_due(now=NOW) == 1
    message = sent()[0]
    # 14 × 11 = 154; complete through the 13th: 143 + 17 more days. The weekday means of four weeks hold both 10 and 11.
    assert message.to == ["leo@example.com"]
    assert "Monthly" in message.subject
    assert "(November 2025)" in message.subject
    assert "\n" not in message.subject
    text = str(message.body)
    for part in ("Payments", "$154.00", "$300.00", "Effective cost without credits, refunds, tax, USD"):
        assert part in text
    assert "Data       through 14 Nov 2025" in text
    assert "Compute: $154.00, before $140.00" in text  # its own service, against the first 14 days of October
    assert "https://finops.example.com/budgets/payments-monthly/" in text
    assert "https://finops.example.com/alerts/" in text
    html = html_of(message)
    assert "+$14.00" in html
    assert 'href="https://finops.example.com/budgets/payments-monthly/"' in html


@pytest.mark.parametrize(
    ("through", "amount", "start"),
    [
        (14, "250", "50 % spent: Monthly at $140.00 of $250.00"),
        (26, "250", "Over plan: Monthly at $260.00 of $250.00"),
    ],
)
def test_subject_says_what_happened(through: int, amount: str, start: str, team_lead: User) -> None:
    november(through)
    steps = (*SPENT_50, AlertStep(ThresholdKind.ACTUAL, Decimal(100), Severity.CRITICAL))
    make_budget(amount=amount, steps=steps)
    evaluate(through + 1)
    notifications.send_due(now=moment(date(2025, 11, through + 1)))
    assert [item.subject for item in sent()] == [f"{start} (November 2025)"]


def test_subject_of_a_forecast_names_what_is_expected(team_lead: User) -> None:
    november(9)
    make_budget(steps=(AlertStep(ThresholdKind.FORECAST, Decimal(100), Severity.WARNING),))
    evaluate(10)
    notifications.send_due(now=moment(date(2025, 11, 10)))
    assert sent()[0].subject == "Heading over: Monthly expected at $300.00 of $250.00 (November 2025)"
    assert "Runs out   26 Nov 2025" in str(sent()[0].body)


def test_one_mail_tells_of_all_steps_passed_at_once(team_lead: User) -> None:
    november(29)
    make_budget(amount="100")
    evaluate(30)
    assert notifications.send_due(now=moment(date(2025, 11, 30))) == 1
    assert "Passed at the same time: 80 % spent, 50 % spent, 100 % expected." in str(sent()[0].body)


def test_mail_of_a_total_budget_names_the_teams_that_rose_most(finops_lead: User) -> None:
    november(14, pay="20")
    make_budget(ScopeKind.TOTAL, "", amount="300", steps=SPENT_50)
    evaluate(15)
    notifications.send_due(now=NOW)
    assert sent()[0].to == ["fiona@example.com"]  # nobody answers for it: FinOps staff
    assert "Payments: $280.00, before $140.00" in str(sent()[0].body)


def test_mail_of_a_team_budget_holds_nothing_of_other_teams(team_lead: User, other_lead: User) -> None:
    november(29)
    make_budget(amount="100")
    evaluate(30)
    notifications.send_due(now=moment(date(2025, 11, 30)))
    assert [item.to for item in sent()] == [["leo@example.com"]]
    for text in (str(sent()[0].body), html_of(sent()[0])):
        assert "Search" not in text
        assert "Storage" not in text


def test_mail_goes_out_once_however_often_it_is_asked_for(team_lead: User) -> None:
    november(14)
    make_budget(steps=SPENT_50)
    for _ in range(3):
        evaluate(15)
        notifications.send_due(now=NOW)
    assert len(sent()) == 1
    assert Delivery.objects.get().state == DeliveryState.SENT.value


def test_a_mail_the_server_refuses_is_tried_again_later_and_given_up_after_six_times(
    team_lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> int:
        raise smtplib.SMTPServerDisconnected("no")

    november(14)
    make_budget(steps=SPENT_50)
    evaluate(15)
    monkeypatch.setattr(EmailMultiAlternatives, "send", refuse)
    times = (0, 1, 6, 36, 156, 636)  # after 1, 5, 30, 120 and 480 minutes
    for place, minutes in enumerate(times, start=1):
        assert notifications.send_due(now=NOW + timedelta(minutes=minutes)) == 0
        found = Delivery.objects.get()
        assert (found.attempts, found.error) == (place, "SMTPServerDisconnected: no")
    assert found.state == DeliveryState.FAILED.value


def test_a_refused_mail_goes_out_when_the_server_is_back(team_lead: User, monkeypatch: pytest.MonkeyPatch) -> None:
    november(14)
    make_budget(steps=SPENT_50)
    evaluate(15)
    with monkeypatch.context() as away:
        away.setattr(EmailMultiAlternatives, "send", _refuse)
        notifications.send_due(now=NOW)
    assert notifications.send_due(now=NOW + timedelta(seconds=30)) == 0
    assert notifications.send_due(now=NOW + timedelta(minutes=2)) == 1


def _refuse(*_: Any, **__: Any) -> int:
    raise OSError("unreachable")


def test_alerts_wait_while_mail_is_not_configured_and_old_ones_are_not_sent_later(
    team_lead: User, settings: Settings
) -> None:
    november(14)
    make_budget(steps=SPENT_50)
    settings.MAIL_IS_CONFIGURED = False
    evaluate(15)
    assert notifications.send_due(now=NOW) == 0
    assert Delivery.objects.get().state == DeliveryState.WAITING.value
    settings.MAIL_IS_CONFIGURED = True
    assert notifications.send_due(now=NOW + timedelta(days=4)) == 0
    assert Delivery.objects.get().state == DeliveryState.EXPIRED.value


def test_no_mail_goes_to_somebody_who_left_the_team_since(team_lead: User) -> None:
    november(14)
    make_budget(steps=SPENT_50)
    evaluate(15)
    Membership.objects.filter(user=team_lead).delete()
    assert notifications.send_due(now=NOW) == 0
    assert Delivery.objects.get().error == "This person may not see the budget any more."


@pytest.mark.parametrize("address", ["leo@example.com", "LEO@example.com", "otto@example.com"])
def test_people_who_could_not_open_the_budget_cannot_be_named_in_its_steps(
    address: str, team_lead: User, other_lead: User
) -> None:
    step = AlertStep(ThresholdKind.ACTUAL, Decimal(50), Severity.INFO, (address,))
    wanted = BudgetInput("All", ScopeKind.TOTAL, Decimal(1), steps=(step,))
    with pytest.raises(InvalidRequestError, match="cannot open this budget's page"):
        create_budget(wanted, author=None, today=START)


def test_a_steps_own_addresses_stand_instead_of_the_leads(team_lead: User, finops_lead: User) -> None:
    step = AlertStep(ThresholdKind.ACTUAL, Decimal(50), Severity.INFO, ("fiona@example.com", "list@example.org"))
    november(14)
    make_budget(steps=(step,))
    evaluate(15)
    notifications.send_due(now=NOW)
    assert sorted(item.to[0] for item in sent()) == ["fiona@example.com", "list@example.org"]


def test_names_cannot_become_markup_in_the_html(team_lead: User) -> None:
    november(14)
    make_budget(name="<b>Bold & free</b>", steps=SPENT_50)
    evaluate(15)
    notifications.send_due(now=NOW)
    assert "<b>Bold" not in html_of(sent()[0])
    assert "<b>Bold & free</b>" in sent()[0].subject
