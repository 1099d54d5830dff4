"""In what currency lines count that do not say it.

Every format demands a currency of every line, and some exports leave it out: the column, or some of its cells. What
people say counts first, with the files or at the source; else the one currency of the account's other lines in the file
(of a Cost and Usage Report: of the bill's), as an account is billed in one. Whatever is assumed is kept with the import
and shown. Nothing else is guessed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from costs import charge_store
from costs.billing_formats import Finding, cur, focus
from costs.billing_formats.base import literal
from costs.charge_store import BillFile, Connection
from costs.errors import ImportRejectedError, InvalidRequestError
from costs.models import BillImport, BillSource
from costs.services.finding_cells import refuse_cell

_CODE = re.compile(r"[A-Z]{3,8}")
_CURE = (
    "Say in which currency they are: as Currency on the page of uploads or of the source, with import_bill --currency,"
    " or as currency in the API. Or export the file again with this column filled."
)


@dataclass(frozen=True)
class Part:
    """Whose lines: the account that pays, and of FOCUS files, which may hold several bills, provider and currency."""

    billing_account_id: str
    provider: str = ""
    billing_currency: str = ""


@dataclass(frozen=True)
class Assumed:
    """The currency that lines without one count in, and why."""

    currency: str
    reason: str

    def as_dict(self) -> dict[str, str]:
        """As a file of an import keeps it."""
        return asdict(self)


def currency_code(text: str) -> str:
    """A code as people give it; '' for none. Raises InvalidRequestError."""
    code = text.strip().upper()
    if code and not _CODE.fullmatch(code):
        raise InvalidRequestError(f"'{text}' is no currency code. Use one like USD.")
    return code


def in_currencies(
    file: BillFile, parts: Mapping[Part, int], *, given: str, source_name: str | None
) -> tuple[dict[Part, int], dict[Part, Assumed]]:
    """A file's parts with their lines, those without a currency in the one they count in; and what was assumed.

    Raises ImportRejectedError where that is known of no currency, or the account is missing.
    """
    filled: dict[Part, int] = {}
    assumed: dict[Part, Assumed] = {}
    for part, lines in parts.items():
        _refuse_incomplete(part, file)
        whole = part
        if not part.billing_currency:
            found = _currency_of(file, part, parts, given=given, source_name=source_name)
            whole = Part(part.billing_account_id, part.provider, found.currency)
            assumed[whole] = found
        filled[whole] = filled.get(whole, 0) + lines
    return filled, assumed


def of_report(file: BillFile, part: Part, *, given: str, source_name: str | None) -> Assumed | None:
    """In what lines of a Cost and Usage Report would count that do not tell their currency, as far as somebody says it.

    Raises ImportRejectedError where the file has no such column and nobody says it.
    """
    if given:
        return Assumed(given, "as was said with the files")
    if default := _default_of(part, source_name):
        return Assumed(default, "as the source says")
    column = cur.currency_column(file.columns)
    if not file.columns.has(column):
        raise _no_column(file, column)
    return None


def fill_currency(duck: Connection, folder: Path, item: BillImport) -> Finding | None:
    """Give the landed lines of a Cost and Usage Report that tell no currency theirs; what was assumed, if anything.

    Raises ImportRejectedError where nobody says it and the other lines do not all have the same.
    """
    found = charge_store.currencies_landed(duck, folder)
    if "" not in found:
        return None
    others = sorted(found - {""})
    told = next((described["currency"] for described in item.files if "currency" in described), None)
    if told is None and len(others) != 1:
        more = f", and other lines are in {' and '.join(others)}" if others else ""
        problem = f"This line and maybe more have no currency{more}."
        refuse_cell(item.pk, ("billing_currency",), "", problem=problem, cure=_CURE)
    known = told or Assumed(others[0], "as all other lines of the bill").as_dict()
    charge_store.fill_currency(duck, folder, known["currency"])
    text = f"Lines without a currency count in {known['currency']}, {known['reason']}."
    return Finding("currency_assumed", text, "warning")


def remember_currency(source: BillSource, given: str) -> None:
    """What was said with files counts for the source's next ones, too."""
    if given and source.default_currency != given:
        source.default_currency = given
        source.save(update_fields=["default_currency"])


def _currency_of(
    file: BillFile, part: Part, parts: Mapping[Part, int], *, given: str, source_name: str | None
) -> Assumed:
    if given:
        return Assumed(given, "as was said with the files")
    if default := _default_of(part, source_name):
        return Assumed(default, "as the source says")
    others = sorted(_others(part, parts))
    if len(others) == 1:
        return Assumed(others[0], "as all other lines of the account in the file")
    raise _no_currency(file, part, others)


def _others(part: Part, parts: Mapping[Part, int]) -> set[str]:
    """Currencies of the other lines of the account."""
    same = (other for other in parts if other.billing_account_id == part.billing_account_id)
    return {other.billing_currency for other in same if other.billing_currency}


def _default_of(part: Part, source_name: str | None) -> str:
    """The currency the named source says, else the one that all sources of this payer say which say any."""
    known = BillSource.objects.exclude(default_currency="").order_by()
    named = known.filter(name=source_name).values_list("default_currency", flat=True).first() if source_name else ""
    if named:
        return named
    same = known.filter(billing_account_id=part.billing_account_id, provider=part.provider)
    found = list(same.values_list("default_currency", flat=True).distinct())
    return found[0] if len(found) == 1 else ""


def _no_currency(file: BillFile, part: Part, others: Sequence[str]) -> ImportRejectedError:
    if focus.lacks_currency(file.columns):
        return _no_column(file, focus.CURRENCY)
    told = focus.whose(file.columns)
    same = f"{told['billing_account_id']} = {literal(part.billing_account_id)}"
    line = charge_store.first_line(file, f"{told['billing_currency']} = '' AND {same}")
    more = f", and other lines of account {part.billing_account_id} are in {' and '.join(others)}" if others else ""
    problem = f"This line and maybe more have no currency{more}."
    return ImportRejectedError(problem, _CURE, file.path.name, line=line, column=focus.CURRENCY)


def _no_column(file: BillFile, column: str) -> ImportRejectedError:
    problem = "The file has no column that tells the currency of its lines."
    return ImportRejectedError(problem, _CURE, file.path.name, line=1, column=column)


def _refuse_incomplete(part: Part, file: BillFile) -> None:
    if not part.billing_account_id:
        line = charge_store.first_line(file, f"{focus.whose(file.columns)['billing_account_id']} = ''")
        problem = f"This line and maybe more have no {focus.ACCOUNT}."
        cure = "Export again with this column filled; lines of totals or blanks below a bill have to go."
        raise ImportRejectedError(problem, cure, file.path.name, line=line, column=focus.ACCOUNT)
    if part.billing_currency and not _CODE.fullmatch(part.billing_currency):
        raise ImportRejectedError(
            f"'{part.billing_currency}' is no currency code.",
            "Export again with codes like USD in BillingCurrency.",
            file.path.name,
            column=focus.CURRENCY,
        )
