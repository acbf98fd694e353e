"""One id a request, in its answer and in every log line about it."""

import logging
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from problems import request_id

WELL_FORMED = re.compile(r"[A-Za-z0-9._~:/+=-]{1,128}")

pytestmark = pytest.mark.urls("problems.tests.paths")


@given(st.text(max_size=140))
@settings(deadline=None)
@example("a" * 128)
@example("a" * 129)
@example("abc\n")
@example("a b")
@example("\u0661")
@example("")
def test_a_well_formed_id_is_taken_over_and_any_other_replaced(offered: str) -> None:
    taken = request_id.start(offered)
    assert request_id.current() == taken
    assert WELL_FORMED.fullmatch(taken)
    assert (taken == offered) == bool(WELL_FORMED.fullmatch(offered))


def test_fresh_ids_differ() -> None:
    ids = {request_id.start(None) for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


@pytest.mark.parametrize("path", ["/fine", "/nowhere", "/raise/bug", "/plain/bug"])
def test_it_is_in_the_answer(path: str) -> None:
    client = APIClient(raise_request_exception=False)
    assert client.get(path, headers={"X-Request-ID": "trace-1"})["X-Request-ID"] == "trace-1"
    other = client.get(path, headers={"X-Request-ID": "trace 1"})["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", other)


def test_it_is_in_the_document() -> None:
    answer = APIClient().get("/raise/teapot", headers={"X-Request-ID": "trace-1"})
    assert answer.json()["request_id"] == "trace-1"


def test_it_is_on_each_log_record() -> None:
    record = logging.makeLogRecord({})
    request_id.start("trace-2")
    assert request_id.RequestIdFilter().filter(record)
    assert record.__dict__["request_id"] == "trace-2"


def test_outside_of_a_request_there_is_none() -> None:
    request_id.start("trace-3")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(request_id.current).result() == "-"
