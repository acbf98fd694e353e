"""One minute of the long-running checker."""

import os
import secrets
from pathlib import Path

import pytest

from demo.s3nodes import MinioServer
from tests.faults import checker
from tests.faults.table import Outcome

pytestmark = [pytest.mark.faults, pytest.mark.minio, pytest.mark.timeout(900)]


def test_the_promise(minio: MinioServer, tmp_path: Path, outcome: Outcome) -> None:
    """Random faults under random requests, for one minute"""
    seed = int(os.environ.get("OBJGW_FAULTS_SEED") or secrets.randbelow(2**32))
    report = checker.run(seed, 1.0, tmp_path, minio)
    print(*report.lines(), sep="\n")
    outcome.saw(
        f"seed {seed}: {report.operations.total()} operations, {report.faults.total()} faults, "
        f"{len(report.violations)} violations"
    )
    assert report.operations.total() > 500
    assert report.faults.total() >= 5
    assert not report.violations
