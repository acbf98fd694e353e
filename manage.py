#!/usr/bin/env python
"""Django's command-line entry point for objgw."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "objgw_site.settings")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as error:
        if error.name != "django":
            raise
        sys.exit(
            f"manage.py: {sys.executable} has no Django. `make tools` makes a virtual environment "
            "that has; `. .venv/bin/activate` makes `python` mean it."
        )
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
