"""Reads the amounts off a page: each with the page's own words for it, and the lines it opens."""

from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser

VOID = {"input", "br", "meta", "link", "img", "hr", "use", "path", "rect", "line", "circle"}
LINES = "/lines/"


@dataclass(frozen=True)
class Amount:
    """One amount of a page. `place` is its tile, column or sentence; `row` the row of its table; '' no link."""

    value: Decimal
    place: str
    row: str
    lines_url: str


@dataclass
class _Open:
    tag: str
    attrs: dict[str, str]
    text: str = ""
    heads: list[str] = field(default_factory=list)  # of a table
    cell: int = -1  # of a row: the last cell; of a cell: which it is


class _Reader(HTMLParser):
    """Keeps the way down to where it is."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.way: list[_Open] = []
        self.found: list[tuple[Amount, list[_Open]]] = []
        self.links: list[str] = []
        self.label = ""  # of the tile or row that is open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        opened = _Open(tag, {name: value or "" for name, value in attrs})
        if tag in {"td", "th"} and (row := self._inside("tr")) is not None:
            row.cell += 1
            opened.cell = row.cell
        if tag == "a" and "href" in opened.attrs:
            self.links.append(opened.attrs["href"])
        self.way.append(opened)
        if tag == "data":
            self.found.append((self._amount(opened), list(self.way)))

    def handle_data(self, data: str) -> None:
        for each in self.way:
            each.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or all(each.tag != tag for each in self.way):
            return
        while self.way:
            closed = self.way.pop()
            if closed.tag == "th" and (table := self._inside("table")) is not None and self._inside("thead"):
                table.heads.append(" ".join(closed.text.split()))
            if closed.attrs.get("class", "") == "stat-label":
                self.label = " ".join(closed.text.split())
            if closed.tag == tag:
                return

    def _inside(self, *tags: str) -> _Open | None:
        return next((each for each in reversed(self.way) if each.tag in tags), None)

    def _amount(self, data: _Open) -> Amount:
        link = self._inside("a")
        href = link.attrs.get("href", "") if link is not None else ""
        return Amount(Decimal(data.attrs["value"]), self._place(), self._row(), href if LINES in href else "")

    def _place(self) -> str:
        cell, table = self._inside("td", "th"), self._inside("table")
        foot = "total of " if self._inside("tfoot") else ""
        if cell is not None and table is not None:
            names = table.heads[cell.cell : cell.cell + 1]
            return foot + (cell.attrs.get("data-label") or next(iter(names), "") or "cell")
        classes = [each.attrs.get("class", "") for each in self.way]
        if "stat-value" in classes:
            return self.label
        if any(each.startswith("trust") for each in classes):
            return "trust strip"
        named = ("aria-labelledby", "aria-label")
        section = next((each.attrs[name] for each in reversed(self.way) for name in named if name in each.attrs), "")
        return f"text of {section or 'page'}" if "stat-note" not in classes else f"note of {self.label}"

    def _row(self) -> str:
        row = self._inside("tr")
        return " ".join(row.text.split()) if row is not None else ""


def amounts_of(html: str) -> list[Amount]:
    """Every amount of a page that carries its exact value."""
    reader = _Reader()
    reader.feed(html)
    return [amount for amount, _ in reader.found]


def links_of(html: str) -> list[str]:
    """Where a page leads."""
    reader = _Reader()
    reader.feed(html)
    return reader.links
