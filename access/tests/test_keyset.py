"""Sets of keys: what is read, what is passed over, and what is refused."""

import json
from typing import Any

import pytest

from access.keyset import (
    ALGORITHMS,
    EDDSA,
    ES256,
    HS256,
    MOST_KEYS,
    RS256,
    InvalidKeySet,
    KeySet,
    make_key,
    parse_key_set,
)
from access.tests.keys import new_key

SECRET_MEMBERS = ("d", "k", "p", "q", "dp", "dq", "qi")


def document(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": list(keys)})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_is_made_is_read_again(algorithm: str) -> None:
    key = make_key(algorithm, 1_700_000_000.5)
    [again] = parse_key_set(KeySet((key,)).document()).keys
    assert again.jwk == key.jwk
    assert (again.key_id, again.algorithm, again.can_sign) == (key.key_id, algorithm, True)
    assert again.made == 1_700_000_000


@pytest.mark.parametrize("algorithm", [RS256, ES256, EDDSA])
def test_the_public_half_has_no_secret_and_signs_nothing(algorithm: str) -> None:
    public = KeySet((new_key(algorithm), new_key(HS256))).public_document()
    [key] = parse_key_set(public, public=True).keys
    assert not set(SECRET_MEMBERS) & set(key.jwk)
    assert not key.can_sign


def test_a_set_that_everybody_may_read_has_no_symmetric_key_that_counts() -> None:
    symmetric, public = new_key(HS256), new_key(ES256)
    found = parse_key_set(KeySet((symmetric, public)).document(), public=True)
    assert [key.key_id for key in found.keys] == [public.key_id]


def test_nothing_of_a_secret_is_shown() -> None:
    for algorithm in ALGORITHMS:
        key = new_key(algorithm)
        shown = repr(KeySet((key,)))
        assert not any(key.jwk[name] in shown for name in SECRET_MEMBERS if name in key.jwk)


@pytest.mark.parametrize(
    "foreign",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"alg": "RS512"},
        {"kty": "PQ"},
        {"crv": "P-521"},
    ],
    ids=str,
)
def test_keys_for_something_else_are_passed_over(foreign: dict[str, Any]) -> None:
    other, ours = new_key(ES256), new_key(ES256)
    found = parse_key_set(document({**other.jwk, **foreign}, ours.jwk))
    assert [key.key_id for key in found.keys] == [ours.key_id]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no JWK Set"),
        ('{"keys": {}}', "no JWK Set"),
        ('{"keys": ["x"]}', "no JWK Set"),
        ('{"keys": []}', "none of its 0 keys"),
        ('{"keys": [{"kty": "oct", "k": "AAAA"}]}', "has 3 bytes, and 32 are the least"),
        ('{"keys": [{"kty": "oct", "k": 5}]}', "key 1 cannot be read"),
        ('{"keys": [{"kty": "oct"}]}', "key 1 cannot be read"),
        ('{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}', "cannot be read"),
        (document({**new_key().jwk, "kid": 5}), "the kid of key 1 is no text"),
        (document(*[new_key().jwk] * 2), "the same kid"),
        (document(*[new_key().jwk] * (MOST_KEYS + 1)), f"{MOST_KEYS} are the most"),
    ],
)
def test_what_is_wrong_with_a_set_is_named(text: str, wrong: str) -> None:
    with pytest.raises(InvalidKeySet, match=wrong):
        parse_key_set(text)


def test_a_short_rsa_key_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from jwt.algorithms import RSAAlgorithm

    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  (it is to be refused)
    with pytest.raises(InvalidKeySet, match="1024 bits, and 2048 are the least"):
        parse_key_set(document(RSAAlgorithm.to_jwk(key, as_dict=True)))


def test_a_broken_key_of_a_provider_costs_it_no_other() -> None:
    good, short = new_key(EDDSA), {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "short"}
    other = {**new_key(ES256).jwk, "kid": good.key_id}
    [one, two] = parse_key_set(document(short, good.jwk, other), public=True).keys
    assert (one.key_id, two.key_id) == (good.key_id, good.key_id)
    with pytest.raises(InvalidKeySet):
        parse_key_set(document(short, good.jwk))


def test_a_message_about_a_broken_key_does_not_show_it() -> None:
    jwk = {**new_key(EDDSA).jwk, "x": "not a point"}
    with pytest.raises(InvalidKeySet) as caught:
        parse_key_set(document(jwk))
    assert jwk["d"] not in str(caught.value)
