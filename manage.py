#!/usr/bin/env python
"""Entry point of Django's commands."""

import os
import sys
from argparse import ArgumentParser

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def read_early() -> None:
    """Take `--data-dir` before the settings are read, since they depend on it."""
    early = ArgumentParser(add_help=False, allow_abbrev=False)
    early.add_argument("--data-dir", default="")
    data_dir = early.parse_known_args()[0].data_dir
    if data_dir:
        os.environ["DATA_DIR"] = data_dir


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops_site.settings")
    read_early()
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Error: {error}")
