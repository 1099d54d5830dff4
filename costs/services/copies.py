"""Lines that stand in two files of one import are refused, with the names of both and what to give instead."""

from pathlib import Path
from typing import NoReturn

from costs import charge_store
from costs.charge_store import Connection
from costs.errors import ImportRejectedError
from costs.models import BillImport


def refuse_copies(duck: Connection, bill_import: BillImport, folder: Path) -> None:
    """Refuse lines that stand in two of an import's landed files: each would count twice.

    The files of a manifest are parts of one version by its word, so of those only whole copies are looked for.
    """
    if copy := charge_store.same_lines(duck, folder):
        first, second, rows = copy
        lines = "line" if rows == 1 else f"{rows:,} lines"
        _refuse_twice(f"the same {lines}", _names_of(bill_import, first, second), copied=True)
    delivery = bill_import.delivery
    if delivery is not None and delivery.manifest:
        return
    if found := charge_store.overlap(duck, folder):
        what = "all its lines" if found.share == 100 else f"{found.share} % of its lines"
        _refuse_twice(what, _names_of(bill_import, found.whole, found.part), copied=False)


def _names_of(bill_import: BillImport, *landed: Path) -> list[str]:
    return [bill_import.files[int(path.stem.split("-")[1]) - 1]["name"] for path in landed]


def _refuse_twice(lines: str, names: list[str], *, copied: bool) -> NoReturn:
    within = names[0] == names[1]
    if copied:
        where, cure = ("twice", "Take the copy out of it.") if within else (f"as {names[0]}", "Give only one of them.")
        raise ImportRejectedError(f"It holds {lines} {where}, so each cost would count twice.", cure, names[1])
    other = "another file in it" if within else names[0]
    raise ImportRejectedError(
        f"It has {lines} in common with {other}, so their costs would count twice: it looks like the month so far,"
        " given again as it went on.",
        "Give only the newest of them. If they are parts of one bill after all, put their lines into one file.",
        names[1],
    )
