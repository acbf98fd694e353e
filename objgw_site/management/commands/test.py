"""`manage.py test`: says how the tests are run, which is not by Django's own runner."""

import sys
from collections.abc import Sequence

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Ends with status 2, whatever its arguments are."""

    help = "Says how to run the tests: they run with pytest."

    def run_from_argv(self, argv: Sequence[str]) -> None:
        self.stderr.write(
            "The tests run with pytest:\n"
            "  make test                                the whole suite\n"
            "  .venv/bin/python -m pytest objects       the tests of one app\n"
            "  .venv/bin/python -m pytest -k readyz     those with a word in their name\n"
            "docs/testing.md has more."
        )
        sys.exit(2)
