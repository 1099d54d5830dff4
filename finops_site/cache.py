"""The cache of all processes in Redis, which only counts: log-ins, requests of the API.

Without an answer of Redis each process counts on its own, so that pages live on while Redis restarts.
"""

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis import RedisError

logger = logging.getLogger(__name__)


class SharedCache(RedisCache):
    """Redis, or this process's own memory for as long as Redis does not answer."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._own = LocMemCache("while Redis is away", params)

    def add(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> bool:
        return bool(self._either(super().add, self._own.add, key, value, *args, **kwargs))

    def get(self, key: Any, *args: Any, **kwargs: Any) -> Any:
        return self._either(super().get, self._own.get, key, *args, **kwargs)

    def set(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> None:
        self._either(super().set, self._own.set, key, value, *args, **kwargs)

    def delete(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        return bool(self._either(super().delete, self._own.delete, key, *args, **kwargs))

    def _either(self, shared: Callable[..., Any], own: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return shared(*args, **kwargs)
        except RedisError as error:
            logger.warning("cache: Redis does not answer (%s); this process counts alone meanwhile", error)
            return own(*args, **kwargs)
