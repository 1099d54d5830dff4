"""Hooks of the web server. Everything else about it is on the command line (see supervisor.py)."""

from typing import Protocol

from finops_site.launch import die_with_parent


class _Worker(Protocol):
    ppid: int


def post_fork(_server: object, worker: _Worker) -> None:
    """Web processes end with their master, even when it is killed."""
    die_with_parent(worker.ppid)
