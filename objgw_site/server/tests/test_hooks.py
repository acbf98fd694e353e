"""What gunicorn offers around requests, and its documentation promises: hooks, and max_requests."""

from collections.abc import Iterator

import pytest

from objgw_site.server.tests.server import Client, Server, request
from tests.support.waiting import eventually


class Hooked(Server):
    config = "objgw_site.server.tests.hooked_config"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Hooked() as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server) as client:
        yield client


def hooks_called(server: Server, since: int) -> list[str]:
    return [line.partition("hook: ")[2].strip() for line in server.log[since:] if "hook: " in line]


class TestHooks:
    def test_are_called_for_each_request(self, server: Server, client: Client) -> None:
        known = len(server.log)
        for _ in range(2):
            assert client.ask("GET", "/chunks").status == 200
            assert client.ask("PUT", "/read", b"hello").status == 200
        expected = 2 * [
            "before GET /chunks",
            "behind /chunks: 200 OK",
            "before PUT /read",
            "behind /read: 200 OK",
        ]
        eventually(
            lambda: len(hooks_called(server, known)) >= len(expected), "all hooks are called"
        )
        assert hooks_called(server, known) == expected

    def test_are_called_behind_a_bug(self, server: Server, client: Client) -> None:
        known = len(server.log)
        assert client.ask("GET", "/nowhere").status == 500
        server.wait_for_line("hook: behind /nowhere: None", since=known)

    def test_are_called_behind_an_answer_that_broke_off(
        self, server: Server, client: Client
    ) -> None:
        known = len(server.log)
        client.send(request("GET", "/break"))
        assert client.rest().endswith(b"x" * 100)
        server.wait_for_line("hook: behind /break: 200 OK", since=known)

    def test_that_fail_before_a_request_refuse_it(self, server: Server, client: Client) -> None:
        known = len(server.log)
        answer = client.ask("GET", "/forbidden")
        assert (answer.status, answer.json["code"]) == (500, "internal_error")
        server.wait_for_line("hook: behind /forbidden: no answer", since=known)

    def test_that_fail_behind_a_request_are_logged(self, server: Server, client: Client) -> None:
        known = len(server.log)
        assert client.ask("GET", "/refuse").status == 403
        server.wait_for_line("the hook post_request failed", since=known)
        assert client.ask("GET", "/chunks").status == 200
        server.wait_for_line("hook: behind /chunks", since=known)

    def test_are_not_called_for_what_is_no_request(self, server: Server, client: Client) -> None:
        known = len(server.log)
        client.send("GARBAGE\r\n\r\n")
        assert client.answer().status == 400
        with Client(server) as other:
            assert other.ask("GET", "/chunks").status == 200
        server.wait_for_line("hook: behind /chunks", since=known)
        assert hooks_called(server, known) == ["before GET /chunks", "behind /chunks: 200 OK"]


def test_a_worker_stops_after_max_requests_and_none_is_lost() -> None:
    with Server(GUNICORN_CMD_ARGS="--max-requests=5") as server:
        pids = []
        with Client(server) as client:
            for number in range(1, 6):
                answer = client.ask("GET", "/pid")
                assert answer.headers["connection"] == ("close" if number == 5 else "keep-alive")
                pids.append(answer.json["pid"])
            assert client.rest() == b""
        server.wait_for_line("this worker stops, because it has served 5 requests", since=0)
        while len(set(pids)) < 2:
            with Client(server) as client:
                answer = client.ask("GET", "/pid")
                assert answer.status == 200
                pids.append(answer.json["pid"])
    assert len(set(pids[:5])) == 1
