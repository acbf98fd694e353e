"""The document of a problem (RFC 9457)."""

import subprocess
import sys
from pathlib import Path

from problems.problem import InternalError, Problem

ROOT = Path(__file__).resolve().parents[2]


class OutOfTea(Problem):
    status = 503
    code = "out_of_tea"
    title = "Out of tea"
    retry_after = 60
    example = "There is no tea left."


def test_the_document() -> None:
    assert OutOfTea("The pot is empty.", pots=0).document("r-1") == {
        "type": "urn:objgw:problem:out_of_tea",
        "title": "Out of tea",
        "status": 503,
        "detail": "The pot is empty.",
        "code": "out_of_tea",
        "request_id": "r-1",
        "pots": 0,
    }


def test_without_a_detail_the_example_stands_in() -> None:
    assert OutOfTea().document("-")["detail"] == "There is no tea left."


def test_when_to_try_again_is_a_header() -> None:
    assert OutOfTea().headers == {"Retry-After": "60"}
    assert OutOfTea(headers={"Retry-After": "5", "A": "b"}).headers == {
        "Retry-After": "5",
        "A": "b",
    }
    assert InternalError().headers == {}


def test_headers_of_one_problem_are_its_own() -> None:
    given = {"A": "b"}
    OutOfTea(headers=given).headers["C"] = "d"
    assert given == {"A": "b"}
    assert OutOfTea().headers == {"Retry-After": "60"}


def test_django_is_not_needed() -> None:
    """For the server has to answer before Django is there."""
    code = (
        "import sys, problems.problem, problems.request_id; "
        "sys.exit(any(name.split('.')[0] == 'django' for name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False)
    assert found.returncode == 0
