"""The differential test: change only what is other people's, and not one byte a team lead gets may change.

Two worlds are built one after the other in the same database. In the second one the other team has
other costs, names, tags, resources, accounts, members and rules, and the bill was delivered again.
Every address found in the URL configuration is asked in both, as page, CSV, Excel and JSON, and the
answers are compared with their headers, apart from nonces, CSRF tokens and times.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from knox.models import AuthToken
from rest_framework.throttling import SimpleRateThrottle

from budgets.inputs import BudgetInput
from budgets.services import create_budget, evaluate_budgets
from budgets.terms import ScopeKind
from costs import services as intake
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric, FindingKind
from finops_site.metrics import keeping
from finops_site.programme.business_case import Assumptions
from finops_site.programme.services import save_assumptions, start_programme
from tagging import selectors
from tagging import services as owners
from tagging.models import AllocationRule, AnnouncedFix, Finding, Membership, TagKey, Team, TeamNote
from tagging.services.findings import ref_of
from tagging.terms import FINOPS_GROUP, ChargeKind, ChargePolicy, MemberRole, RuleKind
from tests.leaks.asking import ask_everything, show_difference
from tests.leaks.urls import OF_VERSIONS, addresses
from tests.leaks.world import NOW, TODAY, import_bills_of_others_alone, import_world, share_pools

pytestmark = pytest.mark.thorough
MOST_KNOWN = 80  # names of addresses outside admin and accounts, no fewer than there were


@pytest.fixture(autouse=True)
def _no_throttle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of requests a minute are meant here; a 429 would hide the answer that must be compared."""
    monkeypatch.setattr(SimpleRateThrottle, "allow_request", lambda *_: True)


def rule(team: Team, value: str, position: int, *, key: str = "Team") -> None:
    AllocationRule.objects.create(
        name=f"Tag {key} is {value}", position=position, kind=RuleKind.TAG.value, tag_key=key, tag_values=[value],
        team=team,
    )  # fmt: skip


def person(username: str, *teams: Team) -> User:
    user = User.objects.create_user(username, f"{username}@example.com", "pass-for-tests")
    for team in teams:
        Membership.objects.create(team=team, user=user, role=MemberRole.LEAD.value)
    return user


@pytest.fixture
def first_world(db: None, tmp_path: Path) -> User:
    """Alpha with a sub-team, Beta, and a bill of two months. Returns Alpha's lead."""
    alpha = Team.objects.create(key="alpha", name="Alpha", cost_center="100")
    mobile = Team.objects.create(key="alpha-mobile", name="Alpha Mobile", parent=alpha)
    beta = Team.objects.create(key="beta", name="Beta", cost_center="200")
    for position, (team, value) in enumerate(((alpha, "Alpha"), (mobile, "Alpha Mobile"), (beta, "Beta"))):
        rule(team, value, position + 1)
    person("fin").groups.add(Group.objects.get_or_create(name=FINOPS_GROUP)[0])
    person("bert", beta)
    lead = person("ada", alpha)
    share_pools(1)
    import_world(tmp_path, 1)
    close_january(lead)
    doubt_ownership("alpha", lead, "Not ours at all.")
    make_budgets()
    look_for_findings()
    start_programme(starts_on=date(2026, 1, 5))
    keeping.measure_months(today=TODAY, now=NOW)
    TagKey.objects.filter(key="Application").update(team_keys=["beta"])
    tag_upkeep("alpha")
    return lead


def close_january(lead: User) -> None:
    """Closed in the first world only: in the second its bill comes again, and others' costs of it are corrected."""
    january = BillingPeriod.parse("2026-01")
    owners.close_month(january, owners.CloseStep("fin", NOW), metric=CostMetric.BILLED)
    own = Scope.teams(frozenset({"alpha"}))
    found = selectors.statement(own, january, "alpha", metric=CostMetric.BILLED)
    doubt = owners.Doubt("alpha", january, "USD", found.lines[0].ref, "Not all of it is ours.")
    owners.raise_dispute(own, doubt, by=lead, now=NOW)
    owners.finalise_month(january, owners.CloseStep("fin", NOW, "first", force=True))
    owners.reopen_month(january, owners.CloseStep("fin", NOW, "a wrong rule"))
    owners.close_month(january, owners.CloseStep("fin", NOW), metric=CostMetric.BILLED)


