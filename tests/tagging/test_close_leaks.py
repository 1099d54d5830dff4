"""What a team gets of a closed month is the same byte for byte whatever the others' part of it is."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import transaction
from django.test import Client

from costs.terms import CostMetric
from tagging import notifications
from tagging.inputs import TeamInput
from tagging.models import AllocationRule, SharedPool, StatementMail, Team
from tagging.services import CloseStep, RuleInput, close_month, finalise_month, save_rule, update_team
from tagging.terms import RuleKind
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)
STEP = CloseStep("Fiona", NOW)
PATHS = (
    "/statements/payments/?period=2025-11&format=csv",
    "/statements/payments/pdf/?period=2025-11",
    "/chargeback/?period=2025-11&by=service&format=csv",
    "/chargeback/?period=2025-11&by=cost_center&format=csv",
    "/api/v1/statements/payments/?period=2025-11",
    "/api/v1/chargeback/?period=2025-11",
    "/disputes/?format=csv",
)
OWN = [Spend("12.345", tags={"Team": "payments"}), Spend("2.005", tags={"Team": "payments"}, service="Storage")]


@pytest.fixture(autouse=True)
def rules(team: Team, other_team: Team) -> None:
    """Both teams share an account and a pool, which is split evenly: Payments' share is the same in both worlds."""
    for key in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(key,), team_key=key))
    SharedPool.objects.create(
        key="platform", name="Platform", method="fixed",
        targets=[{"owner": "payments", "pct": "50"}, {"owner": "search", "pct": "50"}],
    )  # fmt: skip
    AllocationRule.objects.create(
        name="Shared", position=0, kind=RuleKind.TAG.value, tag_key="Project", tag_values=["s"], target="pool:platform"
    )


def world(others: Sequence[Spend], later: Sequence[Spend]) -> None:
    """October closes on what others had and comes again with `later`; November carries it and becomes final."""
    pool = Spend("8", tags={"Project": "s"})
    month([*OWN, pool, *others], period=OCTOBER)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    month([*OWN, Spend("1.5", tags={"Team": "payments"}, service="Late"), pool, *later], period=OCTOBER)
    month([*OWN, pool, *others], period=NOVEMBER)
    close_month(NOVEMBER, STEP, metric=CostMetric.BILLED)
    finalise_month(NOVEMBER, STEP)


def answers(client: Client) -> list[bytes]:
    """Files, PDF, API and mail of November, as Payments gets them."""
    StatementMail.objects.exclude(address="leo@example.com").delete()
    mail.outbox.clear()
    assert notifications.send_due_statements(now=NOW) == 2
    got = [client.get(path).getvalue() for path in PATHS]
    return [*got, *(str(message.message()).split("Message-ID")[-1].encode() for message in mail.outbox)]


def test_a_closed_month_tells_a_team_nothing_of_others(
    team_lead: User, other_lead: User, client_for: Callable[[User], Client], settings: object
) -> None:
    settings.MAIL_IS_CONFIGURED = True  # type: ignore[attr-defined]
    client, kept = client_for(team_lead), list[list[bytes]]()
    for others, later in (
        ([Spend("5", tags={"Team": "search"}), Spend("3")], [Spend("6", tags={"Team": "search"})]),
        ([Spend("700", tags={"Team": "search"}, service="Hush")], [Spend("50"), Spend("9", service="Hush")]),
    ):
        with transaction.atomic():
            if kept:
                update_team("search", TeamInput(name="Secret", cost_center="S-1"))
            world(others, later)
            kept.append([without_boundaries(answer) for answer in answers(client)])
            transaction.set_rollback(True)
    assert [path for path, one, two in zip((*PATHS, "mail", "mail"), *kept, strict=True) if one != two] == []
    assert all(b"Hush" not in answer and b"Secret" not in answer for answer in kept[1])
    assert b"Late" in kept[0][0]


def without_boundaries(answer: bytes) -> bytes:
    """Without the random boundary of a mail's parts."""
    return b"\n".join(line for line in answer.splitlines() if b"===============" not in line)


def test_whether_a_month_of_others_alone_is_closed_is_not_told(
    team_lead: User, client_for: Callable[[User], Client]
) -> None:
    """Payments has costs in November; October in dollars and November in euros are of Search alone."""
    client = client_for(team_lead)
    month(OWN, period=NOVEMBER)
    months = ((OCTOBER, "USD"), (NOVEMBER, "EUR"))
    asked = [
        f"{path}&period={period}&currency={currency}"
        for period, currency in months
        for path in (
            "/statements/payments/?",
            "/statements/payments/?format=csv",
            "/statements/payments/pdf/?basis=billed",
            "/chargeback/?by=team",
            "/chargeback/?by=service&format=csv",
            "/api/v1/statements/payments/?basis=billed",
            "/api/v1/chargeback/?by=team",
        )
    ]
    before = [without_tokens(client.get(url).getvalue()) for url in asked]
    for period, currency in months:
        month([Spend("5", tags={"Team": "search"})], period=period, currency=currency, source=f"other {currency}")
        close_month(period, STEP, metric=CostMetric.BILLED, currency=currency)
    after = [without_tokens(client.get(url).getvalue()) for url in asked]
    assert [url for url, one, two in zip(asked, before, after, strict=True) if one != two] == []


def without_tokens(answer: bytes) -> bytes:
    """Without what is made anew for every answer."""
    return re.sub(rb'nonce="[^"]*"|csrfmiddlewaretoken"? value="[^"]*"|X-CSRFToken[^}]*', b"", answer)
