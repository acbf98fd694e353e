"""What a release is made from: one version, and its section of the changelog."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from objgw_site import __version__

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = """# Changelog

## Unreleased

- Not yet.

## 1.2.3 - 2026-12-01

### Added

- A thing.

## 1.2.30 - 2026-11-01

- Another version.

## 1.2.2 - 2026-10-01
"""


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "objgw_site.__version__"}
    for name in ("Dockerfile", "docker-compose.yml"):
        assert not re.search(rf"\b{re.escape(__version__)}\b", (ROOT / name).read_text()), name


def test_the_openapi_document_has_that_version() -> None:
    document = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())
    assert document["info"]["version"] == __version__


def project_at(folder: Path, version: str) -> None:
    (folder / ".ci").mkdir()
    (folder / "objgw_site").mkdir()
    shutil.copy(ROOT / ".ci/release-notes", folder / ".ci")
    source = (ROOT / "objgw_site/__init__.py").read_text()
    (folder / "objgw_site/__init__.py").write_text(source.replace(__version__, version))
    (folder / "CHANGELOG.md").write_text(CHANGELOG)


def notes(folder: Path, tag: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, folder / ".ci/release-notes", tag],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_notes_of_a_release_are_its_section(tmp_path: Path) -> None:
    project_at(tmp_path, "1.2.3")
    done = notes(tmp_path, "v1.2.3")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "### Added\n\n- A thing.\n"


def test_a_tag_that_is_not_the_version_is_refused(tmp_path: Path) -> None:
    project_at(tmp_path, "1.2.3")
    done = notes(tmp_path, "v1.2.4")
    assert done.returncode != 0
    assert "the tag is v1.2.4, objgw_site/__init__.py says 1.2.3" in done.stderr


@pytest.mark.parametrize("version", ["1.2.2", "1.2.1"])
def test_a_version_that_the_changelog_says_nothing_of_is_refused(
    tmp_path: Path, version: str
) -> None:
    project_at(tmp_path, version)
    done = notes(tmp_path, f"v{version}")
    assert done.returncode != 0
    assert f"no '## {version} - YYYY-MM-DD' with text" in done.stderr


def test_the_readme_names_the_version() -> None:
    assert f"version {__version__}" in (ROOT / "README.md").read_text()