def doubt_ownership(team_key: str, by: User, text: str) -> None:
    """The team doubts what its dearest rule gave it in February."""
    february = BillingPeriod.parse("2026-02")
    rows = selectors.decisions(Scope.all(), february, team_key=team_key, metric=CostMetric.BILLED).rows
    filters = (("decision", rows[0].ref),)
    asked = owners.OwnershipQuestion(team_key, february, "USD", CostMetric.BILLED, filters, text, "Somebody else")
    owners.doubt_ownership(Scope.teams(frozenset({team_key})), asked, by=by, now=NOW)


def dispute_of_beta() -> None:
    """Beta doubts a line of January, and what others' corrections make of it waits to be carried."""
    january = BillingPeriod.parse("2026-01")
    found = selectors.statement(Scope.all(), january, "beta", metric=CostMetric.BILLED)
    doubt = owners.Doubt("beta", january, "USD", found.lines[0].ref, "Secret doubt")
    owners.raise_dispute(Scope.all(), doubt, by=User.objects.get(username="bruno"), now=NOW)
    assert selectors.chargeback(Scope.all(), january, metric=CostMetric.BILLED).close.pending_adjustment


def make_budgets() -> None:
    """Of Alpha, of Beta and of everything, from January on; February, which is over, passes steps of all."""
    wanted = ((ScopeKind.TEAM, "alpha", "Monthly", "20"), (ScopeKind.TEAM, "beta", "Monthly", "50"),
              (ScopeKind.TOTAL, "", "Everything", "90"))  # fmt: skip
    for kind, key, name, amount in wanted:
        budget = BudgetInput(name, kind, Decimal(amount), scope_key=key)
        create_budget(budget, author=None, today=date(2026, 1, 1))
    evaluate()


def evaluate() -> None:
    evaluate_budgets(today=TODAY, now=NOW)


def change_everything_of_others(folder: Path) -> None:
    """World 2: Beta renamed, rebuilt, re-tagged; a third team; new people and rules; bills delivered again."""
    Team.objects.filter(key="beta").update(name="Bravo Secret", cost_center="999")
    beta = Team.objects.get(key="beta")
    gamma = Team.objects.create(key="gamma", name="Gamma Secret", cost_center="300", parent=beta)
    person("bruno", beta, gamma)
    Membership.objects.filter(user__username="bert").update(role=MemberRole.VIEWER.value)
    AllocationRule.objects.filter(team=beta).update(name="Beta by other means", tag_values=["beta", "BETA"])
    AllocationRule.objects.create(
        name="Account of Gamma", position=9, kind=RuleKind.ACCOUNT.value, sub_account_id="222222222222", team=gamma
    )
    rule(gamma, "Gamma", 10)
    rule(gamma, "gamma's object", 11, key="CostObject")
    rule(beta, "plans", 12, key="Secret")
    share_pools(2)
    owners.set_charge_policy(ChargeKind.TAXES, ChargePolicy.CENTRAL, reason="Hush")
    import_world(folder, 2)
    import_bills_of_others_alone(folder)
    step = owners.CloseStep("fin", NOW, reason="Hush", force=True)
    owners.close_month(BillingPeriod.parse("2026-02"), step, metric=CostMetric.BILLED, currency="EUR")
    intake.set_display_name("222222222222", "Hush account")
    create_budget(
        BudgetInput("Secret plan", ScopeKind.TEAM, Decimal(1), scope_key="gamma"), author=None, today=date(2026, 1, 1)
    )
    create_budget(BudgetInput("Region secret", ScopeKind.TOTAL, Decimal(1)), author=None, today=date(2026, 1, 1))
    dispute_of_beta()
    doubt_ownership("beta", User.objects.get(username="bruno"), "Secret doubt of costs")
    owners.make_suggestions(now=NOW, least_precision=0.1)
    evaluate()
    look_for_findings()
    save_assumptions(Assumptions(Decimal(123_456), Decimal("0.07"), 3, 2, 5))
    keeping.measure_months(today=TODAY, now=NOW)
    TagKey.objects.filter(key="Application").update(team_keys=["gamma"])
    tag_upkeep("gamma", "beta", account="222222222222")
    owners.grant_exemption(
        owners.ExemptionInput("Secret of Beta", date(2026, 12, 31), date(2026, 1, 1), resource="*beta*"),
        author=None,
        now=NOW,
    )


