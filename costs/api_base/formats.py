"""Answers as CSV: one header line, one line per row, text that cannot become a formula."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from django.http import Http404
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer

from costs.api_base.parameters import ParameterError
from costs.exports import ExportColumn, csv_lines

_LINES_AT_ONCE = 500


@dataclass(frozen=True)
class CsvTable:
    """A list ready to be written; the cells are plain values, lists and objects become JSON text."""

    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]

    def lines(self) -> Iterator[str]:
        """The file line by line."""
        columns = [ExportColumn(name) for name in self.columns]
        return csv_lines((), columns, ([cell_text(value) for value in row] for row in self.rows))

    def blocks(self) -> Iterator[str]:
        """The same some hundred lines at a time. The first ones are made at once, so that what is wrong with them is
        known before anything is sent."""
        lines = self.lines()
        first = "".join(islice(lines, _LINES_AT_ONCE))
        rest = iter(lambda: "".join(islice(lines, _LINES_AT_ONCE)), "")
        return chain((first,), rest)


class CsvRenderer(BaseRenderer):
    """`Accept: text/csv` or `?format=csv`. Anything but a table (an error) is written as JSON."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if not isinstance(data, CsvTable):
            return bytes(JSONRenderer().render(data))
        return "".join(data.lines()).encode()


class FormatNegotiation(DefaultContentNegotiation):
    """As Django REST framework does it, but an unknown `?format=` is a 400 that names the known ones."""

    def filter_renderers(self, renderers: Iterable[BaseRenderer], format: str) -> list[BaseRenderer]:
        offered = list(renderers)
        try:
            return list(super().filter_renderers(offered, format))
        except Http404:
            known = " or ".join(str(renderer.format) for renderer in offered)
            raise ParameterError("format", f"'{format}' is not a format of this answer. Use {known}.") from None


def cell_text(value: Any) -> Any:
    """A cell as CSV can hold it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value
