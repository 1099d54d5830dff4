"""The demo company in this installation: its files, teams, rules, people and imports. Safe to repeat."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import Group, User

from costs import selectors as intake_reads
from costs import services as intake
from costs.errors import FinopsError
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors import Attention, ImportDetail, ImportRow
from costs.terms import ImportState
from finops_site import demo_data
from finops_site.demo_data import Company, DemoExports
from finops_site.embedded import ServiceError
from finops_site.tasks import enqueue_import
from tagging import selectors as ownership
from tagging import services as owners
from tagging.services import ProposalChoices, TeamChoice, TeamInput
from tagging.terms import FINOPS_GROUP, MemberRole

Say = Callable[[str], None]
SCALES = {"full": 1.0, "small": demo_data.SMALL}
SOURCE = "larkfield-aws"
TEAM_TAG = "Team"
LOOK_EVERY_SECONDS = 0.5
SAY_EVERY_SECONDS = 5.0


@dataclass(frozen=True)
class Person:
    """Somebody of the demo company; FinOps staff where `team` (its name) is empty."""

    username: str
    full_name: str
    team: str = ""
    role: MemberRole = MemberRole.LEAD

    @property
    def does(self) -> str:
        return f"{self.role.value} of {self.team}" if self.team else "FinOps lead, sees everything"


@dataclass(frozen=True)
class Login:
    """What to type in; `password` is empty where an earlier run or the person set another one."""

    person: Person
    password: str


PEOPLE = (
    Person("dana.reyes", "Dana Reyes"),
    Person("maya.lindqvist", "Maya Lindqvist", "Storefront"),
    Person("tom.okafor", "Tom Okafor", "Storefront", MemberRole.VIEWER),
    Person("ines.duarte", "Ines Duarte", "Payments"),
    Person("wei.zhang", "Wei Zhang", "Fraud"),
    Person("ruth.adeyemi", "Ruth Adeyemi", "Data Platform"),
    Person("lea.fontaine", "Lea Fontaine", "Search"),
    Person("sam.whitaker", "Sam Whitaker", "Growth"),
)


def write_files(data_dir: Path, *, today: date, size: str = "full") -> DemoExports:
    """Write the company's exports below `data_dir`/demo. Raises OSError where that cannot be written."""
    return demo_data.write_exports(data_dir / "demo", today=today, scale=SCALES[size])


def set_up_company(company: Company) -> int:
    """Teams, tag rules with their aliases, account rules; returns the teams made.

    Where there are teams already, none is made and no rule is touched.
    """
    if ownership.visible_teams(Scope.all()):
        return 0
    choices = ProposalChoices(
        TEAM_TAG,
        tuple(
            TeamChoice(
                team.name,
                tag_values=_without_case(team.spellings),
                sub_account_ids=tuple(company.account(name).account_id for name in team.accounts),
                cost_center=team.cost_center,
            )
            for team in company.teams
        ),
    )
    made = owners.accept_proposal(choices)
    key_of = {team.name: team.key for team in ownership.visible_teams(Scope.all())}
    for team in company.teams:
        if team.parent:
            parent_key = key_of[company.team(team.parent).name]
            change = TeamInput(team.name, cost_center=team.cost_center, parent_key=parent_key)
            owners.update_team(key_of[team.name], change)
    return made


def _without_case(spellings: Sequence[str]) -> tuple[str, ...]:
    """The spellings a rule needs: it matches without regard to case."""
    kept: dict[str, str] = {}
    for text in spellings:
        kept.setdefault(text.casefold(), text)
    return tuple(kept.values())


