"""The floor of coverage may only rise: .ci/coverage-floor."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci/coverage-floor"
NONE = "[project]\n"


def pyproject(floor: str) -> str:
    return f"[tool.coverage.report]\nfail_under = {floor}\n"


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("before", "now", "accepted"),
    [
        (pyproject("90"), pyproject("90"), True),
        (pyproject("90"), pyproject("90.5"), True),
        (NONE, pyproject("90"), True),
        (pyproject("90.5"), pyproject("90"), False),
        (pyproject("90"), NONE, False),
    ],
)
def test_a_lower_floor_is_refused(tmp_path: Path, before: str, now: str, accepted: bool) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "pyproject.toml").write_text(before)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "before", "--no-gpg-sign", "--no-verify")
    (tmp_path / "pyproject.toml").write_text(now)
    done = subprocess.run(
        [sys.executable, SCRIPT, "HEAD"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode == 0) is accepted, done.stderr
    assert ("may only rise" in done.stderr) is not accepted
