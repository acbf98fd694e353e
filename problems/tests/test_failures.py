"""Failures are told in full once, and summed up from then on."""

import logging

import pytest

from problems import request_id
from problems.failures import Failures
from tests.support.clock import Clock
from tests.support.waiting import eventually

DOWN = ("node a", "503 node_unavailable")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def failures(caplog: pytest.LogCaptureFixture, clock: Clock) -> Failures:
    """Summed up when a test says so."""
    caplog.set_level(logging.DEBUG, "objgw.failures")
    request_id.start("the-request")
    return Failures(interval=3600, clock=clock)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [each.message for each in caplog.records if each.levelno == logging.WARNING]
    caplog.clear()
    return found


def test_the_first_of_a_kind_is_told_in_full(
    failures: Failures, caplog: pytest.LogCaptureFixture
) -> None:
    failures.report(*DOWN, "GET /object/abc", "refused")
    assert warnings(caplog) == [
        (
            "node a: GET /object/abc: 503 node_unavailable: refused "
            "(more of this kind are summed up every 3600 s)"
        )
    ]


def test_those_that_follow_are_told_at_debug_level_and_summed_up(
    failures: Failures, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(500):
        failures.report(*DOWN, f"GET /object/{number}", "refused")
    for _ in range(12):
        failures.report("node a", "504 node_timeout", "PUT /object/x", "nothing in 30 s")
    failures.report("node b", "503 node_unavailable", "GET /object/y", "refused")
    told = [each for each in caplog.records if each.levelno == logging.DEBUG]
    assert len(told) == 499 + 11
    assert told[0].message == "node a: GET /object/1: 503 node_unavailable: refused"
    assert len(warnings(caplog)) == 3
    clock.now += 61.8
    failures.summarize()
    # Of node b there is nothing that has not been told.
    assert warnings(caplog) == [
        (
            "node a: 512 requests failed in the last 62 s: 500 x 503 node_unavailable, "
            "12 x 504 node_timeout; the latest: PUT /object/x [the-request]: nothing in 30 s"
        )
    ]


def test_a_kind_is_told_in_full_again_after_a_quiet_time(
    failures: Failures, caplog: pytest.LogCaptureFixture
) -> None:
    failures.report(*DOWN, "GET /object/1", "refused")
    failures.summarize()
    warnings(caplog)
    failures.report(*DOWN, "GET /object/2", "refused")
    assert warnings(caplog) == []
    failures.summarize()
    [summary] = warnings(caplog)
    assert "1 requests failed" in summary
    failures.summarize()
    assert warnings(caplog) == []
    failures.report(*DOWN, "GET /object/3", "refused")
    [full] = warnings(caplog)
    assert "GET /object/3" in full


def test_the_summary_comes_by_itself_and_is_about_no_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures = Failures(interval=0.05)
    contexts = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "requests failed" in record.getMessage():
                contexts.append(request_id.current())

    handler = Handler()
    logger = logging.getLogger("objgw.failures")
    logger.addHandler(handler)
    try:
        request_id.start("the-request")
        for _ in range(2):
            failures.report(*DOWN, "GET /object/1", "refused")
        # All who are told of it have been, or the next test would be.
        eventually(lambda: "requests failed" in caplog.text, "the summary is said")
    finally:
        logger.removeHandler(handler)
    assert contexts == ["-"]
