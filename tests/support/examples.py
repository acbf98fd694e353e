"""Runs the examples of a page of documentation."""

import doctest
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Where the pages have the gateway.
BASE = "http://localhost:3000"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


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
        test = doctest.DocTestParser().get_doctest(text, self._names, "the page", None, line)
        runner = doctest.DocTestRunner(self._checker, optionflags=doctest.ELLIPSIS)
        report: list[str] = []
        results = runner.run(test, out=report.append, clear_globs=False)
        assert results.failed == 0, "".join(report)
        # The runner works on a copy.
        self._names = test.globs
        self.ran += results.attempted
