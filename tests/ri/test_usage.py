"""Sizes in normalized units, and which usage one reservation can cover."""

from decimal import Decimal

import pytest

from ri.usage import Pool, normalization_factor, pool_of

BOUND = frozenset({"g5"})


@pytest.mark.parametrize(
    ("size", "factor"),
    [
        ("nano", "0.25"),
        ("micro", "0.5"),
        ("small", "1"),
        ("medium", "2"),
        ("large", "4"),
        ("xlarge", "8"),
        ("2xlarge", "16"),
        ("3xlarge", "24"),
        ("9xlarge", "72"),
        ("10xlarge", "80"),
        ("16xlarge", "128"),
        ("18xlarge", "144"),
        ("24xlarge", "192"),
        ("48xlarge", "384"),
        ("56xlarge", "448"),
        ("112xlarge", "896"),
    ],
)
def test_a_size_has_its_normalized_units(size: str, factor: str) -> None:
    assert normalization_factor(f"m5.{size}") == Decimal(factor)


def test_bare_metal_has_no_size_of_its_own() -> None:
    assert normalization_factor("m5.metal") is None
    assert pool_of("m5.metal", "us-east-1", "Linux/UNIX", "Shared", excluded=BOUND).instance_type == "m5.metal"


@pytest.mark.parametrize(
    ("instance_type", "platform", "tenancy", "pool"),
    [
        ("c5.xlarge", "Linux/UNIX", "Shared", Pool("us-east-1", "c5.*")),
        ("c5.xlarge", "", "", Pool("us-east-1", "c5.*")),
        ("c5.xlarge", "Windows", "Shared", Pool("us-east-1", "c5.xlarge", "Windows")),
        ("c5.xlarge", "Linux/UNIX", "Dedicated", Pool("us-east-1", "c5.xlarge", "Linux/UNIX", "dedicated")),
        ("g5.xlarge", "Linux/UNIX", "Shared", Pool("us-east-1", "g5.xlarge")),
    ],
)
def test_sizes_are_interchangeable_for_linux_in_default_tenancy_only(
    instance_type: str, platform: str, tenancy: str, pool: Pool
) -> None:
    assert pool_of(instance_type, "us-east-1", platform, tenancy, excluded=BOUND) == pool
