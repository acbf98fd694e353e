"""Local nodes: where minio is found, what is kept between runs, and that keys stay secret."""

import dataclasses
import os
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from demo.harness.children import ChildError
from demo.harness.s3nodes import (
    MinioServer,
    MotoServer,
    NodeDataError,
    NodeProcess,
    S3Server,
    VersityServer,
    nodes_setting,
    prepare_nodes,
    running_nodes,
)


def put_binary(folder: Path, mode: int = 0o755, *, name: str = "minio") -> Path:
    folder.mkdir(parents=True)
    binary = folder / name
    binary.write_text("#!/bin/sh\n")
    binary.chmod(mode)
    return binary


class TestFindingMinio:
    @pytest.mark.parametrize(
        ("place", "variable", "value"),
        [
            ("on-path", "PATH", "{root}/empty:{root}/on-path"),
            ("gobin", "GOBIN", "{root}/gobin"),
            ("go/bin", "GOPATH", "{root}/go"),
            ("second/bin", "GOPATH", "{root}/go:{root}/second"),
            ("home/go/bin", "HOME", "{root}/home"),
        ],
    )
    def test_places(self, tmp_path: Path, place: str, variable: str, value: str) -> None:
        binary = put_binary(tmp_path / place)
        environ = {"PATH": str(tmp_path / "none"), variable: value.format(root=tmp_path)}
        found = MinioServer.find(environ)
        assert found is not None
        assert found.binary == binary

    def test_path_comes_first(self, tmp_path: Path) -> None:
        on_path, _ = put_binary(tmp_path / "bin"), put_binary(tmp_path / "home/go/bin")
        found = MinioServer.find({"PATH": str(on_path.parent), "HOME": str(tmp_path / "home")})
        assert found is not None
        assert found.binary == on_path

    def test_nowhere(self, tmp_path: Path) -> None:
        assert MinioServer.find({"PATH": str(tmp_path), "HOME": str(tmp_path)}) is None

    def test_what_cannot_be_executed_does_not_count(self, tmp_path: Path) -> None:
        binary = put_binary(tmp_path / "bin", mode=0o644)
        assert MinioServer.find({"PATH": str(binary.parent)}) is None


def test_versitygw_is_looked_for_in_the_same_places(tmp_path: Path) -> None:
    binary = put_binary(tmp_path / "home/go/bin", name="versitygw")
    found = VersityServer.find({"PATH": str(tmp_path), "HOME": str(tmp_path / "home")})
    assert found is not None
    assert found.binary == binary
    assert VersityServer.find({"PATH": str(tmp_path), "HOME": str(tmp_path)}) is None


class TestWhatIsKept:
    def test_names_and_credentials_are_the_same_next_time(self, tmp_path: Path) -> None:
        first, second = prepare_nodes(tmp_path, 3), prepare_nodes(tmp_path, 3)
        assert [node.name for node in first] == [
            f"amazin-object-storage-node-{number}" for number in (1, 2, 3)
        ]
        for before, after in zip(first, second, strict=True):
            assert dataclasses.replace(after, port=before.port) == before

    def test_nodes_have_different_credentials_and_ports(self, tmp_path: Path) -> None:
        nodes = prepare_nodes(tmp_path, 5)
        assert len({node.access_key for node in nodes}) == 5
        assert len({node.secret_key for node in nodes}) == 5
        assert len({node.port for node in nodes}) == 5

    def test_more_nodes_keep_what_fewer_nodes_had(self, tmp_path: Path) -> None:
        (two := prepare_nodes(tmp_path, 2))[0].folder.joinpath("data").mkdir()
        five = prepare_nodes(tmp_path, 5)
        assert [node.secret_key for node in five[:2]] == [node.secret_key for node in two]
        prepare_nodes(tmp_path, 1)
        assert all(node.folder.joinpath("credentials.json").exists() for node in five)
        assert two[0].folder.joinpath("data").is_dir()

    def test_only_the_owner_can_read_credentials(self, tmp_path: Path) -> None:
        previous = os.umask(0)
        try:
            (node,) = prepare_nodes(tmp_path, 1)
        finally:
            os.umask(previous)
        file = node.folder / "credentials.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(node.folder.stat().st_mode) == 0o700

    def test_a_file_that_was_opened_to_all_is_closed_again(self, tmp_path: Path) -> None:
        (node,) = prepare_nodes(tmp_path, 1)
        file = node.folder / "credentials.json"
        file.chmod(0o644)
        prepare_nodes(tmp_path, 1)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    @pytest.mark.parametrize("content", ["", "{}", "[1]", '{"access_key": "a"}'])
    def test_broken_credentials_are_not_replaced(self, tmp_path: Path, content: str) -> None:
        (node,) = prepare_nodes(tmp_path, 1)
        file = node.folder / "credentials.json"
        file.write_text(content)
        with pytest.raises(NodeDataError, match="does not hold a node's credentials"):
            prepare_nodes(tmp_path, 1)
        assert file.read_text() == content


