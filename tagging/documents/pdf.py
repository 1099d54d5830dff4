"""A document as PDF. Names go in as data, never as markup, and a run that takes too long is stopped."""

import json
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings

from costs.errors import FinopsError
from costs.money import ZERO
from tagging.documents.content import DocumentGroup, DocumentLine, StatementDocument

HERE = Path(__file__).resolve().parent
SECONDS = 40
MOST_LINES = 1500  # of one group; the CSV has them all


class DocumentError(FinopsError):
    """The PDF could not be made; the other files can."""

    code = "document_failed"


def pdf_of(document: StatementDocument) -> bytes:
    """The PDF. The same document gives the same bytes. Raises DocumentError."""
    cure = "Take the CSV or Excel file instead, and try again later."
    try:
        made = subprocess.run(  # noqa: S603 - fixed arguments, data on standard input
            [sys.executable, "-I", str(HERE / "typeset.py"), str(HERE / "statement.typ"), settings.PDF_FONTS],
            input=json.dumps(as_data(document)).encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DocumentError(f"The PDF was not done after {SECONDS} seconds. {cure}") from error
    if made.returncode or not made.stdout.startswith(b"%PDF"):
        raise DocumentError(f"The PDF could not be made. {cure}")
    return made.stdout


def as_data(document: StatementDocument) -> dict[str, Any]:
    """The document as the template reads it: texts only."""
    groups = [_shortened(group) for group in document.groups]
    tie = document.tie_out
    return {
        "company": document.company,
        "number": document.number,
        "version": document.version,
        "state": document.state,
        "charged_on": document.charged_on,
        "superseded": document.superseded,
        "owner": document.owner,
        "owner_key": document.owner_key,
        "cost_center": document.cost_center,
        "period": document.period.label,
        "currency": document.currency,
        "basis": document.basis_name,
        "closed_on": f"{document.closed_on.day} {document.closed_on:%B %Y}",
        "shows_list": document.shows_list,
        "groups": [
            {
                "name": group.name,
                "is_adjustment": any(line.origin for line in group.lines),
                "lines": [_cells(line) for line in group.lines],
                "amount": _text(group.amount),
                "list": _text(group.list_amount) if group.list_amount else "–",
            }
            for group in groups
        ],
        "total": _text(document.total),
        "list_total": _text(document.list_total),
        "suggested": "not known" if document.suggested is None else _text(document.suggested),
        "hash": document.hash,
        "bill_version": document.bill_version,
        "tie_out": None if tie is None else {name: _text(amount) for name, amount in vars(tie).items()},
    }


def _shortened(group: DocumentGroup) -> DocumentGroup:
    """The group with its smallest lines as one where there are too many to print."""
    if len(group.lines) <= MOST_LINES:
        return group
    ordered = sorted(group.lines, key=lambda line: -abs(line.amount))
    kept, rest = ordered[:MOST_LINES], ordered[MOST_LINES:]
    text = f"{len(rest)} smaller lines (see the CSV file)"
    amounts = (sum((line.amount for line in rest), ZERO), sum((line.list_amount for line in rest), ZERO))
    suggested = sum((line.suggested or ZERO for line in rest), ZERO)
    return replace(group, lines=(*kept, DocumentLine(text, "", "", "", *amounts, suggested)))


def _cells(line: DocumentLine) -> dict[str, str]:
    return {
        "text": line.text,
        "account": line.account,
        "category": line.category,
        "origin": line.origin,
        "amount": _text(line.amount),
        "list": _text(line.list_amount) if line.list_amount else "–",
        "suggested": _text(line.suggested) if line.suggested else "",
    }


def _text(amount: Decimal) -> str:
    """`−1,234.50`: two decimals, thousands marked, a true minus."""
    return f"{amount:,.2f}".replace("-", "−") if amount else "0.00"
