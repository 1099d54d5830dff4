"""The Monday note: five lines, to whom, once a week; what stays open goes to the leads; nothing of other teams."""

import smtplib
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail import EmailMessage
from pytest_django.fixtures import Settings

from finops_site import pipeline
from tagging import notifications
from tagging.models import AnnouncedFix, Membership, Team, TeamNote
from tagging.notifications import notes
from tagging.services import set_aside, stop_notes, want_notes, write_notes
from tests.tagging.builders import NOVEMBER, Spend, month
from tests.tagging.page_world import two_months

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
MONDAY = date(2025, 12, 1)


def moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 7, tzinfo=UTC)


def write(day: date = MONDAY) -> int:
    return write_notes(today=day, now=moment(day))


def send(day: date = MONDAY) -> list[EmailMessage]:
    notifications.send_due_notes(now=moment(day))
    return mail.outbox


@pytest.fixture(autouse=True)
def _world(team: Team, other_team: Team, settings: Settings) -> None:
    """Payments: October 12; November, effective, compute 8 and storage 20, all of it taggable, nothing compliant."""
    settings.MAIL_IS_CONFIGURED = True
    settings.SITE_URL = "https://finops.example.com"
    two_months()


def test_the_note_is_five_lines_of_the_teams_own_figures(team_lead: User, other_lead: User) -> None:
    assert write() == 2
    mine = next(message for message in send() if message.to == ["leo@example.com"])
    assert mine.subject == "Payments: $28.00 in November 2025, $28.00 untagged"
    lines, foot = str(mine.body).replace("\xa0", " ").split("\n\n-- \n")
    assert lines.splitlines() == [
        # only the first of November has costs, and October had 12 on its first
        "Payments cost $28.00 on the first day of November 2025, $16.00 more than on the first day of October 2025.",
        "Up $20.00: Storage, now $20.00.",
        "No other service moved the cost.",
        "Untagged: $28.00 of $28.00 taggable; 0.0 % follows the policy, the target is 95 %.",
        "The one best fix, $20.00: set Owner, Environment, CostCenter, Project on bucket.",
    ]
    assert "without shares of pools" in foot
    assert "https://finops.example.com/tags/note/" in foot
    assert "earch" not in mine.subject + str(mine.body)
    assert mine.extra_headers["List-Unsubscribe"] == "<https://finops.example.com/tags/note/>"


def test_a_team_whose_costs_need_no_tags_is_not_told_of_a_share_of_nothing(team_lead: User) -> None:
    for service in ("Compute", "Storage"):
        set_aside(service, "*", reason="somebody else tags it", author=None)
    write()
    (mine,) = send()
    lines = str(mine.body).split("\n\n-- \n")[0].splitlines()
    assert lines[3:] == ["Untagged: nothing. No cost here has to carry tags.", "There is nothing to fix."]


def test_one_note_a_week_and_address_however_often_it_is_written(team_lead: User, viewer: User) -> None:
    assert write() == 2
    assert write(MONDAY + timedelta(days=2)) == 0
    assert len(send()) == 2
    assert len(send(MONDAY + timedelta(days=2))) == 2  # nothing more
    assert write(MONDAY + timedelta(days=7)) == 2


def test_who_stopped_the_note_gets_none_until_they_want_it_again(team_lead: User, viewer: User) -> None:
    stop_notes(viewer, now=moment(MONDAY))
    stop_notes(viewer, now=moment(MONDAY))
    assert write() == 1
    want_notes(viewer)
    assert write() == 1


def test_the_best_fix_is_told_and_goes_to_the_lead_when_it_stays_open(
    team_lead: User, viewer: User, settings: Settings
) -> None:
    settings.TAG_FIX_DAYS = 14
    write()
    assert AnnouncedFix.objects.filter(resource_id="bucket").count() == 4
    write(MONDAY + timedelta(days=7))
    assert not TeamNote.objects.filter(kind="escalation").exists()
    write(MONDAY + timedelta(days=14))
    (told,) = TeamNote.objects.filter(kind="escalation")
    assert told.address == "leo@example.com"
    assert told.subject == "Payments: 4 tags still to be set"
    assert told.body.startswith("4 tags of Payments were named to the team 14 days ago or longer, the first on ")
    assert "and are not set yet:" in told.body
    assert "  bucket: CostCenter ($20.00 in November 2025, open since 1 Dec 2025)" in told.body
    write(MONDAY + timedelta(days=21))
    assert TeamNote.objects.filter(kind="escalation").count() == 1  # once for each fix


def test_one_tag_is_told_in_the_singular(team_lead: User) -> None:
    write()
    AnnouncedFix.objects.exclude(tag_key="CostCenter").update(escalated_on=MONDAY)
    write(MONDAY + timedelta(days=14))
    body = TeamNote.objects.get(kind="escalation", team__key="payments").body
    assert body.startswith("1 tag of Payments was named to the team 14 days ago or longer, the first on ")
    assert "and is not set yet:" in body


def test_without_a_lead_it_goes_to_the_team_above_and_then_to_finops(
    team: Team, viewer: User, finops_lead: User, other_lead: User, settings: Settings
) -> None:
    settings.TAG_FIX_DAYS = 1
    write()
    write(MONDAY + timedelta(days=7))
    found = TeamNote.objects.filter(kind="escalation", team=team)
    assert [note.address for note in found] == ["fiona@example.com"]
    Team.objects.filter(pk=team.pk).update(parent=other_lead.memberships.get().team)
    AnnouncedFix.objects.update(escalated_on=None)
    write(MONDAY + timedelta(days=14))
    assert found.get(week=MONDAY + timedelta(days=14)).address == "otto@example.com"


