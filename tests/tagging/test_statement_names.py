"""Names on statements: as they were at the close, however long, and of whatever script."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pypdf
import pytest
from django.contrib.auth.models import User
from django.test import Client

from costs.terms import CostMetric
from tagging.models import Team
from tagging.services import CloseStep, RuleInput, close_month, save_rule
from tagging.terms import RuleKind
from tests.tagging import page_world
from tests.tagging.builders import OCTOBER, Spend, month

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
text_of: Callable[[Any], str] = page_world.text_of
PDF = "/statements/payments/pdf/?period=2025-10"
NO_FONT = "no font of this server has"
STEP = CloseStep("Fiona", datetime(2026, 3, 10, 10, tzinfo=UTC))


def close_as(team: Team, name: str) -> None:
    Team.objects.filter(pk=team.pk).update(name=name)
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="payments"))
    month([Spend("10", tags={"Team": "payments"})], period=OCTOBER)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)


def page_of(response: Any) -> pypdf.PageObject:
    return pypdf.PdfReader(io.BytesIO(response.content)).pages[0]


def test_a_closed_page_keeps_the_name_of_its_close_and_says_the_new_one(
    team: Team, client_for: ClientFor, team_lead: User
) -> None:
    close_as(team, "Payments")
    lead = client_for(team_lead)
    assert "(now " not in text_of(lead.get("/statements/payments/?period=2025-10"))
    Team.objects.filter(pk=team.pk).update(name="Money Movers")
    text = text_of(lead.get("/statements/payments/?period=2025-10"))
    assert ">(now Money Movers)</span>, October 2025" in text
    assert "Statement of Payments" in text


def test_a_long_unbroken_name_stays_in_its_column(team: Team, client_for: ClientFor, team_lead: User) -> None:
    close_as(team, "W" * 90)
    places: list[tuple[str, float]] = []

    def seen(text: str, _cm: Any, tm: list[float], _font: Any, _size: Any) -> None:
        places.append((text, tm[4]))

    page = page_of(client_for(team_lead).get(PDF))
    page.extract_text(visitor_text=seen)
    # A W of 10 pt is about 9 pt wide: 90 need 800 pt and the sheet has 595, so it must be on several lines.
    longest = max(len(part) for text, _ in places for part in text.replace("\u200b", "").split() if set(part) == {"W"})
    assert longest < 90
    assert "".join(page.extract_text().replace("\u200b", "").split()).count("W") >= 90


def test_letters_without_a_font_are_told_and_others_are_not(team: Team, client_for: ClientFor, team_lead: User) -> None:
    # A letter of Unicode's private use area is in no font; é and Ж are in the one typst carries.
    close_as(team, "Team \U000f1234")
    lead = client_for(team_lead)
    text = " ".join(page_of(lead.get(PDF)).extract_text().split())
    assert NO_FONT in text
    assert "Key of the owner: payments" in text


def test_letters_that_have_a_font_are_not_told(team: Team, client_for: ClientFor, team_lead: User) -> None:
    close_as(team, "Équipe Жук")
    text = " ".join(page_of(client_for(team_lead).get(PDF)).extract_text().split())
    assert NO_FONT not in text
    assert "Équipe Жук" in text


def test_no_line_is_torn_and_no_subtotal_stands_alone_on_a_page(
    team: Team, client_for: ClientFor, team_lead: User
) -> None:
    """60 services, two of three with a name of several lines, each marked at its end."""
    names = [f"Service number {i} {'with a name that goes on and on ' * (i % 3)}end{i}." for i in range(1, 61)]
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="payments"))
    month([Spend(str(i), tags={"Team": "payments"}, service=name) for i, name in enumerate(names, 1)], period=OCTOBER)
    close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
    read = pypdf.PdfReader(io.BytesIO(client_for(team_lead).get(PDF).content))
    pages = [" ".join(page.extract_text().split()) for page in read.pages]
    assert len(pages) > 2
    for at in range(1, 61):
        start, end = f"Service number {at} ", f"end{at}."
        assert [start in page for page in pages] == [end in page for page in pages], at
    (subtotal,) = [page for page in pages if "Subtotal" in page]
    assert "Service number" in subtotal.split("Subtotal")[0]
