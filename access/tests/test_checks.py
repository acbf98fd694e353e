"""System checks of the settings about access."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import ERROR, run_checks
from pytest_django import Settings

from access import checks
from access.keyfile import write_keys
from access.keyset import KeySet
from access.tests.keys import new_key
from access.warning import OPEN, SERVES


@pytest.fixture
def keys_file(tmp_path: Path, settings: Settings) -> Path:
    path = tmp_path / "keys.json"
    write_keys(path, KeySet((new_key(),)), new=True)
    settings.OBJGW_AUTH = True
    settings.OBJGW_AUTH_KEYS = str(path)
    return path


def found(level: int = ERROR) -> list[str]:
    return [message.msg for message in checks.keys(None) if message.level >= level]


def test_keys_that_can_be_read_are_all_that_is_needed(keys_file: Path) -> None:
    assert found(0) == []
    deployed = run_checks(include_deployment_checks=True)
    assert OPEN not in [message.msg for message in deployed]


def test_without_any_that_is_said_of_a_deployment() -> None:
    assert OPEN in [message.msg for message in run_checks(include_deployment_checks=True)]
    assert OPEN not in [message.msg for message in run_checks()]


def test_a_file_that_is_no_set_of_keys_is_named(keys_file: Path) -> None:
    keys_file.write_text("{}")
    [message] = found()
    assert message.startswith(f"OBJGW_AUTH_KEYS: {keys_file}: it is no JWK Set")
    keys_file.unlink()
    [message] = found()
    assert "No such file" in message


def test_keys_that_others_may_read_are_worth_a_warning(keys_file: Path) -> None:
    keys_file.chmod(0o644)
    assert found() == []
    [message] = found(0)
    assert "chmod 600" in message


def test_root_without_the_right_to_read_is_not_who_runs_the_gateway(
    keys_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert found() == []
    monkeypatch.setattr(os, "geteuid", lambda: 10001)
    keys_file.write_text("{}")
    assert len(found()) == 1


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"OBJGW_AUTH_JWKS_URL": "https://login.example/jwks"}, "needs OBJGW_AUTH_ISSUER"),
        ({"OBJGW_AUTH_ISSUER": "x"}, "OBJGW_AUTH_ISSUER means nothing without"),
        ({"OBJGW_AUTH_REVOKED": "/absent"}, "/absent cannot be read: No such file"),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_named(
    settings: Settings, keys_file: Path, given: dict[str, str], wrong: str
) -> None:
    for name, value in given.items():
        setattr(settings, name, value)
    [message] = found()
    assert wrong in message


def test_a_worker_of_a_gateway_that_serves_starts_with_broken_files(
    keys_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys_file.write_text("{}")
    monkeypatch.setenv(SERVES, "1")
    assert found() == []
    assert len(found(0)) == 1


def test_a_list_of_revoked_tokens_alone_is_a_mistake(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "revoked"
    path.write_text("")
    settings.OBJGW_AUTH_REVOKED = str(path)
    [message] = found()
    assert "OBJGW_AUTH_REVOKED means nothing without" in message


def test_a_name_that_is_nearly_right_does_not_leave_the_gateway_open() -> None:
    environment = {name: text for name, text in os.environ.items() if name[:5] != "OBJGW"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env=environment | {"OBJGW_AUTH_KEY": "/etc/objgw/keys.json"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "OBJGW_AUTH_KEY is no setting of objgw; did you mean OBJGW_AUTH_KEYS?" in done.stderr
