"""docs/api.md and the README: every example does what it shows, and the tables are complete."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from demo.harness.children import PROJECT_ROOT
from tests.contract.test_schema import DOCUMENT, all_problems
from tests.functional.conftest import RunGateway, RunNodes
from tests.support.examples import Examples, blocks

PAGE = PROJECT_ROOT / "docs" / "api.md"
README = PROJECT_ROOT / "README.md"
_SECTION = re.compile(r"^## (.*?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| (\d{3}) \| `(\w+)` \| (.*?) \| (\d*) \|$", re.MULTILINE)


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
