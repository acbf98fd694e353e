"""The OpenAPI document: up to date, complete, and true."""

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.harness.children import PROJECT_ROOT
from demo.harness.gateway import GatewayProcess
from problems.problem import Problem
from tests.effort import effort
from tests.support.client import Client

DOCUMENT = PROJECT_ROOT / "docs" / "openapi.yaml"
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
SEED = 1
MOST_CASES_OF_AN_OPERATION = effort(50, 450)
CASES = effort(300, 2000)

#: Come before there is an operation, or where there is none.
WITHOUT_OPERATION = {
    "bad_request",
    "cross_origin",
    "expectation_failed",
    "header_fields_too_large",
    # Where the gateway asks for tokens; the document is that of one which does not.
    "id_not_allowed",
    "insufficient_scope",
    "invalid_link",
    "invalid_token",
    "keys_unknown",
    "link_expired",
    "token_required",
    "host_not_allowed",
    "http_version_not_supported",
    "not_an_s3_endpoint",
    "invalid_request",
    "method_not_allowed",
    "method_not_implemented",
    "too_many_connections",
    "too_many_connections_of_client",
    "uri_too_long",
}


def all_problems() -> list[type[Problem]]:
    """Every kind that a client may meet."""
    for module in (
        "access.problems",
        "nodes.exceptions",
        "objects.exceptions",
        "objgw_site.s3_clients",
        "objgw_site.server.errors",
    ):
        importlib.import_module(module)

    def kinds(kind: type[Problem]) -> Iterator[type[Problem]]:
        yield kind
        for derived in kind.__subclasses__():
            yield from kinds(derived)

    # Not those that tests define, and of a family that shares its head's code the head.
    found = [kind for kind in kinds(Problem) if ".tests." not in kind.__module__]
    return [kind for kind in found if "code" in vars(kind)]


def all_problem_codes() -> set[str]:
    return {kind.code for kind in all_problems()}


@pytest.fixture(scope="module")
def document() -> Any:
    return yaml.safe_load(DOCUMENT.read_text())


def test_it_is_up_to_date(tmp_path: Path) -> None:
    fresh = tmp_path / "openapi.yaml"
    arguments = ["spectacular", "--validate", "--fail-on-warn", "--file", str(fresh)]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_DEBUG"}
    subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=PROJECT_ROOT, env=environment, check=True
    )
    assert fresh.read_text() == DOCUMENT.read_text(), "run `make generate`"


def test_it_is_what_the_gateway_serves(http: Client, document: Any) -> None:
    assert yaml.safe_load(http.get("/schema").body) == document


def test_it_has_every_operation(document: Any) -> None:
    found = {
        (method, path) for path, operations in document["paths"].items() for method in operations
    }
    assert found == {
        ("get", "/"),
        ("get", "/livez"),
        ("get", "/metrics"),
        ("get", "/nodes"),
        ("get", "/objects"),
        ("get", "/readyz"),
        ("get", "/object/{object_id}"),
        ("head", "/object/{object_id}"),
        ("put", "/object/{object_id}"),
        ("delete", "/object/{object_id}"),
    }


def test_it_has_every_problem_with_an_example(document: Any) -> None:
    examples = [
        (int(status), example["value"])
        for operations in document["paths"].values()
        for operation in operations.values()
        for status, response in operation["responses"].items()
        for example in response.get("content", {})
        .get("application/problem+json", {})
        .get("examples", {})
        .values()
    ]
    for status, problem in examples:
        assert problem["status"] == status
        assert problem["detail"]
    assert {problem["code"] for _, problem in examples} == all_problem_codes() - WITHOUT_OPERATION


@pytest.mark.not_on_moto("a long run, and it is MinIO that counts")
def test_it_is_true(gateway: GatewayProcess, tmp_path: Path) -> None:
    """With the same seed as always, so that a failure is about what changed."""
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(CONFIGURATION)),
            *("run", f"{gateway.url}/schema"),
            *("--checks", "all", "--continue-on-failure", "--no-color"),
            *("--seed", str(SEED), "--max-examples", str(MOST_CASES_OF_AN_OPERATION)),
            *("--generation-database", "none", "--suppress-health-check", "all"),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT_ROOT),
            "SCHEMATHESIS_HOOKS": "tests.contract.schema_hooks",
        },
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    generated = re.search(r"(\d+) generated, (\d+) passed", run.stdout)
    assert generated, run.stdout
    assert int(generated[1]) >= CASES
