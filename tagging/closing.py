"""A closed month as plain values: its lines, what later changes make of them, its hash, its cents."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from costs.money import ZERO, cents_that_sum, cents_to_total, plain, round_to_cents
from costs.periods import BillingPeriod
from costs.terms import COST_COLUMNS
from tagging.owners import bare_key
from tagging.terms import LineKind, OwnerKind

Costs = tuple[Decimal, ...]  # one for each of COST_COLUMNS
NOTHING: Costs = (ZERO,) * len(COST_COLUMNS)


@dataclass(frozen=True, order=True)
class Owner:
    """Who a statement is for; nobody's holds what has no owner."""

    kind: str
    key: str = ""


NOBODY = Owner(OwnerKind.NOBODY.value)


@dataclass(frozen=True, order=True)
class LineKey:
    """What one line of a statement is of: direct costs, or a share of the pool named."""

    owner: Owner
    kind: str
    service_name: str = ""
    sub_account_id: str = ""
    charge_category: str = ""
    pool_key: str = ""


Lines = dict[LineKey, Costs]


@dataclass(frozen=True, order=True)
class Carried:
    """A correction of a line of an earlier month (`origin`), which was closed in that version."""

    origin: str
    version: int
    line: LineKey


def added(one: Costs, other: Costs) -> Costs:
    return tuple(left + right for left, right in zip(one, other, strict=True))


def taken(one: Costs, other: Costs) -> Costs:
    return tuple(left - right for left, right in zip(one, other, strict=True))


def collected(rows: Iterable[tuple[LineKey, Costs]]) -> Lines:
    """Rows of the same line added up."""
    lines: Lines = {}
    for key, costs in rows:
        lines[key] = added(lines.get(key, NOTHING), costs)
    return lines


def summed(costs: Iterable[Costs]) -> Costs:
    """The sum on every basis."""
    total = NOTHING
    for each in costs:
        total = added(total, each)
    return total


def pending(now: Mapping[LineKey, Costs], closed: Mapping[LineKey, Costs], carried: Mapping[LineKey, Costs]) -> Lines:
    """What a month's lines lack: those of today − those closed − the corrections carried before. Zeros left out."""
    found: Lines = {}
    for key in sorted({*now, *closed, *carried}):
        costs = taken(taken(now.get(key, NOTHING), closed.get(key, NOTHING)), carried.get(key, NOTHING))
        if any(costs):
            found[key] = costs
    return found


def digest(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """SHA-256 over the head and the lines in order of their text, one JSON list to a row."""
    rows = [
        json.dumps(list(head), ensure_ascii=False),
        *sorted(json.dumps(list(row), ensure_ascii=False) for row in lines),
    ]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def canonical_line(owner: Owner, fields: Sequence[str], costs: Costs) -> tuple[str, ...]:
    """One line as the hash takes it: who, what, then the five bases as exact text."""
    return (owner.kind, owner.key, *fields, *(plain(cost) for cost in costs))


SUGGESTED = "suggested"  # what marks such a row under the hash; no line is of that kind


def canonical_rows(
    fields: Iterable[tuple[Owner, tuple[str, ...], Costs]], suggested: Mapping[LineKey, Costs]
) -> Iterator[tuple[str, ...]]:
    """All that a hash is over: the lines, then what of them virtual tags put there."""
    yield from (canonical_line(*line) for line in fields)
    for key, costs in suggested.items():
        yield canonical_line(key.owner, (SUGGESTED, *_place(key)), costs)


def own_part(lines: Mapping[LineKey, Costs], owner: Owner) -> Lines:
    """The lines of one owner."""
    return {key: costs for key, costs in lines.items() if key.owner == owner}


def suggested_rows(lines: Mapping[LineKey, Costs], owner: Owner) -> list[list[str]]:
    """What virtual tags put on an owner's statement as it is stored: where, and the five bases as exact text."""
    return [[*_place(key), *(plain(cost) for cost in costs)] for key, costs in sorted(own_part(lines, owner).items())]


def suggested_from(rows: Iterable[Sequence[str]], owner: Owner) -> Lines:
    """What `suggested_rows` stored."""
    bases = len(COST_COLUMNS)
    return {
        LineKey(owner, LineKind.DIRECT.value, *row[:-bases]): tuple(Decimal(cost) for cost in row[-bases:])
        for row in rows
    }


def _place(key: LineKey) -> tuple[str, str, str]:
    return key.service_name, key.sub_account_id, key.charge_category


def document_cents(totals: Mapping[Owner, Costs]) -> dict[Owner, dict[str, str]]:
    """Every document's total in cents on every basis; they sum to the rounded total of the month.

    Largest remainder over all documents of the month, those of nobody among them, in the order of their owners.
    """
    owners = sorted(totals)
    by_column = [cents_that_sum([totals[owner][at] for owner in owners]) for at in range(len(COST_COLUMNS))]
    return {
        owner: {column: plain(by_column[at][place]) for at, column in enumerate(COST_COLUMNS)}
        for place, owner in enumerate(owners)
    }


@dataclass(frozen=True)
class TaxPart:
    """The tax in what one document books. `booked` are its cents where it is nothing but tax (`is_all`)."""

    tax: Decimal
    booked: Decimal
    is_all: bool


def tax_cents(parts: Sequence[TaxPart]) -> list[Decimal]:
    """The tax of each document in cents; they sum to the rounded tax of all.

    Documents of nothing but tax have no say: what they book is their tax. The others share the rest by largest
    remainder, and their other costs give way.
    """
    free = [part.tax for part in parts if part.tax and not part.is_all]
    fixed = sum((part.booked for part in parts if part.tax and part.is_all), ZERO)
    shared = iter(cents_to_total(free, round_to_cents(sum((part.tax for part in parts), ZERO)) - fixed))
    return [ZERO if not part.tax else part.booked if part.is_all else next(shared) for part in parts]


def group(rows: Iterable[tuple[Any, Costs]], key: Callable[[Any], Owner]) -> dict[Owner, Costs]:
    """Sums by owner."""
    totals: dict[Owner, Costs] = {}
    for row, costs in rows:
        owner = key(row)
        totals[owner] = added(totals.get(owner, NOTHING), costs)
    return totals


def is_own(line: LineKey) -> bool:
    """Whether the line is of the month itself, not a correction."""
    return line.kind != LineKind.ADJUSTMENT.value


def statement_number(owner: Owner, period: BillingPeriod, place: int) -> str:
    """`2018-payments-003`: the third final statement of that owner for months of 2018.

    Counted for each owner alone: a number over all owners would tell each how many others there are.
    """
    return f"{period.start.year}-{bare_key(owner.key)}-{place:03d}"
