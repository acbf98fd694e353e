"""What the commands for operators have in common."""

import json
import os
import sys
from typing import Any, TextIO, cast

from django.core.checks import ERROR, run_checks
from django.core.management.base import BaseCommand, CommandError, CommandParser

from terminal.quiet import quiet
from terminal.tables import Look

#: What a shell makes of an end by SIGINT, and by SIGPIPE.
INTERRUPTED, NOBODY_READS = 130, 141


class OperatorCommand(BaseCommand):
    """A command with ``--json``, whose expected errors are one line on stderr.

    Exit status 0 when all is well, 1 when something is not, 2 for wrong usage, 130 after Ctrl-C. A
    subclass says in its help what makes the difference between 0 and 1.
    """

    # Done by `settings_problem`: what they find is in the JSON as well.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="JSON for scripts, not a table")

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            with quiet(options["verbosity"]):
                result: str | None = super().execute(*args, **options)
                self.stdout.flush()
                return result
        except KeyboardInterrupt:
            raise CommandError("interrupted", returncode=INTERRUPTED) from None
        except BrokenPipeError:
            # Python would try once more at its end, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise CommandError("nobody reads the output", returncode=NOBODY_READS) from None

    def settings_problem(self) -> str | None:
        """What the system checks find wrong; what they only warn of is written to stderr."""
        failed = []
        for message in run_checks():
            if message.is_serious(ERROR):
                failed.append(message.msg)
            else:
                self.stderr.write(f"{message.msg} ({message.id})")
        return "; ".join(failed) or None

    def look(self, options: dict[str, Any]) -> Look:
        """How what is written to stdout may look."""
        return Look.of(
            cast("TextIO", self.stdout),
            no_colour=options.get("no_color", False),
            force_colour=options.get("force_color", False),
        )

    def write_json(self, document: object) -> None:
        """Write a document."""
        self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))
