"""manage.py lines --period MONTH [--to MONTH] [--where CONDITION] [--closed] [--format FORMAT] [--output FILE]"""

import json
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from costs import figures, selectors
from costs.cost_explorer import CONSOLE_NAMES, ChargeType
from costs.errors import FinopsError, InvalidRequestError, NotFoundInScopeError
from costs.exports import ExportColumn, csv_lines
from costs.line_filters import LINE_FIELDS, SORTS, Condition, Order, parse_condition, parse_order
from costs.money import plain
from costs.periods import BillingPeriod
from costs.queries import CostQuery, parse_metric
from costs.scope import Scope
from costs.selectors import ActiveImport, BillLine, LineQuestion, LineSums
from costs.terms import CostMetric
from costs.text_tables import aligned
from tagging.selectors.line_reach import as_closed, closed_currencies, reach_of_versions
from tagging.selectors.reach import Reach

SHOWN = 100
_CONSOLE = {console: name for name, console in CONSOLE_NAMES.items()}  # people type what they see there
ALL = Scope.all()


@dataclass(frozen=True)
class Asked:
    """The question of one call."""

    question: LineQuestion
    order: Order
    metric: CostMetric
    currency: str
    other_currencies: tuple[str, ...]
    limit: int
    filters: dict[str, Any]  # those of the page that were given, by its names


class Command(BaseCommand):
    help = (
        "Lines of the bills in force, or of those months were closed on: count, sums on every basis, and the lines "
        "themselves. A condition is "
        "field=value, with = != > < >= <= or ~ (contains); several must all hold. Fields: "
        + ", ".join(name for name in LINE_FIELDS if name != "tags")
        + ", tag:KEY. An empty value stands for none. A service may be named by its code."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--period", required=True, help="the month, YYYY-MM; the first one with --to")
        parser.add_argument("--to", help="the last month, inclusive")
        parser.add_argument("--where", action="append", default=[], metavar="CONDITION", help="may be repeated")
        parser.add_argument("--source", action="append", default=[], help="only bills of this source")
        parser.add_argument(
            "--closed", action="store_true", help="closed months from the bills they were closed on, as closed=yes"
        )
        parser.add_argument(
            "--bill-version", action="append", default=[], metavar="IMPORT", dest="versions",
            help="only this import, in force or not, by its number; may be repeated; as version=",
        )  # fmt: skip
        parser.add_argument(
            "--ce-service", action="append", default=[], dest="ce_services", metavar="SERVICE",
            help="only this service as Cost Explorer names it, like EC2-Other; may be repeated; as ce_service=",
        )  # fmt: skip
        parser.add_argument(
            "--ce-type", action="append", default=[], dest="ce_types", metavar="TYPE",
            help=f"only this charge type of Cost Explorer ({', '.join(ChargeType)}); may be repeated; as ce_type=",
        )  # fmt: skip
        parser.add_argument("--basis", default=CostMetric.BILLED.value, help="the cost that is shown and sorted by")
        parser.add_argument("--currency", default="", help="which currency, where there are several")
        parser.add_argument(
            "--sort", default="charge_period_start", help=f"{', '.join(SORTS)}; falling as --sort=-cost"
        )
        parser.add_argument("--limit", type=int, default=SHOWN, help="lines shown or in JSON; files hold all")
        parser.add_argument("--format", choices=["table", "csv", "parquet"], default="table")
        parser.add_argument("--output", type=Path, help="write to this file")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            asked = _asked(options)
            if options["format"] == "table":
                text = _json_text(asked) if options["json"] else _table_text(asked)
                self._write(iter([text + "\n"]), options["output"])
            elif options["format"] == "csv":
                self._write(_csv_text(asked), options["output"])
            else:
                self._write_parquet(asked, options["output"])
        except FinopsError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"Cannot use the database ({error}). Check DATABASE_URL, then run migrate.") from error
        except OSError as error:
            raise CommandError(f"{error.filename or 'The output'}: {error.strerror or error}.") from error

    def _write(self, parts: Iterator[str], output: Path | None) -> None:
        if output is None:
            for part in parts:
                self.stdout.write(part, ending="")
            return
        with output.open("w", encoding="utf-8", newline="") as file:
            file.writelines(parts)
        self.stderr.write(f"Written to {output}.")

    def _write_parquet(self, asked: Asked, output: Path | None) -> None:
        if output is None:
            raise InvalidRequestError("Parquet is no text. Name a file with --output.")
        selectors.write_line_parquet(ALL, asked.question, output, order=asked.order, metric=asked.metric)
        self.stderr.write(f"Written to {output}.")


