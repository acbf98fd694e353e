"""axe-core, which looks for what keeps people from using a page. Installed from npm when a test
first asks for it, with the checksum of package-lock.json; it is no part of the project.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page

_HERE = Path(__file__).parent
_SERIOUS = ("serious", "critical")


def axe_source(folder: Path) -> str:
    """Its script.

    :param folder: where it is kept from one run to the next.
    """
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_HERE / name, folder)
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    lock = folder / "installed-lock.json"
    wanted = (folder / "package-lock.json").read_bytes()
    if not (script.exists() and lock.exists() and lock.read_bytes() == wanted):
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no npm here")
        done = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"npm cannot install axe-core: {done.stderr[-500:]}")
        lock.write_bytes(wanted)
    return script.read_text(encoding="utf-8")


def assert_accessible(page: Page, source: str) -> None:
    """Nothing serious is wrong with a page."""
    page.evaluate(source)
    found = page.evaluate("axe.run()")
    # It has looked at something.
    assert len(found["passes"]) > 5
    assert [
        (each["id"], each["impact"], [node["html"][:120] for node in each["nodes"]][:5])
        for each in found["violations"]
        if each["impact"] in _SERIOUS
    ] == []
