"""Django's debug pages, in development: they help, and show no credential."""

import html
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote_plus

import pytest
import requests

from demo.harness.children import ChildProcess, http_status
from demo.harness.gateway import gateway_environment
from demo.harness.ports import free_port
from demo.harness.s3nodes import LocalNode
from tests.support.servers import HOST

ACCESS_KEY = "kiwi"
SECRET_KEY = "s3cret'&<plus>+Ünïcode-and-long"
PARTLY = [SECRET_KEY[:8], SECRET_KEY[-9:]]


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a development server whose /fail fails."""
    port = free_port(HOST)
    folder = tmp_path_factory.mktemp("node")
    node = LocalNode("node", HOST, free_port(HOST), ACCESS_KEY, SECRET_KEY, folder)
    with ChildProcess(
        "runserver",
        [sys.executable, "manage.py", "runserver", "--noreload", f"{HOST}:{port}"],
        environment={
            **gateway_environment([node]),
            "DJANGO_SETTINGS_MODULE": "tests.functional.failing_site",
            "DJANGO_DEBUG": "true",
        },
        log=Path(tmp_path_factory.mktemp("runserver"), "log"),
    ) as process:
        process.launch()
        process.wait_until(lambda: http_status(HOST, port, "/fail") == 500, timeout=60)
        yield f"http://{HOST}:{port}"


def shown(text: str) -> set[str]:
    """The credentials in a page, in whatever way they are written there."""
    readings = {text, html.unescape(text), unquote_plus(text), html.unescape(html.unescape(text))}
    readings |= {reading.replace("\\", "") for reading in readings}
    return {
        secret
        for secret in [ACCESS_KEY, SECRET_KEY, quote(SECRET_KEY, safe=""), *PARTLY]
        for reading in readings
        if secret in reading
    }


@pytest.mark.parametrize("media_type", ["text/html", "text/plain"])
def test_no_credential_is_shown(failing: str, media_type: str) -> None:
    answer = requests.get(f"{failing}/fail", headers={"Accept": media_type}, timeout=30)
    assert answer.status_code == 500
    assert answer.headers["Content-Type"].startswith(media_type)
    page = answer.text
    for part in ("RuntimeError", "failing_site.py", "OBJGW_NODES", "OBJGW_DISCOVERY", "static"):
        assert part in page, "it is not the page that this test is about"
    if media_type == "text/html":
        for local in ("snapshot", "environment", "wrapped", "container"):
            assert f"<td>{local}</td>" in page
    assert shown(page) == set()
    for secret in ("not-known-yet", "nor-this", "Signature=abcdef"):
        assert secret not in page


@pytest.mark.parametrize("host", ["a_b", "a_b:3000"])
def test_a_host_that_django_does_not_know(failing: str, host: str) -> None:
    """It got as far as a view, and the page about that had the keys."""
    answer = requests.get(f"{failing}/", headers={"Host": host, "Accept": "text/html"}, timeout=30)
    assert answer.status_code == 200
    assert 'href="objects"' in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(("host", "status"), [("a b", 400), ("a/b", 400), ("evil.example", 421)])
def test_a_bad_host_gets_no_page(failing: str, host: str, status: int) -> None:
    answer = requests.get(
        f"{failing}/fail", headers={"Host": host, "Accept": "text/html"}, timeout=30
    )
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert shown(answer.text) == set()