def tag_upkeep(*team_keys: str, account: str = "") -> None:
    """Exemptions of these teams alone, every fix announced, compliance kept."""
    for key in team_keys:
        wanted = owners.ExemptionInput(
            f"Excused: {key}", date(2026, 1, 31), date(2026, 1, 1), team_key=key, account=account, keys=("Owner",)
        )
        owners.grant_exemption(wanted, author=None, now=NOW)
    january = BillingPeriod.parse("2026-01")
    rows = selectors.tag_findings(Scope.all(), january).rows
    owners.announce_fixes(rows, period=january, today=date(2026, 2, 1))
    owners.keep_compliance(today=TODAY)
    owners.make_suggestions(now=NOW, least_precision=0.1)  # so low that the little there is suggests something
    assert selectors.suggestions(Scope.teams(frozenset({"alpha"}))).rows


def look_for_findings() -> None:
    """Of Alpha two volumes of a dear class, one shared with Beta, the other done and measured in the second month; an
    idle instance, one that it shares with Beta, a stopped one with its volume, and a volume on one of others.
    """
    owners.detect_findings(today=TODAY, now=NOW)
    done = Finding.objects.filter(resource_id="vol-alpha-gp2").update(
        state="done", is_done_by_hand=True, done_on=date(2026, 2, 10), verified_from=date(2026, 2, 1)
    )
    assert done == 1
    owners.detect_findings(today=TODAY, now=NOW)


def token_of(user: User) -> str:
    _, token = AuthToken.objects.create(user)
    return str(token)


@pytest.mark.django_db
def test_no_byte_a_team_lead_gets_changes_when_only_others_change(
    first_world: User, tmp_path: Path, client_for: Callable[[User], Client]
) -> None:
    client, token = client_for(first_world), token_of(first_world)
    before = dict(ask_everything(client, token))
    change_everything_of_others(tmp_path)
    after = dict(ask_everything(client, token))
    assert list(before) == list(after)
    leaks = [url for url in before if before[url] != after[url]]
    for url in leaks[:3]:
        show_difference(url, before[url], after[url])
    assert leaks == []


@pytest.mark.django_db
def test_no_byte_of_a_teams_note_changes_when_only_others_change(first_world: User, tmp_path: Path) -> None:
    def notes() -> list[tuple[str, str, str, str]]:
        TeamNote.objects.all().delete()
        owners.write_notes(today=TODAY, now=NOW)
        mine = TeamNote.objects.filter(team__key__startswith="alpha", address="ada@example.com")
        return list(mine.order_by("team__key", "kind").values_list("kind", "address", "subject", "body"))

    before = notes()
    assert {kind for kind, *_ in before} == {"note", "escalation"}
    AnnouncedFix.objects.update(escalated_on=None)
    change_everything_of_others(tmp_path)
    assert notes() == before


@pytest.mark.django_db
def test_no_answer_to_a_team_lead_names_another_team_or_its_things(
    first_world: User, tmp_path: Path, client_for: Callable[[User], Client]
) -> None:
    change_everything_of_others(tmp_path)
    secrets = (
        b"Secret",
        b"i-beta",
        b"db-beta",
        b"bruno",
        b"hush",
        b"Hush",
        b"i-nobody",
        b"222222222222",
        b"444444444444",
    )
    # What the reader typed into the address may come back; nothing else may.
    found = [
        (url, secret)
        for url, got in ask_everything(client_for(first_world), token_of(first_world))
        for secret in secrets
        if secret in got.body and secret.decode() not in url
    ]
    assert found == []