class TestCredentialsStaySecret:
    def test_repr_shows_none(self, tmp_path: Path) -> None:
        (node,) = prepare_nodes(tmp_path, 1)
        process = NodeProcess(node, MotoServer())
        assert node.access_key not in repr(node) + repr(process)
        assert node.secret_key not in repr(node) + repr(process)

    @pytest.mark.parametrize(
        "server",
        [MinioServer(Path("/bin/minio")), VersityServer(Path("/bin/versitygw")), MotoServer()],
    )
    def test_the_command_line_has_none(self, tmp_path: Path, server: S3Server) -> None:
        (node,) = prepare_nodes(tmp_path, 1)
        command = " ".join(server.argv(node))
        assert node.endpoint in command or f"--port {node.port}" in command
        assert node.access_key not in command
        assert node.secret_key not in command


def test_the_setting_survives_any_credentials(tmp_path: Path) -> None:
    (node,) = prepare_nodes(tmp_path, 1)
    node = dataclasses.replace(node, access_key="a:b@c", secret_key="p/q?r#s,t%+ ä")
    other = dataclasses.replace(node, name="other")
    first, second = nodes_setting([node, other]).split(",")
    url = urlsplit(first)
    assert unquote(url.username or "") == node.access_key
    assert unquote(url.password or "") == node.secret_key
    assert (url.hostname, url.port, url.fragment) == (node.host, node.port, node.name)
    assert second == first.replace(node.name, "other")


def test_a_node_listens_on_loopback_only(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"not on 0\.0\.0\.0"):
        prepare_nodes(tmp_path, 1, host="0.0.0.0")  # noqa: S104  (all addresses, on purpose)


def test_minio_variables_of_the_user_do_not_reach_a_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIO_ROOT_PASSWORD_FILE", "/run/secret")
    (node,) = prepare_nodes(tmp_path, 1)
    environment = NodeProcess(node, MinioServer(Path("/bin/minio"))).environment
    assert "MINIO_ROOT_PASSWORD_FILE" not in environment
    assert environment["MINIO_ROOT_USER"] == node.access_key
    assert environment["MINIO_ROOT_PASSWORD"] == node.secret_key


def test_nor_do_those_of_versitygw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VGW_READ_ONLY", "true")
    monkeypatch.setenv("ROOT_ACCESS_KEY_ID", "mine")
    (node,) = prepare_nodes(tmp_path, 1)
    environment = NodeProcess(node, VersityServer(Path("/bin/versitygw"))).environment
    assert not {"VGW_READ_ONLY", "ROOT_ACCESS_KEY_ID"} & environment.keys()
    assert environment["ROOT_ACCESS_KEY"] == node.access_key
    assert environment["ROOT_SECRET_KEY"] == node.secret_key


def test_a_node_that_dies_at_start_says_why(tmp_path: Path) -> None:
    binary = tmp_path / "minio"
    binary.write_text("#!/bin/sh\necho the disk is made of cheese\nexit 3\n")
    binary.chmod(0o755)
    with (
        pytest.raises(ChildError, match=r"node-1 ended with status 3.*\n.*made of cheese"),
        running_nodes(tmp_path, 1, MinioServer(binary)),
    ):
        pass
