"""Options that cannot work are refused with what would, before anything is started."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from demo.harness.ports import free_port
from demo.harness.s3nodes import MinioServer, MotoServer, VersityServer
from demo.management.commands.demo import choose_server


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.fixture
def without_binaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GOBIN", raising=False)
    monkeypatch.delenv("GOPATH", raising=False)


@pytest.mark.parametrize("nodes", [0, -1, 101])
def test_number_of_nodes(nodes: int) -> None:
    with pytest.raises(CommandError, match=f"--nodes {nodes}: give a number from 1 to 100"):
        call_command("demo", nodes=nodes)


@pytest.mark.parametrize("port", [0, 65536, -3])
def test_port_number(port: int) -> None:
    with pytest.raises(CommandError, match=f"--port {port}: give a number from 1 to 65535"):
        call_command("demo", port=port)


def test_what_is_no_number() -> None:
    with pytest.raises(CommandError, match="invalid int value: 'three'"):
        call_command("demo", "--nodes", "three")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])  # noqa: S104  (all addresses, on purpose)
def test_port_in_use(taken_port: int, host: str) -> None:
    expected = f"Port {taken_port} on {host} is in use .* make demo PORT="
    with pytest.raises(CommandError, match=expected):
        call_command("demo", port=taken_port, host=host)


def test_host_of_another_machine() -> None:
    with pytest.raises(CommandError, match=r"--host 192\.0\.2\.1 --port .*: Cannot assign"):
        call_command("demo", host="192.0.2.1", port=free_port("127.0.0.1"))


def test_host_that_does_not_exist() -> None:
    with pytest.raises(CommandError, match="--host no such host: not an address"):
        call_command("demo", host="no such host", port=free_port("127.0.0.1"))


def test_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match=r"(Not a directory|File exists): .*file"):
        call_command("demo", port=free_port("127.0.0.1"), data=tmp_path / "file")


@pytest.mark.usefixtures("without_binaries")
class TestWithoutBinaries:
    def test_auto_takes_moto(self) -> None:
        assert isinstance(choose_server("auto"), MotoServer)

    @pytest.mark.parametrize("store", ["minio", "versitygw"])
    def test_asking_for_one_says_how_to_get_it(self, store: str) -> None:
        with pytest.raises(CommandError, match=rf"no {store} binary on PATH.*go install .*{store}"):
            choose_server(store)

    @pytest.mark.parametrize("store", ["auto", "versitygw"])
    def test_versitygw_is_taken_without_minio(self, tmp_path: Path, store: str) -> None:
        (tmp_path / "versitygw").touch(mode=0o755)
        assert isinstance(choose_server(store), VersityServer)


@pytest.mark.usefixtures("without_binaries")
class TestWithMinio:
    @pytest.fixture(autouse=True)
    def both_on_path(self, tmp_path: Path) -> None:
        (tmp_path / "minio").touch(mode=0o755)
        (tmp_path / "versitygw").touch(mode=0o755)

    @pytest.mark.parametrize("store", ["auto", "minio"])
    def test_it_is_taken(self, store: str) -> None:
        assert isinstance(choose_server(store), MinioServer)

    def test_moto_can_still_be_had(self) -> None:
        assert isinstance(choose_server("moto"), MotoServer)
