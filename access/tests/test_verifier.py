"""The verifier: what it remembers, and what makes it forget."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from access import verifier as module
from access.keyfile import write_keys
from access.keyset import ES256, Key, KeySet
from access.problems import InvalidToken, KeysUnknown
from access.scopes import READ
from access.tests.keys import new_key, token_of
from access.tokens import Claims, Expected, verified_claims
from access.verifier import REMEMBERED, Rules, Verifier
from tests.support.waiting import eventually

OLD, NEW = new_key(), new_key(ES256)


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    write_keys(path, KeySet((OLD,)), new=True)
    return path


def verifier_of(
    keys_file: Path | None, revoked: Path | None = None, leeway: float = 30.0
) -> Verifier:
    return Verifier(Rules(keys_file, "", revoked, "", "objgw", leeway, 300.0))


def bearer(key: Key, **claims: object) -> str:
    """An Authorization field."""
    return f"Bearer {token_of(key, **claims)}"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many tokens were verified, rather than remembered."""
    verified = []

    def count(token: str, key: Key, expected: Expected) -> Claims | None:
        verified.append(token)
        return verified_claims(token, key, expected)

    monkeypatch.setattr(module, "verified_claims", count)
    return lambda: len(verified)


def test_a_token_is_verified_once(keys_file: Path, counted: Callable[[], int]) -> None:
    verifier, token = verifier_of(keys_file), bearer(OLD, scope=READ)
    for _ in range(5):
        assert verifier.field_grant(token).scopes == {READ}
    assert counted() == 1


def test_what_is_remembered_expires(keys_file: Path) -> None:
    verifier = verifier_of(keys_file, leeway=0.0)
    token = bearer(OLD, exp=int(time.time()) + 2)
    assert verifier.field_grant(token)

    def expired() -> bool:
        try:
            verifier.field_grant(token)
        except InvalidToken as problem:
            return "expired" in problem.detail
        return False

    eventually(expired, "it has expired", 10)


def test_no_more_are_remembered_than_that(keys_file: Path, counted: Callable[[], int]) -> None:
    verifier = verifier_of(keys_file)
    first = bearer(OLD, jti="first")
    verifier.field_grant(first)
    for number in range(REMEMBERED):
        verifier.field_grant(bearer(OLD, jti=str(number)))
    before = counted()
    verifier.field_grant(first)
    assert counted() == before + 1


def test_a_key_that_was_just_added_counts_at_once(keys_file: Path) -> None:
    verifier = verifier_of(keys_file)
    verifier.field_grant(bearer(OLD))
    write_keys(keys_file, KeySet((OLD, NEW)), new=False)
    assert verifier.field_grant(bearer(NEW))


def test_a_key_that_was_retired_counts_no_more(
    keys_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_INTERVAL", 0.0)
    verifier, token = verifier_of(keys_file), bearer(OLD)
    verifier.field_grant(token)
    write_keys(keys_file, KeySet((NEW,)), new=False)
    with pytest.raises(InvalidToken, match="no key that is known"):
        verifier.field_grant(token)


def test_a_token_that_is_revoked_counts_no_more(
    keys_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_INTERVAL", 0.0)
    revoked = tmp_path / "revoked"
    revoked.write_text("another\n")
    verifier = verifier_of(keys_file, revoked)
    one, other = bearer(OLD, jti="one"), bearer(OLD, jti="other")
    verifier.field_grant(one)
    revoked.write_text("another\none\n")
    with pytest.raises(InvalidToken, match="revoked"):
        verifier.field_grant(one)
    assert verifier.field_grant(other)


def test_without_the_list_of_revoked_tokens_none_is_accepted(
    keys_file: Path, tmp_path: Path
) -> None:
    verifier = verifier_of(keys_file, tmp_path / "absent")
    with pytest.raises(KeysUnknown, match="no list of revoked"):
        verifier.field_grant(bearer(OLD))


def test_without_keys_nobody_can_say(tmp_path: Path) -> None:
    verifier = verifier_of(tmp_path / "absent")
    verifier.start()
    with pytest.raises(KeysUnknown, match="keys cannot be read"):
        verifier.field_grant(bearer(OLD))
