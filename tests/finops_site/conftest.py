"""Fixtures of the intake that pages and commands which join apps need too."""

from tests.costs.conftest import store, store_server

__all__ = ["store", "store_server"]
