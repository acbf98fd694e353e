"""Whatever goes wrong, the answer is a problem document."""

import json
import logging

import pytest
from django.http import HttpResponse
from rest_framework.test import APIClient

pytestmark = pytest.mark.urls("problems.tests.paths")


def ask(method: str, path: str, **headers: str) -> HttpResponse:
    client = APIClient(raise_request_exception=False)
    answer: HttpResponse = client.generic(method, path, headers=headers)
    return answer


def document(answer: HttpResponse) -> dict[str, object]:
    """The problem in an answer, checked for what all of them have."""
    assert answer["Content-Type"] == "application/problem+json"
    found: dict[str, object] = json.loads(answer.content)
    assert found.keys() >= {"type", "title", "status", "detail", "code", "request_id"}
    assert found["status"] == answer.status_code
    assert found["request_id"] == answer["X-Request-ID"]
    return found


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/raise/teapot", 418, "teapot"),
        ("/raise/http404", 404, "not_found"),
        ("/raise/not-found", 404, "not_found"),
        ("/raise/media-type", 415, "unsupported_media_type"),
        ("/raise/parse", 400, "bad_request"),
        ("/raise/suspicious", 400, "bad_request"),
        ("/raise/bug", 500, "internal_error"),
        ("/plain/http404", 404, "not_found"),
        ("/plain/suspicious", 400, "bad_request"),
        ("/plain/bug", 500, "internal_error"),
        ("/nowhere", 404, "not_found"),
        ("/caught/a%0Ab", 404, "not_found"),
    ],
)
def test_each_exception_has_its_problem(path: str, status: int, code: str) -> None:
    found = document(ask("GET", path))
    assert (found["status"], found["code"]) == (status, code)
    assert "internal detail" not in str(found)


def test_headers_and_members_of_its_own() -> None:
    answer = ask("GET", "/raise/teapot")
    assert answer["X-Spout"] == "here"
    assert answer["Retry-After"] == "7"
    found = document(answer)
    assert found["handle"] == "there"
    assert found["detail"] == "Short and stout."


def test_a_method_that_is_not_allowed() -> None:
    answer = ask("POST", "/fine")
    assert document(answer)["code"] == "method_not_allowed"
    assert answer.status_code == 405
    assert {method.strip() for method in answer["Allow"].split(",")} == {
        "GET",
        "HEAD",
        "DELETE",
        "OPTIONS",
    }


def test_a_type_that_is_not_acceptable() -> None:
    answer = ask("GET", "/fine", accept="text/csv")
    assert answer.status_code == 406
    assert document(answer)["code"] == "not_acceptable"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PROPFIND"])
def test_a_path_that_leads_nowhere_says_so_for_any_method(method: str) -> None:
    answer = ask(method, "/caught/a")
    assert answer.status_code == 404
    assert "/caught/a" in str(document(answer)["detail"])


@pytest.mark.parametrize("path", ["/raise/bug", "/plain/bug"])
def test_a_bug_is_logged_with_its_traceback_and_not_told(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    # Django's own logger does not propagate to where caplog listens.
    django_logger = logging.getLogger("django.request")
    django_logger.addHandler(caplog.handler)
    try:
        answer = ask("GET", path)
    finally:
        django_logger.removeHandler(caplog.handler)
    assert "hush-hush" not in answer.content.decode()
    assert "KeyError" not in answer.content.decode()
    record = next(each for each in caplog.records if each.exc_info)
    assert record.levelno == logging.ERROR
    assert "KeyError: 'hush-hush'" in caplog.text
    assert "Traceback" in caplog.text


def test_what_a_client_did_wrong_is_logged_for_debugging_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG, "objgw.problems"):
        ask("GET", "/raise/teapot")
    assert [(each.levelno, each.message) for each in caplog.records] == [
        (logging.DEBUG, "GET /raise/teapot: 418 teapot: Short and stout.")
    ]
