"""Tags as the lines spell them: which keys a bill has, and what resources carry under keys that slices do not keep."""

import json
from collections.abc import Collection, Iterator
from datetime import date
from typing import NamedTuple

from costs.charge_store import ImportFolder, carried_on_resources, tag_keys_of, tag_texts_of
from costs.scope import Scope
from costs.selectors.imports import ActiveImport
from costs.tags import clean_value


class CarriedTag(NamedTuple):
    """A resource's last value under a key as spelled, on the lines of one slice."""

    resource_key: int
    slice_key: int
    spelling: str
    value: str


def tag_spellings(scope: Scope, item: ActiveImport) -> tuple[str, ...]:
    """Every key on the import's lines as it is spelled there. Needs the full scope: keys are everybody's."""
    scope.require_everything()
    return tuple(tag_keys_of([_folder(item)]))


def carried_tags(scope: Scope, item: ActiveImport, spellings: Collection[str]) -> tuple[CarriedTag, ...]:
    """What taggable resources carry under these spellings, blanks left out. Needs the full scope, as `tag_costs`."""
    scope.require_everything()
    if not spellings:
        return ()
    rows = carried_on_resources(_folder(item), tuple(sorted(spellings)))
    found = (CarriedTag(*row[:3], clean_value(row[3])) for row in rows)
    return tuple(tag for tag in found if tag.value)


def tags_on_resources(
    scope: Scope, item: ActiveImport, pairs: Collection[tuple[int, int]]
) -> Iterator[tuple[int, int, dict[str, str]]]:
    """(resource, slice, its tags as spelled) of these pairs on taggable lines, blanks left out. Needs the full scope.

    Under each key the last value, as `carried_tags` has it; read as it is taken.
    """
    scope.require_everything()
    same: dict[str, str] = {}  # a hundred thousand resources share some thousand texts
    for key, slice_key, texts in tag_texts_of(_folder(item), pairs):
        last: dict[str, tuple[date, str]] = {}
        for day, text in texts:
            for spelling, value in json.loads(text).items():
                if value.strip() and (spelling not in last or last[spelling] < (day, value)):
                    last[spelling] = (day, value)
        cleaned = ((spelling, clean_value(last[spelling][1])) for spelling in sorted(last))
        tags = {same.setdefault(name, name): same.setdefault(value, value) for name, value in cleaned if value}
        if tags:
            yield key, slice_key, tags


def _folder(item: ActiveImport) -> ImportFolder:
    return ImportFolder(source_name=item.source_name, period=item.period, import_pk=item.pk)
