"""The root conftest.py: in CI nothing may be skipped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFTEST = ROOT / "conftest.py"
PASSES = "def test_passes(): pass\n"
SKIPPED = "import pytest\ndef test_skipped(): pytest.skip('no engine here')\n"
SKIPPED_MODULE = "import pytest\npytest.skip('no binary here', allow_module_level=True)\n"


def run_pytest(folder: Path, source: str, no_skips: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -ra\n")
    (folder / "test_one.py").write_text(PASSES)
    (folder / "test_other.py").write_text(source)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=folder,
        env={
            **os.environ,
            "OBJGW_NO_SKIPS": no_skips,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "objgw_site.settings",
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("source", [SKIPPED, SKIPPED_MODULE])
def test_a_skip_fails_the_run_and_is_listed(tmp_path: Path, source: str) -> None:
    run = run_pytest(tmp_path, source, "1")
    assert run.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 skipped (listed below): the run has failed." in run.stdout
    assert "SKIPPED [1] test_other.py" in run.stdout


def test_a_skip_passes_when_skips_are_allowed(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, SKIPPED, "").returncode == pytest.ExitCode.OK


def test_a_run_without_skips_passes(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, PASSES, "1")
    assert run.returncode == pytest.ExitCode.OK
    assert "the run has failed" not in run.stdout
