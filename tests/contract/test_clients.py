"""curl and wget, as people use them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from demo.harness.gateway import GatewayProcess
from tests.support.bodies import Body
from tests.support.client import random_id

pytestmark = [
    pytest.mark.skipif(shutil.which(tool) is None, reason=f"no {tool} here")
    for tool in ("curl", "wget")
]

MIB = 2**20


def run(folder: Path, *command: str, status: int = 0) -> str:
    """What it prints; with LC_ALL=C, so that messages are those that are looked for."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def curl(folder: Path, *arguments: str, status: int = 0) -> str:
    return run(folder, "curl", "--silent", "--show-error", *arguments, status=status)


@pytest.fixture
def url(gateway: GatewayProcess) -> str:
    """Of an object that is not there yet."""
    return f"{gateway.url}/object/{random_id()}"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    path.write_bytes(b"".join(Body(3 * MIB, seed=4)))
    return path


def test_curl_uploads_and_downloads(tmp_path: Path, url: str, large: Path) -> None:
    curl(tmp_path, "--fail", "-T", large.name, url)
    curl(tmp_path, "--fail", "-o", "copy", url)
    assert (tmp_path / "copy").read_bytes() == large.read_bytes()


def test_curl_uploads_what_it_reads_from_a_pipe(tmp_path: Path, url: str, large: Path) -> None:
    """Without a length, so chunked."""
    run(tmp_path, "sh", "-c", f"cat large | curl --silent --fail -T - {url}")
    curl(tmp_path, "--fail", "-o", "copy", url)
    assert (tmp_path / "copy").read_bytes() == large.read_bytes()


@pytest.mark.parametrize("so_far", [0, 1, MIB + 17, 3 * MIB - 1])
def test_curl_resumes_a_broken_download(tmp_path: Path, url: str, large: Path, so_far: int) -> None:
    curl(tmp_path, "--fail", "-T", large.name, url)
    (tmp_path / "copy").write_bytes(large.read_bytes()[:so_far])
    printed = curl(tmp_path, "--fail", "-C", "-", "-o", "copy", "-w", "%{http_code}", url)
    assert printed == ("206" if so_far else "200")
    assert (tmp_path / "copy").read_bytes() == large.read_bytes()


def test_curl_resumes_a_download_that_broke_off(tmp_path: Path, url: str, large: Path) -> None:
    """Really broken off, by the end of curl."""
    curl(tmp_path, "--fail", "-T", large.name, url)
    # It ends when nobody reads any more, in the middle of the answer.
    run(tmp_path, "sh", "-c", f"curl --silent {url} | head -c 1000000 > copy")
    printed = curl(tmp_path, "-C", "-", "-o", "copy", "-w", "%{http_code} %{size_download}", url)
    assert printed == f"206 {3 * MIB - 1000000}"
    assert (tmp_path / "copy").read_bytes() == large.read_bytes()


def test_curl_does_not_resume_an_upload(tmp_path: Path, url: str, large: Path) -> None:
    """It would send the rest as if it were all."""
    curl(tmp_path, "--fail", "-T", large.name, url)
    printed = curl(tmp_path, "-C", "1000", "-T", large.name, "-w", "\n%{http_code}", url)
    assert printed.endswith("\n400")
    assert '"partial_put"' in printed
    curl(tmp_path, "--fail", "-o", "copy", url)
    assert (tmp_path / "copy").read_bytes() == large.read_bytes()


def test_curl_asks_for_a_range(tmp_path: Path, url: str, large: Path) -> None:
    curl(tmp_path, "--fail", "-T", large.name, url)
    for range_, expected in {
        "0-99": large.read_bytes()[:100],
        "-100": large.read_bytes()[-100:],
        "3145000-": large.read_bytes()[3145000:],
    }.items():
        curl(tmp_path, "--fail", "-r", range_, "-o", "part", url)
        assert (tmp_path / "part").read_bytes() == expected


def test_curl_asks_for_what_is_newer_than_a_file(tmp_path: Path, url: str) -> None:
    (tmp_path / "page").write_text("page")
    curl(tmp_path, "--fail", "-T", "page", url)
    curl(tmp_path, "--fail", "-R", "-o", "copy", url)
    code = curl(tmp_path, "-z", "copy", "-o", "again", "-w", "%{http_code}", url)
    assert code == "304"
    assert curl(tmp_path, "-z", "2020-01-01", "-o", "again", "-w", "%{http_code}", url) == "200"


def test_curl_compares_etags(tmp_path: Path, url: str) -> None:
    (tmp_path / "page").write_text("first")
    curl(tmp_path, "--fail", "-T", "page", url)
    first = ("--etag-save", "etag", "-o", "copy", "-w", "%{http_code}", url)
    assert curl(tmp_path, *first) == "200"
    again = ("--etag-compare", "etag", *first)
    assert curl(tmp_path, *again) == "304"
    (tmp_path / "page").write_text("second")
    curl(tmp_path, "--fail", "-T", "page", url)
    assert curl(tmp_path, *again) == "200"
    assert (tmp_path / "copy").read_text() == "second"


def test_curl_heads(tmp_path: Path, url: str, large: Path) -> None:
    curl(tmp_path, "--fail", "-T", large.name, url)
    assert f"content-length: {3 * MIB}" in curl(tmp_path, "--fail", "-I", url).lower()


def test_curl_deletes(tmp_path: Path, url: str, large: Path) -> None:
    curl(tmp_path, "--fail", "-T", large.name, url)
    curl(tmp_path, "--fail", "-X", "DELETE", url)
    curl(tmp_path, "--fail", url, status=22)


@pytest.mark.parametrize("so_far", [0, MIB + 17])
def test_wget_resumes_a_broken_download(tmp_path: Path, url: str, large: Path, so_far: int) -> None:
    curl(tmp_path, "--fail", "-T", large.name, url)
    (tmp_path / "copy").write_bytes(large.read_bytes()[:so_far])
    printed = run(tmp_path, "wget", "-c", "-O", "copy", url)
    assert ("206 Partial Content" in printed) == (so_far > 0)
    assert (tmp_path / "copy").read_bytes() == large.read_bytes()


def test_wget_sees_that_a_download_is_complete(tmp_path: Path, url: str, large: Path) -> None:
    curl(tmp_path, "--fail", "-T", large.name, url)
    run(tmp_path, "wget", "-O", "copy", url)
    printed = run(tmp_path, "wget", "-c", "-O", "copy", url)
    assert "nothing to do" in printed
    assert (tmp_path / "copy").read_bytes() == large.read_bytes()


def test_wget_keeps_the_date(tmp_path: Path, url: str) -> None:
    (tmp_path / "page").write_text("page")
    curl(tmp_path, "--fail", "-T", "page", url)
    run(tmp_path, "wget", "-N", url)
    printed = run(tmp_path, "wget", "-N", url)
    assert "304 Not Modified" in printed
