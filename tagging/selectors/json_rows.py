"""Rows of several tables in one query: what differs between them travels as a JSON object."""

import json
from collections.abc import Sequence
from typing import Any

from django.db.models import F, Func, JSONField, TextField, Value
from django.db.models.functions import Cast


class AsJson(Func):
    """Columns as one JSON object. Django's own asks SQLite three questions first, in every process anew."""

    function = "JSONB_BUILD_OBJECT"

    def __init__(self, columns: Sequence[str]) -> None:
        pairs = [part for name in columns for part in (Cast(Value(name), TextField()), F(name))]
        super().__init__(*pairs, output_field=JSONField())

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSON_OBJECT", **context)


def parsed(value: Any) -> Any:
    """JSON within JSON: PostgreSQL nests it, SQLite gives its text."""
    return json.loads(value) if isinstance(value, str) else value
