"""A real Prometheus, for tests."""

import json
import os
import shutil
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.harness.children import ChildProcess, http_status
from demo.harness.ports import free_port

_HOST = "127.0.0.1"


def program_or_skip(name: str) -> str:
    """The path of ``prometheus`` or ``promtool``."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} here")
    return found


class Prometheus(ChildProcess):
    """Scrapes once a second.

    :param targets: job to its path and its addresses, each with the labels that it gets.
    """

    def __init__(
        self, folder: Path, targets: Mapping[str, tuple[str, Mapping[str, Mapping[str, str]]]]
    ) -> None:
        self.port = free_port(_HOST)
        folder.mkdir()
        configuration = folder / "prometheus.yml"
        document = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [
                {
                    "job_name": job,
                    "metrics_path": path,
                    "static_configs": [
                        {"targets": [address], "labels": dict(labels)}
                        for address, labels in addresses.items()
                    ],
                }
                for job, (path, addresses) in targets.items()
            ],
        }
        configuration.write_text(yaml.safe_dump(document))
        super().__init__(
            "Prometheus",
            [
                program_or_skip("prometheus"),
                f"--config.file={configuration}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={_HOST}:{self.port}",
            ],
            environment=os.environ,
            log=folder / "prometheus.log",
        )

    def start(self) -> None:
        """Launch it and wait until it answers queries."""
        self.launch()
        self.wait_until(lambda: http_status(_HOST, self.port, "/-/ready") == 200, timeout=60)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The instant vector that an expression has now: labels as ``metric``, and ``value``.

        :raises AssertionError: when Prometheus does not understand it.
        """
        parameters = urllib.parse.urlencode({"query": expression})
        url = f"http://{_HOST}:{self.port}/api/v1/query?{parameters}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            document = json.load(answer)
        assert document["status"] == "success", document
        result: list[dict[str, Any]] = document["data"]["result"]
        return result

    def number(self, expression: str) -> float | None:
        """The only value that an expression has, None for none yet."""
        result = self.query(expression)
        return float(result[0]["value"][1]) if result else None
