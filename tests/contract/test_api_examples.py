"""docs/api.md and the README: every example does what it shows, and the tables are complete."""

import doctest
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.harness.children import PROJECT_ROOT
from tests.contract.test_schema import DOCUMENT, all_problems
from tests.functional.conftest import RunGateway, RunNodes

PAGE = PROJECT_ROOT / "docs" / "api.md"
README = PROJECT_ROOT / "README.md"
#: Where the page has the gateway.
BASE = "http://localhost:3000"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r"^## (.*?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| (\d{3}) \| `(\w+)` \| (.*?) \| (\d*) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block of the page."""

    language: str
    text: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    for match in _BLOCK.finditer(text):
        yield Block(match[1], match[2], text.count("\n", 0, match.start()) + 1)


class Examples:
    """Runs the blocks one after the other, like a reader who tries them all."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._names: dict[str, Any] = {}
        self._checker = doctest.OutputChecker()
        self.ran = 0

    def run(self, block: Block) -> None:
        text = block.text.replace(BASE, self._url)
        (self._console if block.language == "console" else self._python)(text, block.line)

    def _console(self, text: str, line: int) -> None:
        for example in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, expected = example.partition("\n")
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=self._folder,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, f"line {line}: {command}\n{done.stderr}"
            self._compare(f"line {line}: {command}", expected, done.stdout.replace("\r", ""))

    def _compare(self, where: str, expected: str, found: str) -> None:
        found = found.rstrip("\n") + "\n" if found else ""
        same = self._checker.check_output(expected, found, doctest.ELLIPSIS)
        assert same, f"{where}\nshows {expected}\nis {found}"
        self.ran += 1

    def _python(self, text: str, line: int) -> None:
        test = doctest.DocTestParser().get_doctest(text, self._names, str(PAGE), None, line)
        runner = doctest.DocTestRunner(self._checker, optionflags=doctest.ELLIPSIS)
        report: list[str] = []
        results = runner.run(test, out=report.append, clear_globs=False)
        assert results.failed == 0, "".join(report)
        # The runner works on a copy.
        self._names = test.globs
        self.ran += results.attempted


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
@pytest.mark.not_on_moto("the pages are about what MinIO does")
@pytest.mark.parametrize(("page", "at_least"), [(PAGE, 40), (README, 6)], ids=["api", "README"])
def test_every_example(
    page: Path,
    at_least: int,
    run_nodes: RunNodes,
    run_gateway: RunGateway,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gateway = run_gateway(run_nodes(3))
    folder = tmp_path / "reader"
    folder.mkdir()
    (folder / "README.md").write_text("# A file of the reader's\n" * 500)
    monkeypatch.chdir(folder)
    examples = Examples(gateway.url, folder)
    for block in blocks(page.read_text()):
        if block.language in ("console", "python"):
            examples.run(block)
    assert examples.ran >= at_least


def test_every_operation_has_an_example_with_curl_and_in_python() -> None:
    document = yaml.safe_load(DOCUMENT.read_text())
    sections = dict(
        re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    )
    for path, operations in document["paths"].items():
        for method in operations:
            section = sections[f"{method.upper()} {path.replace('object_id', 'id')}"]
            assert {block.language for block in blocks(section)} == {"console", "python"}, section


def test_the_table_of_problems_is_complete() -> None:
    rows = [(int(status), code, retry) for status, code, _, retry in _ROW.findall(PAGE.read_text())]
    kinds = {
        (kind.status, kind.code, "" if kind.retry_after is None else str(kind.retry_after))
        for kind in all_problems()
    }
    assert rows == sorted(kinds)


def test_the_table_of_parameters_is_complete() -> None:
    document = yaml.safe_load(DOCUMENT.read_text())
    parameters = document["paths"]["/objects"]["get"]["parameters"]
    section = PAGE.read_text().partition("## GET /objects\n")[2].partition("```")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == {
        parameter["name"] for parameter in parameters if parameter["in"] == "query"
    }