def set_up_people(password: str) -> tuple[Login, ...]:
    """Users and memberships; who is there keeps password and role."""
    key_of = {team.name: team.key for team in ownership.visible_teams(Scope.all())}
    known = {user.username: user for user in User.objects.filter(username__in=[each.username for each in PEOPLE])}
    opens = {user.password: check_password(password, user.password) for user in known.values()}
    hashed = next((text for text, fits in opens.items() if fits), "") or make_password(password)  # slow, so once
    for person in PEOPLE:
        if person.username in known:
            continue
        user = User.objects.create(username=person.username, password=hashed, **_user_fields(person))
        if not person.team:
            user.groups.add(Group.objects.get_or_create(name=FINOPS_GROUP)[0])
        elif person.team in key_of:
            owners.set_member(key_of[person.team], person.username, role=person.role)
    kept_out = {name for name, user in known.items() if not opens[user.password]}
    return tuple(Login(person, "" if person.username in kept_out else password) for person in PEOPLE)


def _user_fields(person: Person) -> dict[str, str]:
    first, _, last = person.full_name.partition(" ")
    return {"first_name": first, "last_name": last, "email": f"{person.username}@larkfield.example"}


def demo_password(data_dir: Path) -> str:
    """The one password of all demo people: made on the first run and kept beside the data, for its owner only."""
    path = data_dir / "demo" / "password"
    if path.exists():
        return path.read_text().strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = secrets.token_urlsafe(9)
    path.touch(mode=0o600)
    path.write_text(fresh)
    return fresh


def queue_imports(exports: DemoExports, *, today: date) -> list[int]:
    """One import a month and one for each kind of each inventory, handed to the worker; returns their pks."""
    requested_by = User.objects.get(username=PEOPLE[0].username).pk
    queued: list[int] = []
    for _month, files in exports.bills:
        queued += intake.prepare_imports(files, source_name=SOURCE, requested_by=requested_by, today=today)
    for day, files in exports.inventories:
        queued += intake.prepare_imports(files, snapshot_on=day, requested_by=requested_by, today=today)
    for import_pk in queued:
        enqueue_import(import_pk)
    return queued


def wait_for_imports(import_pks: Sequence[int], *, clock: Callable[[], datetime], say: Say) -> None:
    """Return when the worker is through with all of them, saying how far it is.

    Raises FinopsError with the reason of an import that failed, ServiceError where no worker works.
    """
    waiting, said_at = list(import_pks), time.monotonic()
    while waiting:
        details = [intake_reads.import_detail(Scope.all(), pk, now=clock()) for pk in waiting]
        for detail in details:
            if not detail.row.is_under_way:
                waiting.remove(detail.row.pk)
                say(_outcome(detail))
        if waiting and time.monotonic() - said_at > SAY_EVERY_SECONDS:
            said_at = time.monotonic()
            say(progress_text([detail.row for detail in details if detail.row.is_under_way]))
        _refuse_silence(details)
        time.sleep(LOOK_EVERY_SECONDS if waiting else 0)


def _refuse_silence(details: Sequence[ImportDetail]) -> None:
    for detail in details:
        if detail.row.attention in (Attention.NO_WORKER, Attention.WORKER_LOST):
            raise ServiceError(
                f"No worker finishes import {detail.row.pk}. See the worker's lines above, then run again."
            )


def progress_text(rows: Sequence[ImportRow]) -> str:
    """What is being worked on, and how many wait."""
    queued = sum(row.state is ImportState.QUEUED for row in rows)
    parts = [
        f"import {row.pk}: {row.step or row.state.value}, {row.percent} %"
        for row in rows
        if row.state is not ImportState.QUEUED
    ]
    return "; ".join([*parts, *([f"{queued} queued"] if queued else [])])


def _outcome(detail: ImportDetail) -> str:
    row = detail.row
    if row.state is ImportState.FAILED:
        raise FinopsError(f"Import {row.pk} of {row.source_name} failed: {row.error}")
    what = f"{row.source_name} {row.period or ''}".strip()
    if row.state is ImportState.UNCHANGED:
        return f"{what}: unchanged"
    return f"{what}: {row.rows:,} lines, {row.currency} {row.billed_cost:,.2f} billed, {row.seconds:.1f} s"


def latest_full_month(today: date) -> BillingPeriod:
    """The month whose report is printed: the last one that is over."""
    return BillingPeriod.of(today).previous()
