"""docs/access.md: every example does what it shows."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from access.keyfile import write_keys
from access.keyset import EDDSA, HS256, KeySet
from access.tests.keys import new_key
from demo.harness.children import PROJECT_ROOT
from demo.harness.gateway import GatewayProcess
from demo.harness.s3nodes import MotoServer
from tests.functional.conftest import RunGateway, client_of
from tests.support.client import random_id
from tests.support.examples import Examples, blocks
from tests.support.servers import SharedServers

PAGE = PROJECT_ROOT / "docs" / "access.md"


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    write_keys(path, KeySet((new_key(HS256),)), new=True)
    return path


@pytest.fixture
def gateway(run_gateway: RunGateway, shared: SharedServers, keys_file: Path) -> GatewayProcess:
    return run_gateway(shared.nodes(MotoServer()), OBJGW_AUTH_KEYS=str(keys_file))


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_every_example(
    gateway: GatewayProcess, keys_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OBJGW_AUTH_KEYS", str(keys_file))
    # Where a reader is in the project, this one is not.
    command = f"{sys.executable} {PROJECT_ROOT / 'manage.py'}"
    examples = Examples(gateway.url, folder)
    for block in blocks(PAGE.read_text()):
        if block.language in ("console", "python"):
            text = block.text.replace(
                "python manage.py link", f"{command} link --url {gateway.url}"
            )
            text = text.replace("python manage.py", command)
            examples.run(type(block)(block.language, text, block.line))
    assert examples.ran >= 15


def by_python(keys_file: Path, object_id: str) -> str:
    [block] = [block for block in blocks(PAGE.read_text()) if block.language == "py"]
    names: dict[str, Any] = {}
    exec(block.text, names)  # noqa: S102  (it is the page's own)
    return str(names["link"](str(keys_file), object_id, 60))


def by_shell(keys_file: Path, object_id: str) -> str:
    [block] = [block for block in blocks(PAGE.read_text()) if block.language == "sh"]
    done = subprocess.run(
        ["sh", "-ec", block.text, "sh", str(keys_file), object_id, "60"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("make", [by_python, by_shell])
def test_a_link_that_is_made_as_the_page_says_is_good(
    gateway: GatewayProcess, keys_file: Path, make: Callable[[Path, str], str]
) -> None:
    client = client_of(gateway)
    # Of several keys it takes the last, each of which has other characters.
    for _ in range(4):
        keys = KeySet((new_key(HS256), new_key(EDDSA), new_key(HS256)))
        write_keys(keys_file, keys, new=False)
        object_id = random_id()  # the page's own is there once its examples have run
        link = make(keys_file, object_id)
        assert re.fullmatch(rf"/object/{object_id}\?expires=\d+&signature=[\w-]{{43}}", link)
        assert client.request("GET", link).status == 404
        altered = link[:-1] + ("A" if link[-1] != "A" else "B")
        assert client.request("GET", altered).status == 403


def test_the_page_lists_the_scopes_that_there_are() -> None:
    from access.scopes import SCOPES

    assert set(re.findall(r"^\| `(\w+:\w+)` \|", PAGE.read_text(), re.MULTILINE)) == set(SCOPES)


def test_commands_say_what_is_wrong(keys_file: Path, tmp_path: Path) -> None:
    def said(*arguments: str, keys: Path | None = keys_file) -> tuple[int, str]:
        environment = {name: text for name, text in os.environ.items() if name[:5] != "OBJGW"}
        if keys is not None:
            environment["OBJGW_AUTH_KEYS"] = str(keys)
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT_ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    absent, public = tmp_path / "absent", tmp_path / "public"
    public.write_bytes(KeySet((new_key(EDDSA),)).public_document())
    for arguments, keys, status, text in (
        (("authkeys", "make"), keys_file, 1, "is there already"),
        (("authkeys", "retire"), keys_file, 1, "has one key"),
        (("authkeys", "list"), None, 2, "Name the file"),
        (("authkeys", "list"), absent, 1, "No such file"),
        (("token",), keys_file, 2, "Say what it allows: --scope"),
        (("token", "--scope", "objects:all"), keys_file, 2, "invalid choice: 'objects:all'"),
        (("token", "--scope", "objects:read", "--prefix", "a-b"), keys_file, 2, "not 'a-b'"),
        (("token", "--scope", "objects:read", "--expires", "1"), keys_file, 2, "no duration"),
        (("token", "--scope", "objects:read"), None, 2, "names no file of keys"),
        (("token", "--scope", "objects:read"), public, 1, "public keys only"),
        (("token", "--show", "x"), keys_file, 1, "not accepted: The token is no JWT"),
        (("link", "a-b"), keys_file, 2, "'a-b' is none"),
        (("link", "abc", "--max-size", "1K"), keys_file, 2, "--method PUT"),
        (("link", "abc"), public, 1, "has no HS256 key"),
        (("link", "abc"), absent, 1, "No such file"),
    ):
        returned, error = said(*arguments, keys=keys)
        assert (returned, text in error) == (status, True), (arguments, error)


def test_a_token_that_is_shown_says_until_when(keys_file: Path) -> None:
    environment = os.environ | {"OBJGW_AUTH_KEYS": str(keys_file)}

    def told(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "manage.py", "token", *arguments],
            cwd=PROJECT_ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    token = told("--scope", "objects:read", "--expires", "2h", "--subject", "bob").strip()
    shown = told("--show", token)

    assert "subject  bob\n" in shown
    assert re.search(r"^expires  \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", shown, re.MULTILINE)
