"""Nothing is removed from the store while a backup copies it."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from costs.charge_store.stores import charge_store

_FOLDER = ".holds"
# A backup that was killed holds the store no longer than this.
_LIMIT = timedelta(hours=1)


@contextmanager
def held(*, now: datetime) -> Iterator[Callable[[datetime], None]]:
    """Inside, replaced imports stay. Call what it gives now and then: a hold ends an hour after its last sign."""
    name, store = f"{_FOLDER}/{uuid.uuid4().hex}.json", charge_store()

    def sign(moment: datetime) -> None:
        store.write(name, json.dumps({"at": moment.isoformat()}).encode())

    sign(now)
    try:
        yield sign
    finally:
        store.delete(name)


def is_held(*, now: datetime) -> bool:
    """Whether somebody holds the store; holds that were left behind are removed."""
    store, living = charge_store(), False
    for file in store.files(_FOLDER):
        content = store.read(f"{_FOLDER}/{file.name}")
        if content is None or file.name.startswith("."):
            continue
        if datetime.fromisoformat(json.loads(content)["at"]) < now - _LIMIT:
            store.delete(f"{_FOLDER}/{file.name}")
        else:
            living = True
    return living
