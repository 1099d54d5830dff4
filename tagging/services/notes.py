"""Notes to teams: written once a week, kept as written, sent once; what stayed open goes to the leads."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F
from django.urls import reverse

from costs import figures
from costs.mail_pauses import BATCH, KEPT, LEASE, next_attempt
from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging.models import AnnouncedFix, NoteChoice, Team, TeamNote
from tagging.selectors.notes import (
    OpenFix,
    TeamFacts,
    lead_addresses,
    note_addresses,
    note_teams,
    overdue_fixes,
    team_facts,
)
from tagging.services.fixes import announce_fixes
from tagging.terms import NoteKind

WAITING, SENDING, SENT, FAILED, EXPIRED = "waiting", "sending", "sent", "failed", "expired"
FIXES_SHOWN = 5
TARGET = "95 %"


def write_notes(*, today: date, now: datetime) -> int:
    """Write this week's notes and escalations of every team; returns how many mails wait now that did not before.

    One note for each team, week and address, whatever happens meanwhile. Writing a note announces its best fix. A team
    whose newest costs are older than the month before this one is told nothing: it is no news, and nobody knows what
    was set since.
    """
    monday, made = today - timedelta(days=today.weekday()), 0
    oldest = BillingPeriod.of(today).previous()
    for key, name in note_teams(Scope.all()):
        facts = team_facts(key, name)
        if facts is None or facts.period < oldest:
            continue
        with transaction.atomic():
            addresses = note_addresses(key)
            made += _store(key, NoteKind.NOTE, monday, addresses, note_text(facts), now)
            if addresses and facts.fix:
                announce_fixes(facts.fix, period=facts.period, today=today)
            made += _escalate(facts, monday, today=today, now=now)
    return made


def note_text(facts: TeamFacts) -> tuple[str, str]:
    """Subject and the five lines: spend, two reasons, untagged, the best fix."""

    def money(amount: Decimal) -> str:
        return figures.money(amount, facts.currency)

    days = "on the first day" if facts.day_count == 1 else f"in the first {facts.day_count} days"
    span = f"in {facts.period.label}" if facts.is_whole_month else f"{days} of {facts.period.label}"
    more = "more" if facts.change >= 0 else "less"
    before = facts.period.previous().label
    before = f"in {before}" if facts.is_whole_month else f"{days} of {before}"
    compared = f"{money(abs(facts.change))} {more} than {before}" if facts.has_before else f"nothing {before}"
    lines = [f"{_one_line(facts.team_name)} cost {money(facts.spend)} {span}, {compared}."]
    lines += [
        f"{'Up' if row.change > 0 else 'Down'} {money(abs(row.change))}: {_one_line(row.label)}, now {money(row.cost)}."
        for row in facts.reasons
    ]
    if not facts.reasons:
        lines.append("No service moved the cost.")
    elif len(facts.reasons) == 1:
        lines.append("No other service moved the cost.")
    lines += [_untagged_line(facts), _fix_line(facts)]
    subject = f"{facts.team_name}: {money(facts.spend)} in {facts.period.label}, {money(facts.untagged_cost)} untagged"
    return _one_line(subject), "\n".join(lines) + "\n\n-- \n" + _foot(facts)


def stop_notes(user: AbstractBaseUser, *, now: datetime) -> None:
    """No Monday note to this person any more."""
    NoteChoice.objects.get_or_create(user_id=user.pk, defaults={"stopped_at": now})


def want_notes(user: AbstractBaseUser) -> None:
    """The Monday note comes again."""
    NoteChoice.objects.filter(user_id=user.pk).delete()


def claim_due_notes(*, now: datetime) -> list[int]:
    """Notes to send now, theirs alone who called; those too old to be news are given up. Returns their keys."""
    with transaction.atomic():
        due = TeamNote.objects.filter(state__in=(WAITING, SENDING), next_attempt_at__lte=now)
        due.filter(created_at__lt=now - KEPT).update(state=EXPIRED)
        pks = [item.pk for item in due.select_for_update(skip_locked=True, of=("self",)).order_by("pk")[:BATCH]]
        TeamNote.objects.filter(pk__in=pks).update(
            state=SENDING, attempts=F("attempts") + 1, next_attempt_at=now + LEASE
        )
    return pks


def record_note(pk: int, *, now: datetime, error: str = "", is_final: bool = False) -> None:
    """It is out, or why not: tried again with growing pauses unless the error is final."""
    note = TeamNote.objects.get(pk=pk)
    again_at = None if is_final else next_attempt(now, note.attempts)
    if not error:
        note.state, note.sent_at = SENT, now
    elif again_at is None:
        note.state = FAILED
    else:
        note.state, note.next_attempt_at = WAITING, again_at
    note.error = error[:300]
    note.save()


def _escalate(facts: TeamFacts, monday: date, *, today: date, now: datetime) -> int:
    late = overdue_fixes(facts.team_key, today=today, days=settings.TAG_FIX_DAYS)
    addresses = lead_addresses(facts.team_key) if late else ()
    if not addresses:
        return 0
    made = _store(facts.team_key, NoteKind.ESCALATION, monday, addresses, _escalation_text(facts, late), now)
    if made:
        AnnouncedFix.objects.filter(pk__in=[fix.pk for fix in late]).update(escalated_on=today)
    return made


def _escalation_text(facts: TeamFacts, late: Sequence[OpenFix]) -> tuple[str, str]:
    oldest = min(fix.announced_on for fix in late)
    count = f"{len(late)} tag{'' if len(late) == 1 else 's'}"
    was, are = ("was", "is") if len(late) == 1 else ("were", "are")
    lines = [
        f"{count} of {facts.team_name} {was} named to the team"
        f" {settings.TAG_FIX_DAYS} days ago or longer, the first on {figures.day(oldest)}, and {are} not set yet:",
        "",
        *(
            f"  {_one_line(fix.resource_id)}: {fix.key} ({figures.money(fix.cost, facts.currency)} in"
            f" {facts.period.label}, open since {figures.day(fix.announced_on)})"
            for fix in late[:FIXES_SHOWN]
        ),
        *([f"  … and {len(late) - FIXES_SHOWN} more"] if len(late) > FIXES_SHOWN else []),
        "",
        f"All of them: {settings.SITE_URL}{reverse('tagging:fixes')}",
    ]
    return _one_line(f"{facts.team_name}: {count} still to be set"), "\n".join(lines) + "\n"


def _store(
    key: str, kind: NoteKind, monday: date, addresses: Sequence[str], text: tuple[str, str], now: datetime
) -> int:
    team = Team.objects.get(key=key)
    before = TeamNote.objects.filter(team=team, kind=kind.value, week=monday)
    known = set(before.values_list("address", flat=True))
    fresh = [
        TeamNote(
            team=team,
            kind=kind.value,
            week=monday,
            address=address,
            subject=text[0][:300],
            body=text[1],
            created_at=now,
            next_attempt_at=now,
        )
        for address in addresses
        if address not in known
    ]
    TeamNote.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


def _untagged_line(facts: TeamFacts) -> str:
    untagged, taggable = (
        figures.money(amount, facts.currency) for amount in (facts.untagged_cost, facts.taggable_cost)
    )
    if not facts.resources:
        return "Untagged: nothing. No cost here has to carry tags."
    if facts.taggable_cost <= 0:  # credits outweigh the costs: no share of them says anything
        counted = f"{facts.compliant_resources:,} of {facts.resources:,} resources"
        return f"Untagged: {untagged} of {taggable} taggable; {counted} follow the policy."
    return (
        f"Untagged: {untagged} of {taggable} taggable; {figures.pct(facts.cost_ratio)} follows the policy,"
        f" the target is {TARGET}."
    )


def _fix_line(facts: TeamFacts) -> str:
    if not facts.fix and not facts.resources:
        return "There is nothing to fix."
    if not facts.fix and facts.compliant_resources < facts.resources:
        return "No fix is worth money: what does not follow the policy costs nothing."
    if not facts.fix:
        return "Every taggable resource follows the policy: nothing to fix."
    first = facts.fix[0]
    keys = ", ".join(f"{row.key}={_one_line(row.wanted)}" if row.wanted else row.key for row in facts.fix)
    cost = figures.money(first.cost, facts.currency)
    return f"The one best fix, {cost}: set {keys} on {_one_line(first.name or first.resource_id)}."


def _foot(facts: TeamFacts) -> str:
    fixes, stop = settings.SITE_URL + reverse("tagging:fixes"), settings.SITE_URL + reverse("tagging:notes")
    others = ", ".join(facts.other_currencies)
    apart = f" Costs in {others} are not in these figures: see the pages." if others else ""
    return (
        f"Effective cost in {facts.currency}, without shares of pools: the statement has them, on its own basis."
        f"{apart}\n"
        f"All fixes: {fixes}\n"
        f"You get this as a member of {facts.team_name}. Stop it: {stop}\n"
    )


def _one_line(text: str) -> str:
    """Names come from bills: no line break of theirs makes a line of the mail."""
    return " ".join(text.split())
