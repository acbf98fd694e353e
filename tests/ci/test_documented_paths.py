"""The documentation names files, folders and programs of the project that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
_FOLDERS = (
    "access|benchmarks|demo|deploy|docs|nodes|objects|objgw_site|problems|telemetry|terminal|tests"
)
_PATH = re.compile(rf"`((?:{_FOLDERS}|\.ci|\.github|requirements)/[\w./-]*)`")
_PROGRAM = re.compile(r"python -m ((?:benchmarks|demo|tests)[\w.]*\w)")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def _missing(document: Path) -> list[str]:
    text = document.read_text()
    paths = [ROOT / path for path in _PATH.findall(text)]
    paths += [document.parent / path for path in _LINK.findall(text)]
    missing = [str(path) for path in paths if not path.exists()]
    for name in _PROGRAM.findall(text):
        module = ROOT.joinpath(*name.split("."))
        if not (module.with_suffix(".py").exists() or (module / "__main__.py").exists()):
            missing.append(name)
    return missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_are_there(document: Path) -> None:
    assert _missing(document) == []


def test_what_is_not_there_is_noticed(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("`objects/none.py` `python -m tests.none`, [this](none.md#part), `docs/`")
    assert _missing(document) == [
        str(ROOT / "objects/none.py"),
        str(tmp_path / "none.md"),
        "tests.none",
    ]
