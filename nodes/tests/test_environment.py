"""Key pair and region of a node, out of the environment of its container."""

from pathlib import Path

import pytest

from nodes.discovery.environment import CREDENTIAL_VARIABLES, SECRETS, credentials_of, region_of
from nodes.node import Credentials

PAIRS = [
    ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"),
    ("MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"),
    ("RUSTFS_ACCESS_KEY", "RUSTFS_SECRET_KEY"),
    ("ROOT_ACCESS_KEY", "ROOT_SECRET_KEY"),
    ("ROOT_ACCESS_KEY_ID", "ROOT_SECRET_ACCESS_KEY"),
]


@pytest.mark.parametrize("first", range(5))
def test_of_several_key_pairs_the_first_counts(first: int) -> None:
    environment = [
        f"{name}={kind}-{number}"
        for number, pair in reversed(list(enumerate(PAIRS[first:], first)))
        for name, kind in zip(pair, ("key", "secret"), strict=True)
    ]
    assert credentials_of(environment) == Credentials(f"key-{first}", f"secret-{first}")


@pytest.mark.parametrize("lacking", [[], ["MINIO_ROOT_PASSWORD="], ["MINIO_ROOT_PASSWORD"]])
def test_half_a_pair_is_none(lacking: list[str]) -> None:
    half = ["PATH=/bin", "MINIO_ROOT_USER=key", *lacking]
    assert credentials_of(half) is None
    whole = [*half, "MINIO_ACCESS_KEY=a", "MINIO_SECRET_KEY=b"]
    assert credentials_of(whole) == Credentials("a", "b")


def test_keys_with_equals_signs() -> None:
    environment = ["MINIO_ROOT_USER=a=b", "MINIO_ROOT_PASSWORD=c==", "=D:=x", "NOTHING"]
    assert credentials_of(environment) == Credentials("a=b", "c==")


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ([], "us-east-1"),
        (["MINIO_REGION="], "us-east-1"),
        (["MINIO_REGION=b", "MINIO_SITE_REGION=a"], "a"),
        (["MINIO_REGION_NAME=c", "RUSTFS_REGION=d"], "c"),
        (["RUSTFS_REGION=d", "VGW_REGION=e"], "d"),
        (["VGW_REGION=e"], "e"),
    ],
)
def test_the_region(environment: list[str], region: str) -> None:
    assert region_of(environment) == region


class TestSecrets:
    """Keys in files, as Docker hands out secrets."""

    @pytest.fixture
    def secrets(self, tmp_path: Path) -> Path:
        folder = tmp_path / "secrets"
        folder.mkdir()
        (folder / "user").write_text("key\n")
        (folder / "password").write_text("hush-hush")
        (tmp_path / "outside").write_text("outside")
        return folder

    @pytest.mark.parametrize("folder", ["", f"{SECRETS}/"])
    @pytest.mark.parametrize("pair", CREDENTIAL_VARIABLES)
    def test_by_path_and_by_name(self, secrets: Path, pair: tuple[str, str], folder: str) -> None:
        user, password = pair
        environment = [f"{user}_FILE={folder}user", f"{password}_FILE={folder}password"]
        assert credentials_of(environment, secrets) == Credentials("key", "hush-hush")

    def test_one_half_in_a_file(self, secrets: Path) -> None:
        environment = ["MINIO_ROOT_USER=plain", "MINIO_ROOT_PASSWORD_FILE=password"]
        assert credentials_of(environment, secrets) == Credentials("plain", "hush-hush")

    def test_the_value_goes_before_the_file(self, secrets: Path) -> None:
        """MinIO's image names files by default that are hardly ever there."""
        environment = [
            *("MINIO_ROOT_USER_FILE=user", "MINIO_ROOT_PASSWORD_FILE=password"),
            *("MINIO_ROOT_USER=a", "MINIO_ROOT_PASSWORD=b"),
        ]
        assert credentials_of(environment, secrets) == Credentials("a", "b")

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "missing",
            "../outside",
            f"{SECRETS}/../outside",
            "/etc/hostname",
            "..",
            "user/x",
            "x\0",
        ],
    )
    def test_what_is_no_secret_of_the_gateways(self, secrets: Path, path: str) -> None:
        environment = ["MINIO_ROOT_USER=a", f"MINIO_ROOT_PASSWORD_FILE={path}"]
        assert credentials_of(environment, secrets) is None

    @pytest.mark.parametrize("data", [b"", b"\n", b"\xff", b"a\nb", b"x" * 1025, b"a\x00"])
    def test_what_is_no_key(self, secrets: Path, data: bytes) -> None:
        (secrets / "user").write_bytes(data)
        environment = ["MINIO_ROOT_USER_FILE=user", "MINIO_ROOT_PASSWORD=b"]
        assert credentials_of(environment, secrets) is None