def test_somebody_who_left_the_team_gets_no_note_that_waits(team_lead: User) -> None:
    write()
    Membership.objects.all().delete()
    assert send() == []
    note = TeamNote.objects.get()
    assert (note.state, note.error) == ("failed", notes.NOT_THEIRS)


def test_a_note_the_server_refuses_is_tried_again_and_given_up_when_it_is_no_news(
    team_lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()

    def refuse(self: EmailMessage, **_: object) -> int:
        raise smtplib.SMTPServerDisconnected("gone")

    with monkeypatch.context() as patch:
        patch.setattr(EmailMessage, "send", refuse)
        send()
    note = TeamNote.objects.get()
    assert (note.state, note.attempts, note.error) == ("waiting", 1, "SMTPServerDisconnected: gone")
    assert note.next_attempt_at == moment(MONDAY) + timedelta(minutes=1)
    assert len(send(MONDAY + timedelta(days=1))) == 1
    TeamNote.objects.update(state="waiting")
    assert len(send(MONDAY + timedelta(days=4))) == 1
    assert TeamNote.objects.get().state == "expired"


def test_teams_without_costs_people_or_use_get_none(team: Team, team_lead: User) -> None:
    Team.objects.create(key="idle", name="Idle")
    Team.objects.filter(pk=team.pk).update(is_active=False)
    assert write() == 0


def test_nothing_is_written_while_mail_or_notes_are_off(team_lead: User, settings: Settings) -> None:
    settings.MAIL_IS_CONFIGURED = False
    assert pipeline.write_notes(now=moment(MONDAY)) == 0
    settings.MAIL_IS_CONFIGURED, settings.TEAM_NOTES = True, False
    assert pipeline.write_notes(now=moment(MONDAY)) == 0
    settings.TEAM_NOTES = True
    assert pipeline.write_notes(now=moment(MONDAY)) == 1
    assert len(mail.outbox) == 1


def test_a_name_with_a_line_break_makes_no_line_of_the_mail(team: Team, team_lead: User) -> None:
    Team.objects.filter(pk=team.pk).update(name="Pay\nBcc: everybody@example.com")
    write()
    (message,) = send()
    assert "\n" not in message.subject
    assert str(message.body).splitlines()[0].startswith("Pay Bcc: everybody@example.com cost")


def body_of(message: EmailMessage) -> tuple[list[str], str]:
    lines, foot = str(message.body).replace("\xa0", " ").split("\n\n-- \n")
    return lines.splitlines(), foot


def test_costs_long_past_are_no_news(team_lead: User) -> None:
    """November's costs are news to the end of December, while bills come in; not every Monday from then on."""
    assert write(date(2025, 12, 29)) == 1
    assert write(date(2026, 1, 5)) == 0
    assert write(date(2026, 6, 1)) == 0


def test_another_currency_is_named_and_never_added(team_lead: User) -> None:
    month([Spend("900", tags={"Team": "payments"}, resource="i-eur")], source="euro", currency="EUR")
    write()
    (mine,) = send()
    assert mine.subject == "Payments: $28.00 in November 2025, $28.00 untagged"
    assert "Costs in EUR are not in these figures: see the pages." in body_of(mine)[1]


@pytest.mark.parametrize(
    ("spends", "lines"),
    [
        pytest.param(
            ("-10", "-30"),
            [
                "Payments cost −$40.00 on the first day of December 2025, $68.00 less than on the first day of November"
                " 2025.",
                "Down $48.00: Compute, now −$40.00.",
                "Down $20.00: Storage, now $0.00.",
                "Untagged: −$40.00 of −$40.00 taggable; 0 of 2 resources follow the policy.",
                "No fix is worth money: what does not follow the policy costs nothing.",
            ],
            id="credits alone",
        ),
        pytest.param(
            ("10", "-10"),
            [
                "Payments cost $0.00 on the first day of December 2025, $28.00 less than on the first day of November"
                " 2025.",
                "Down $20.00: Storage, now $0.00.",
                "Down $8.00: Compute, now $0.00.",
                "Untagged: $0.00 of $0.00 taggable; 0 of 2 resources follow the policy.",
                "The one best fix, $10.00: set Owner, Environment, CostCenter, Project on i-0.",
            ],
            id="credits that cancel",
        ),
    ],
)
def test_a_month_of_credits_contradicts_nothing(team_lead: User, spends: tuple[str, ...], lines: list[str]) -> None:
    """November was 28: compute 8, storage 20."""
    tags = {"Team": "payments"}
    month([Spend(each, tags=tags, resource=f"i-{at}") for at, each in enumerate(spends)], period=NOVEMBER.next())
    write(date(2026, 1, 5))
    (mine,) = send(date(2026, 1, 5))
    assert body_of(mine)[0] == lines


def test_a_month_like_the_one_before_says_once_that_nothing_moved(team_lead: User) -> None:
    tags = {"Team": "payments"}
    spends = [Spend("8", tags=tags, resource="i-1"), Spend("20", tags=tags, service="Storage", resource="bucket")]
    month(spends, period=NOVEMBER.next())
    write(date(2026, 1, 5))
    (mine,) = send(date(2026, 1, 5))
    assert body_of(mine)[0][1:3] == [
        "No service moved the cost.",
        "Untagged: $28.00 of $28.00 taggable; 0.0 % follows the policy, the target is 95 %.",
    ]