def _asked(options: dict[str, Any]) -> Asked:
    conditions = tuple(parse_condition(text) for text in options["where"])
    metric, order = parse_metric(options["basis"]), parse_order(options["sort"])
    if options["limit"] < 0:
        raise InvalidRequestError("--limit is a number of lines from 0.")
    if options["json"] and options["format"] != "table":
        raise InvalidRequestError("--json and --format are two shapes. Give one of them.")
    first = BillingPeriod.parse(options["period"])
    last = BillingPeriod.parse(options["to"]) if options["to"] else first
    found = _reach(first, last, options)
    return Asked(
        question=_question(found.imports, conditions, options),
        order=order,
        metric=metric,
        currency=found.currency,
        other_currencies=found.other_currencies,
        limit=options["limit"],
        filters=_filters(options),
    )


def _filters(options: dict[str, Any]) -> dict[str, Any]:
    lists = {
        "source": options["source"],
        "version": options["versions"],
        "ce_service": options["ce_services"],
        "ce_type": options["ce_types"],
    }
    return {name: values for name, values in lists.items() if values} | ({"closed": "yes"} if options["closed"] else {})


def _question(
    items: tuple[ActiveImport, ...], conditions: tuple[Condition, ...], options: dict[str, Any]
) -> LineQuestion:
    """With what lines of Cost Explorer's groups have in common, where such are asked for."""
    services, types = [_CONSOLE.get(name, name) for name in options["ce_services"]], options["ce_types"]
    together = selectors.ce_combinations(ALL, items, services=services, types=types) if services or types else None
    return LineQuestion(items=items, conditions=conditions, combinations=together)


def _reach(first: BillingPeriod, last: BillingPeriod, options: dict[str, Any]) -> Reach:
    """The bills that are read, of one currency: those in force, one version, or those months were closed on."""
    if last < first:
        raise InvalidRequestError(f"The months start ({first}) after they end ({last}). Swap --period and --to.")
    periods, wanted = CostQuery(first, last).periods, options["currency"].strip().upper()
    if options["versions"]:
        return _of_versions(periods, wanted, options)
    found, sources = _by_currency(periods, closed=options["closed"]), options["source"]
    found = {name: _of_sources(items, sources) for name, items in found.items()}
    names = [name for name in sorted(found, key=lambda name: (name != "USD", name)) if found[name]]
    if not names:
        raise NotFoundInScopeError(_nothing_text(first, last, options))
    currency = wanted or names[0]
    if currency not in names:
        raise NotFoundInScopeError(f"No bill of these months is in {currency}. There is {', '.join(names)}.")
    return Reach(ALL, found[currency], currency, tuple(name for name in names if name != currency))


def _by_currency(periods: Sequence[BillingPeriod], *, closed: bool) -> dict[str, tuple[ActiveImport, ...]]:
    """The bills of these months: those in force, or of closed months those they were closed on, in force or not."""
    in_force = [item for item in selectors.active_imports(ALL) if item.period in periods]
    names = {item.currency for item in in_force} | (closed_currencies(periods) if closed else set())
    reached = [Reach(ALL, tuple(item for item in in_force if item.currency == name), name, ()) for name in names]
    return {one.currency: as_closed(one, periods).imports if closed else one.imports for one in reached}


def _of_sources(items: Sequence[ActiveImport], sources: Sequence[str]) -> tuple[ActiveImport, ...]:
    return tuple(item for item in items if not sources or item.source_name in sources)


