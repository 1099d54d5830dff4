"""Pools of interchangeable usage, sizes in normalized units, and a pool's usage hour by hour."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

Hours = npt.NDArray[np.float64]

LINUX = "Linux/UNIX"
DEFAULT_TENANCY = "default"
_SMALL = {"nano": "0.25", "micro": "0.5", "small": "1", "medium": "2", "large": "4", "xlarge": "8"}
_TIMES = re.compile(r"^(\d+)xlarge$")
_XLARGE = Decimal(8)


@dataclass(frozen=True, order=True)
class Pool:
    """Usage one reservation can cover: a type, or a whole family (`c5.*`) where sizes are interchangeable."""

    region_id: str
    instance_type: str
    platform: str = LINUX
    tenancy: str = DEFAULT_TENANCY

    @property
    def is_family(self) -> bool:
        return self.instance_type.endswith(".*")

    @property
    def family(self) -> str:
        return family_of(self.instance_type)

    @property
    def label(self) -> str:
        """`us-east-1, c5.*, Linux/UNIX, default`."""
        return ", ".join((self.region_id, self.instance_type, self.platform, self.tenancy))


def family_of(instance_type: str) -> str:
    """`c5` of `c5.large`."""
    return instance_type.partition(".")[0]


def normalization_factor(instance_type: str) -> Decimal | None:
    """Normalized units an hour of this size; None where the size has none (bare metal, unknown sizes)."""
    size = instance_type.rpartition(".")[2]
    if size in _SMALL:
        return Decimal(_SMALL[size])
    times = _TIMES.match(size)
    return _XLARGE * int(times[1]) if times else None


def is_size_flexible(instance_type: str, platform: str, tenancy: str, *, excluded: Collection[str]) -> bool:
    """Whether a regional reservation covers other sizes of the family: Linux, default tenancy, not excluded."""
    return (
        platform == LINUX
        and tenancy == DEFAULT_TENANCY
        and family_of(instance_type) not in excluded
        and normalization_factor(instance_type) is not None
    )


def pool_of(instance_type: str, region_id: str, platform: str, tenancy: str, *, excluded: Collection[str]) -> Pool:
    """The pool hourly usage of this type belongs to."""
    kind = plain_platform(platform), plain_tenancy(tenancy)
    flexible = is_size_flexible(instance_type, *kind, excluded=excluded)
    return Pool(region_id, f"{family_of(instance_type)}.*" if flexible else instance_type, *kind)


def plain_platform(platform: str) -> str:
    """The platform as price books write it; an inventory that names none is taken for Linux."""
    return LINUX if platform.casefold() in {"", "linux", "linux/unix"} else platform


def plain_tenancy(tenancy: str) -> str:
    """The tenancy as price books write it."""
    return DEFAULT_TENANCY if tenancy.casefold() in {"", "shared", "default"} else tenancy.casefold()
