"""The company's resources with ids, zones, dates and tags: the same for every month of a seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Generic, Protocol, TypeVar

import numpy as np

from finops_site.demo_data.company import Bucket, Company, Database, Fleet, Function, Network

TAG_KEYS = ("Team", "Environment", "Owner", "CostCenter", "Project")
SPELLED = {
    "Prod": ("Prod", "Prod", "prod", "production"),
    "Staging": ("Staging", "staging"),
    "Test": ("Test",),
    "Dev": ("Dev", "dev", "development"),
}
NOT_ALLOWED = ("live", "tbd", "eu")
SHARED_TAGS = {"Owner": "platform.ops", "CostCenter": "CC-1900", "Project": "shared-platform"}
Tags = Mapping[str, str]


class Spec(Protocol):
    """What every listed resource has."""

    @property
    def team(self) -> str: ...
    @property
    def account(self) -> str: ...


Listed = TypeVar("Listed", Database, Bucket, Function, Network)


@dataclass(frozen=True)
class Instance:
    fleet: Fleet
    index: int
    account_id: str
    instance_id: str
    volume_id: str
    zone: str
    created_on: date
    tags: Tags

    @property
    def is_stopped(self) -> bool:
        return self.fleet.ran == "stopped"


@dataclass(frozen=True)
class Owned(Generic[Listed]):
    """A resource other than an instance, as the company lists it, with its account and tags."""

    spec: Listed
    account_id: str
    created_on: date
    tags: Tags


@dataclass(frozen=True)
class Estate:
    company: Company
    instances: tuple[Instance, ...]
    databases: tuple[Owned[Database], ...]
    buckets: tuple[Owned[Bucket], ...]
    functions: tuple[Owned[Function], ...]
    networks: tuple[Owned[Network], ...]


def build_estate(company: Company, *, seed: int, first_day: date, jump_on: date) -> Estate:
    """Every resource of the company. All but the jump's instances were made before `first_day`."""
    draw = np.random.default_rng(seed)
    instances = tuple(
        _instance(company, fleet, index, draw, jump_on if fleet.ran == "jump" else _before(first_day, draw))
        for fleet in company.fleets
        for index in range(fleet.count)
    )

    def owned(spec: Listed, name: str, environment: str) -> Owned[Listed]:
        tags = _tags(company, spec, environment, name, draw)
        return Owned(spec, company.account(spec.account).account_id, _before(first_day, draw), tags)

    return Estate(
        company,
        instances,
        databases=tuple(owned(spec, spec.name, spec.environment) for spec in company.databases),
        buckets=tuple(owned(spec, spec.name, spec.environment) for spec in company.buckets),
        functions=tuple(owned(spec, spec.name, spec.environment) for spec in company.functions),
        networks=tuple(owned(spec, f"{spec.account} network", "Prod") for spec in company.networks),
    )


def _instance(company: Company, fleet: Fleet, index: int, draw: np.random.Generator, created_on: date) -> Instance:
    tags = _tags(company, fleet, fleet.environment, f"{fleet.name}-{index + 1:02d}", draw)
    if fleet.ran == "follows-demand":
        tags = {**tags, "aws:autoscaling:groupName": fleet.name}
    return Instance(
        fleet,
        index,
        company.account(fleet.account).account_id,
        f"i-{_hex_id(draw)}",
        f"vol-{_hex_id(draw)}",
        f"{fleet.region}a",
        created_on,
        tags,
    )


def _tags(company: Company, spec: Spec, environment: str, name: str, draw: np.random.Generator) -> dict[str, str]:
    """The tags someone of the team would set: all five, or with gaps, in the spelling of the day."""
    if not spec.team:
        return {**SHARED_TAGS, "Environment": environment, "Name": name, "aws:createdBy": _maker("terraform")}
    team = company.team(spec.team)
    spelling = team.spellings[0] if draw.random() < 0.55 else _one_of(team.spellings, draw)
    owner = _one_of(team.owners, draw)
    tags = {
        "Team": spelling,
        "Environment": _one_of(SPELLED[environment], draw),
        "Owner": owner,
        "CostCenter": team.cost_center,
        "Project": _one_of(team.projects, draw),
        "Name": name,
        "aws:createdBy": _maker(owner),
    }
    if draw.random() < team.tagged:
        return tags
    if draw.random() < 0.2:
        return {**tags, "Environment": _one_of(NOT_ALLOWED, draw)}
    gone = draw.choice(TAG_KEYS, size=int(draw.integers(1, 4)), replace=False)
    return {key: value for key, value in tags.items() if key not in gone}


def _maker(who: str) -> str:
    return f"AssumedRole:AROALARKFIELD{len(who):02d}EXAMPLE:{who}"


def _one_of(choices: tuple[str, ...], draw: np.random.Generator) -> str:
    return choices[int(draw.integers(len(choices)))]


def _hex_id(draw: np.random.Generator) -> str:
    return f"0{draw.integers(16**15):015x}"[:17].ljust(17, "0")


def _before(first_day: date, draw: np.random.Generator) -> date:
    return first_day - timedelta(days=int(draw.integers(40, 900)))
