"""Several evaluators and senders at once, on the real database: every alert and every mail exactly once."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from threading import Barrier, Thread

import pytest
from django.core import mail
from django.db import connection
from pytest_django.fixtures import Settings

from budgets import notifications
from budgets.models import Alert, Delivery
from budgets.services import evaluate_budgets
from budgets.terms import ScopeKind
from tagging.models import Membership, Team
from tagging.terms import MemberRole
from tests.budgets.world import make_budget, make_rules, moment, november, october
from tests.conftest import member_of

pytestmark = pytest.mark.real_parts
AT_ONCE = 3


def at_once(work: Callable[[], object]) -> None:
    """The same work in several threads that start together, each with a connection of its own."""
    start, errors = Barrier(AT_ONCE), list[BaseException]()

    def run() -> None:
        try:
            start.wait(timeout=30)
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert errors == []


def evaluate_and_send(day: date) -> None:
    evaluate_budgets(today=day, now=moment(day))
    notifications.send_due(now=moment(day))


def test_alerts_and_mails_go_out_once_when_several_evaluate_at_once_through_a_month(
    committed: None, settings: Settings
) -> None:
    settings.MAIL_IS_CONFIGURED = True
    make_rules()
    member_of(Team.objects.get(key="payments"), "leo", MemberRole.LEAD)
    october()
    make_budget()
    make_budget(key="search", amount="100", name="Search")
    make_budget(ScopeKind.TOTAL, "", amount="400", name="Everything")
    for through in (1, 14, 22, 27, 26, 30):  # the fifth delivery lost a day
        november(through)
        day = date(2025, 11, min(through + 1, 30))
        at_once(lambda day=day: evaluate_and_send(day))  # type: ignore[misc]
    # payments spends 300 of 250, search 120 of 100, all 420 of 400: each passes its four steps.
    steps = Counter(Alert.objects.values_list("budget__key", flat=True))
    assert steps == {"payments-monthly": 4, "search": 4, "everything": 4}
    told = Alert.objects.filter(budget__key="payments-monthly", told_with="").count()
    messages = Counter(message.subject for message in mail.outbox)
    assert sum(messages.values()) == told
    assert set(messages.values()) == {1}
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sent", 1)}
    assert Membership.objects.count() == 1