@pytest.mark.django_db
def test_every_page_of_the_team_itself_opens_for_its_lead(
    first_world: User, client_for: Callable[[User], Client]
) -> None:
    """Guards the two tests above: they must compare real pages, not error pages."""
    client = client_for(first_world)
    opened = {address.name for address in addresses() if client.get(address.path).status_code == 200}
    pages = {
        "team",
        *(f"tagging:{name}" for name in ("chargeback", "explore", "resources", "statement", "tags", "why")),
        *(f"tagging:{name}" for name in ("exemptions", "fixes", "notes", "tag_findings", "tag_policy", "tag_trend")),
        *("tagging:pool_month", *(f"{name} of a version" for name in OF_VERSIONS if not name.endswith("close"))),
    }
    pages |= {"tagging:findings", "tagging:finding", "tagging:disputes", "tagging:statement_pdf"}
    pages |= {f"budgets:{name}" for name in ("budgets", "budget", "inbox")}
    endpoints = {
        f"api:{name}" for name in ("costs", "allocations", "chargeback", "statement", "compliance", "resources")
    }
    endpoints |= {"api:findings", "api:finding", "api:tag_findings", "api:tag_policy", "api:compliance_trend"}
    endpoints |= {f"api:{name}" for name in ("budgets", "budget", "alerts", "disputes", "ownership_doubts")}
    assert pages | endpoints <= opened
    finding = client.get(f"/findings/{ref_of(FindingKind.DEAR_STORAGE, 'vol-alpha-gp2', 'alpha')}/").content
    assert b"Saved, month by month" in finding
    shown = client.get("/api/v1/findings/?state=open").json()["results"]
    assert {(row["kind"], row["resource_id"]) for row in shown} == {
        ("not_running", "i-alpha-stopped"),
        ("not_running", "vol-alpha-guest"),
        ("idle", "i-alpha-idle"),
        ("idle", "i-shared"),
        ("dear_storage", "vol-shared-gp2"),
    }
    found = {(row.owner_key, row.kind.value) for row in selectors.findings(Scope.all()).rows}
    assert {("beta", "not_running"), ("beta", "idle"), ("beta", "dear_storage"), ("", "dear_storage")} <= found
    assert len(client.get("/api/v1/alerts/").json()["results"]) >= 2
    body = client.get("/teams/alpha/").content
    assert b"i-alpha-1" in body
    # 60 % of 30 and the cap of 2; the pool that is not open, and the one of others, are not there.
    shares = client.get("/api/v1/shares/?period=2026-02").json()["results"]
    assert [(row["pool_name"], row["cost"]) for row in shares] == [("Common", "18"), ("Quiet", "2")]
    assert b"Common" in body
    assert [client.get(f"/pools/{key}/").status_code for key in ("common", "quiet", "hushed")] == [200, 404, 404]


@pytest.mark.django_db
def test_every_address_is_asked_and_those_of_staff_are_not_there_for_a_lead(
    first_world: User, client_for: Callable[[User], Client]
) -> None:
    """Guards the tests above: what is new must be among what they ask, in the state the reader should find it in."""
    client = client_for(first_world)
    got: dict[str, set[int]] = {}
    for address in addresses():
        if not address.path.startswith(("/admin/", "/accounts/")):
            got.setdefault(address.name, set()).add(client.get(address.path).status_code)
    assert len(got) > MOST_KNOWN
    staff_only = [name for name in got if name.startswith(("programme", "ri:", "api:metrics", "api:programme"))]
    staff_only += [f"tagging:{name}" for name in ("pools", "pool_new", "pool_edit", "pool_why", "pool_switch_off")]
    staff_only += ["tagging:charge_policy", "tagging:benefit_policy", "tagging:driver_upload", "api:pools", "api:rules"]
    staff_only += [
        "overview",
        "api:recommendations",
        "api:commitment_coverage",
        "api:price_books",
        "budgets:budget_new",
    ]
    staff_only += ["budgets:budget_edit", "tagging:pool_drop"]
    staff_only += [f"tagging:{name}" for name in ("close", "close_step", "close_journal", "finance")]
    staff_only += [f"api:{name}" for name in ("closes", "close", "adjustments")]
    assert len([name for name in staff_only if name.startswith("programme")]) == 10
    assert len([name for name in staff_only if name.startswith("ri:")]) == 7
    assert {name: got[name] for name in staff_only if not got[name] <= {404, 405}} == {}
    # Own ones open, others' are not there; what changes something is no page to open.
    for name in (
        "tagging:finding",
        "budgets:budget",
        "api:finding",
        "api:budget",
        "team",
        "api:statement",
        "tagging:pool_month",
    ):
        assert got[name] == {200, 404}, name
    for name in ("tagging:finding_state", "budgets:acknowledge", "api:finding_state", "api:alert_acknowledge"):
        assert got[name] == {405}, name