def _of_versions(periods: Sequence[BillingPeriod], currency: str, options: dict[str, Any]) -> Reach:
    named = ", ".join(options["versions"])
    if options["source"] or options["closed"]:
        raise InvalidRequestError("--bill-version names the import itself. Leave --source and --closed away.")
    try:
        found = reach_of_versions(ALL, periods, options["versions"], currency)
    except NotFoundInScopeError as error:
        raise NotFoundInScopeError(
            f"Not every import of {named} is kept. The page of the bill lists its versions."
        ) from error
    if not found.imports:
        raise NotFoundInScopeError(f"Import {named} is not of these months and currency. Give its month as --period.")
    return found


def _nothing_text(first: BillingPeriod, last: BillingPeriod, options: dict[str, Any]) -> str:
    known = _of_sources(selectors.active_imports(ALL), options["source"])
    months = ", ".join(sorted({str(item.period) for item in known}, reverse=True)[:12]) or "none yet"
    named = f"{first} to {last}" if last != first else str(first)
    of_sources = f" of {', '.join(options['source'])}" if options["source"] else ""
    state = "is in force, and none was when it was closed," if options["closed"] else "is in force"
    return f"No bill{of_sources} {state} for {named}. Newest months with one: {months}."


def _lines(asked: Asked) -> tuple[BillLine, ...]:
    rows = selectors.line_rows(ALL, asked.question, order=asked.order, metric=asked.metric, limit=asked.limit)
    return tuple(rows) if asked.limit else ()


def _json_text(asked: Asked) -> str:
    sums, lines = selectors.line_sums(ALL, asked.question), _lines(asked)
    answer = {
        "periods": sorted({str(item.period) for item in asked.question.items}),
        "sources": sorted({item.source_name for item in asked.question.items}),
        "imports": sorted(item.pk for item in asked.question.items),
        "filters": asked.filters,
        "where": [f"{one.field}{one.sign}{one.values[0]}" for one in asked.question.conditions],
        "basis": asked.metric.value,
        "currency": asked.currency,
        "other_currencies": asked.other_currencies,
        "count": sums.count,
        "total_cost": plain(sums.costs[asked.metric]),
        "costs": {f"{metric.value}_cost": plain(cost) for metric, cost in sums.costs.items()},
        "shown": len(lines),
        "lines": [_as_dict(line) for line in lines],
    }
    return json.dumps(answer, ensure_ascii=False, indent=2)


def _as_dict(line: BillLine) -> dict[str, Any]:
    cells = dict(zip(LINE_FIELDS, line.values, strict=True))
    return {**{name: _json_value(value) for name, value in cells.items()}, "tags": dict(line.tags)}


def _json_value(value: Any) -> Any:
    """Money as exact text, times in ISO."""
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, date) else value


def _table_text(asked: Asked) -> str:
    sums, lines = selectors.line_sums(ALL, asked.question), _lines(asked)
    head = ("Start (UTC)", "Account", "Service", "Usage type", "Operation", "Resource", "Quantity", "Cost")
    rows = [head, *(_table_row(line, asked.metric) for line in lines)]
    text = [*(aligned(rows, []) if lines else []), "", *_totals(asked, sums, len(lines))]
    return "\n".join(text).lstrip("\n")


def _table_row(line: BillLine, metric: CostMetric) -> tuple[str, ...]:
    return (
        f"{line.charge_period_start:%Y-%m-%d %H:%M}",
        line.sub_account_id,
        line.service_name,
        line.usage_type,
        line.operation,
        line.resource_id,
        figures.number(line.consumed_quantity, 4),
        plain(line.cost(metric)),
    )


def _totals(asked: Asked, sums: LineSums, shown: int) -> Iterable[str]:
    yield f"{sums.count:,} lines" + (f", {shown:,} shown" if shown < sums.count else "")
    for metric, cost in sums.costs.items():
        mark = " (basis)" if metric is asked.metric else ""
        yield f"{metric.value.capitalize()} cost  {plain(cost)} {asked.currency}{mark}"
    if asked.other_currencies:
        yield f"There are bills in {', '.join(asked.other_currencies)} as well: ask with --currency."


def _csv_text(asked: Asked) -> Iterator[str]:
    names = [ExportColumn(name) for name in selectors.fields_from(asked.metric)]
    yield from csv_lines((), names, ())
    yield from selectors.line_csv(ALL, asked.question, order=asked.order, metric=asked.metric)
