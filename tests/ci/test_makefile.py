"""The Makefile's first minutes, with the Pythons that a machine may have."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: A Python of the past, and one whose venv breaks off half-way, as Debian's does without ensurepip.
OLD = """#!/bin/sh
[ "$1" != -c ] || exit 1
[ "$1" != --version ] || { echo Python 3.10.12; exit 0; }
echo called with "$@" >&2
exit 3
"""
BREAKS_OFF = """#!/bin/sh
[ "$1" != -c ] || exit 0
[ "$2" = venv ] || exit 3
mkdir -p "$3/bin" && touch "$3/bin/python" && chmod +x "$3/bin/python"
echo ensurepip is not available >&2
exit 1
"""


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    return tmp_path / "venv"


def make(target: str, python: str, environment: Path) -> subprocess.CompletedProcess[str]:
    program = environment.with_name("python")
    if python:
        program.write_text(python)
        program.chmod(0o755)
    return subprocess.run(
        ["make", target, f"PYTHON={program}", f"VENV={environment}"],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("target", ["demo", "dev", "tools", "test"])
def test_an_old_python_is_named_before_anything_is_made(target: str, environment: Path) -> None:
    done = make(target, OLD, environment)
    assert done.returncode != 0
    assert "objgw needs Python 3.11 or later; " in done.stderr
    assert "is Python 3.10.12" in done.stderr
    assert "called with" not in done.stderr
    assert not environment.exists()


def test_no_python_at_all_is_said_in_words(environment: Path) -> None:
    done = make("tools", "", environment)
    assert done.returncode != 0
    assert done.stderr.splitlines()[0].startswith("objgw needs Python 3.11 or later; ")
    assert " is not there. Name another: " in done.stderr
    assert not environment.exists()


def test_an_environment_that_breaks_off_is_not_kept(environment: Path) -> None:
    done = make("tools", BREAKS_OFF, environment)
    assert done.returncode != 0
    assert "ensurepip is not available" in done.stderr
    assert not environment.exists()


def test_what_is_no_environment_is_left_alone(environment: Path) -> None:
    environment.mkdir()
    (environment / "thesis.txt").write_text("years of work")
    done = make("tools", BREAKS_OFF, environment)
    assert done.returncode != 0
    assert "remove it" in done.stderr
    assert (environment / "thesis.txt").exists()
