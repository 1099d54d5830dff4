"""A made-up company's billing exports: deterministic by seed and day, no Django, no clock.

`write_exports` writes three months of an hourly cost and usage report in AWS's own layout and inventories of
the first and the current month. See docs/how-to/demo.md for the story in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from finops_site.demo_data.commitments import add_instances
from finops_site.demo_data.company import Company
from finops_site.demo_data.estate import Estate, build_estate
from finops_site.demo_data.export import write_month
from finops_site.demo_data.fees import add_fees
from finops_site.demo_data.inventory import write_inventory
from finops_site.demo_data.larkfield import LARKFIELD
from finops_site.demo_data.lines import Lines
from finops_site.demo_data.schedules import Month, months_to
from finops_site.demo_data.services_used import add_services

__all__ = ["LARKFIELD", "Company", "DemoExports", "company_estate", "month_lines", "months_to", "write_exports"]

SEED = 20_260_901
SMALL = 0.05  # the scale tests use


@dataclass(frozen=True)
class DemoExports:
    """What was written. `bills` are (month, its files), `inventories` (day, its files), oldest first."""

    company: Company
    estate: Estate
    bills: tuple[tuple[Month, tuple[Path, ...]], ...]
    inventories: tuple[tuple[date, tuple[Path, Path]], ...]


def write_exports(
    folder: Path, *, today: date, company: Company = LARKFIELD, scale: float = 1.0, seed: int = SEED
) -> DemoExports:
    """Write everything under `folder`; the same arguments write the same bytes. Raises OSError where it cannot."""
    made = company if scale == 1.0 else company.scaled(scale)
    months = months_to(today)
    estate = company_estate(made, months, seed=seed)
    bills = tuple(
        (lines.month, write_month(folder, lines, made, seed=seed)) for lines in month_lines(estate, months, seed=seed)
    )
    inventories = (
        (months[0].period.range.last, write_inventory(folder / "inventory-before", estate, months[0], seed=seed)),
        (today - timedelta(days=1), write_inventory(folder / "inventory", estate, months[-1], seed=seed)),
    )
    return DemoExports(made, estate, bills, inventories)


def company_estate(company: Company, months: tuple[Month, ...], *, seed: int) -> Estate:
    """The company's resources for these months."""
    return build_estate(company, seed=seed, first_day=months[0].period.start, jump_on=months[0].jump_on)


def month_lines(estate: Estate, months: tuple[Month, ...], *, seed: int) -> Iterator[Lines]:
    """Each month's lines, one month in memory at a time."""
    current = months[-1].period.start
    for month in months:
        lines = Lines(month)
        draw = np.random.default_rng([seed, month.period.start.toordinal()])
        add_instances(lines, estate, current=current, draw=draw)
        add_services(lines, estate, draw)
        add_fees(lines, estate.company)
        yield lines
