"""The demo company as data: accounts, teams, what they run, what they reserved.

Everything here is made up except the list prices, which are public ones of 2026 (USD per hour).
`ran` names a schedule of `schedules.hours_run`.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Account:
    """One linked account; the first of a company pays for all."""

    account_id: str
    name: str


@dataclass(frozen=True)
class TeamSpec:
    """A team and its tagging habits: how often a resource carries all five tags, and how the team is spelled."""

    key: str
    name: str
    cost_center: str
    owners: tuple[str, ...]
    projects: tuple[str, ...]
    tagged: float
    spellings: tuple[str, ...]  # the first is used most
    parent: str = ""
    accounts: tuple[str, ...] = ()  # names of accounts that are the team's alone


@dataclass(frozen=True)
class Fleet:
    """Instances of one kind that run on the same schedule, each with one volume (0 GB means none)."""

    name: str
    team: str
    account: str
    region: str
    instance_type: str
    count: int
    environment: str
    ran: str = "always"
    volume_gb: int = 0
    is_spot: bool = False
    volume_type: str = "gp3"
    is_idle: bool = False  # runs with next to no load


@dataclass(frozen=True)
class Database:
    name: str
    team: str
    account: str
    region: str
    instance_type: str
    rate: str
    environment: str
    storage_gb: int
    zones: int = 1

    @property
    def is_multi_az(self) -> bool:
        return self.zones > 1


@dataclass(frozen=True)
class Bucket:
    name: str
    team: str
    account: str
    region: str
    size_gb: int
    requests_per_day: int
    environment: str
    storage_class: str = "STANDARD"


@dataclass(frozen=True)
class Function:
    """A Lambda function: calls and GB-seconds of an average hour."""

    name: str
    team: str
    account: str
    region: str
    calls: int
    gb_seconds: int
    environment: str


@dataclass(frozen=True)
class Network:
    """What an account's network costs in one region: gateways, balancers, GB an hour that leave or cross zones."""

    account: str
    team: str
    region: str
    gateways: int
    balancers: int
    out_gb: float
    zone_gb: float
    gateway_gb: float


@dataclass(frozen=True)
class Reservation:
    """Reserved instances of one type. `ends_after_days` counts from the first of the current month."""

    reservation_id: str
    instance_type: str
    region: str
    count: int
    upfront: str  # USD for one
    hourly: str  # USD for one
    option: str
    ends_after_days: int


@dataclass(frozen=True)
class SavingsPlan:
    plan_id: str
    family: str
    region: str
    commitment: str  # USD an hour
    rates: tuple[tuple[str, str], ...]
    ends_after_days: int


@dataclass(frozen=True)
class Company:
    name: str
    slug: str
    accounts: tuple[Account, ...]
    teams: tuple[TeamSpec, ...]
    fleets: tuple[Fleet, ...]
    databases: tuple[Database, ...]
    buckets: tuple[Bucket, ...]
    functions: tuple[Function, ...]
    networks: tuple[Network, ...]
    reservations: tuple[Reservation, ...]
    plans: tuple[SavingsPlan, ...]
    credit_account: str = ""  # names; empty for nobody
    refund_account: str = ""

    @property
    def payer(self) -> Account:
        return self.accounts[0]

    def account(self, name: str) -> Account:
        """The account of that name. Raises StopIteration where there is none."""
        return next(account for account in self.accounts if account.name == name)

    def team(self, key: str) -> TeamSpec:
        """The team of that key. Raises StopIteration where there is none."""
        return next(team for team in self.teams if team.key == key)

    def scaled(self, factor: float) -> "Company":
        """The same company with fewer of everything that is counted, at least one of each kind."""

        def count(number: int) -> int:
            return max(1, round(number * factor))

        return replace(
            self,
            fleets=tuple(replace(fleet, count=count(fleet.count)) for fleet in self.fleets),
            databases=self.databases[: count(len(self.databases))],
            functions=self.functions[: count(len(self.functions))],
            networks=self.networks[: count(len(self.networks))],
            reservations=tuple(replace(owned, count=count(owned.count)) for owned in self.reservations),
        )
