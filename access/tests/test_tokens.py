"""Tokens: what is accepted, and that nothing else is."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from access.keyset import ALGORITHMS, ES256, HS256, RS256, make_key
from access.problems import InvalidToken
from access.scopes import DELETE, READ
from access.tests.keys import AUDIENCE, new_key, token_of
from access.tokens import Expected, Wish, grant_of, issue, read_header, verified_claims

EXPECTED = Expected(AUDIENCE, None, 30.0)
KEYS = {algorithm: new_key(algorithm) for algorithm in ALGORITHMS}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\0ä"


def accepted(token: str, algorithm: str = HS256) -> bool:
    """Whether a gateway with this one key would take it."""
    key = KEYS[algorithm]
    try:
        header = read_header(token)
        return header.algorithm == key.algorithm and (
            verified_claims(token, key, EXPECTED) is not None
        )
    except InvalidToken:
        return False


def part(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_is_issued_is_accepted_and_says_what_was_asked_for(algorithm: str) -> None:
    wish = Wish("alice", [READ, DELETE], ["ab", "cd"], 60)
    token = issue(wish, KEYS[algorithm], AUDIENCE, time.time())
    claims = verified_claims(token, KEYS[algorithm], EXPECTED)
    assert claims is not None
    grant = grant_of(claims)
    assert (grant.subject, grant.prefixes) == ("alice", ("ab", "cd"))
    assert grant.scopes == {READ, DELETE}
    assert len(grant.token_id) == 32
    assert 0 < grant.expires - time.time() <= 60


TOKENS = {algorithm: token_of(key, scope=READ) for algorithm, key in KEYS.items()}


@given(st.sampled_from(ALGORITHMS), st.data())
@settings(max_examples=400)
def test_a_token_with_one_character_changed_is_not_accepted(
    algorithm: str, data: st.DataObject
) -> None:
    token = TOKENS[algorithm]
    assert accepted(token, algorithm)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(ALPHABET).filter(lambda char: char != token[place]))
    assert not accepted(token[:place] + other + token[place + 1 :], algorithm)


@given(st.sampled_from(ALGORITHMS), st.data())
def test_a_token_that_is_longer_or_shorter_is_not_accepted(
    algorithm: str, data: st.DataObject
) -> None:
    token = TOKENS[algorithm]
    place = data.draw(st.integers(0, len(token) - 1))
    more = data.draw(st.sampled_from(ALPHABET))
    for other in (
        token[:place] + more + token[place:],
        token + more,
        token[:place] + token[place + 1 :],
        token[:place],
    ):
        assert not accepted(other, algorithm)


@given(st.text(ALPHABET, max_size=300))
def test_what_nobody_issued_is_not_accepted(text: str) -> None:
    assert not accepted(text)


@given(
    st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "b64"]), st.text() | st.none()),
    st.dictionaries(st.sampled_from(["exp", "aud", "scope"]), st.text() | st.integers()),
    st.binary(max_size=70),
)
def test_what_looks_like_a_token_is_not_accepted(
    header: dict[str, Any], claims: dict[str, Any], signature: bytes
) -> None:
    encoded = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    assert not accepted(f"{part(header)}.{part(claims)}.{encoded}")


@pytest.mark.parametrize("name", ["none", "None", "NONE", "HS384", "RS512", "PS256", "", None, 5])
def test_other_algorithms_are_refused(name: object) -> None:
    claims = {"aud": AUDIENCE, "exp": int(time.time()) + 60}
    with pytest.raises(InvalidToken, match="algorithm is none of"):
        read_header(f"{part({'alg': name})}.{part(claims)}.AAAA")


@pytest.mark.parametrize("algorithm", [RS256, ES256])
def test_a_public_key_is_no_secret_for_hs256(algorithm: str) -> None:
    """Confusion of algorithms: everybody has the public key, and could sign with it."""
    public: Any = KEYS[algorithm].verifying.key
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = {"aud": AUDIENCE, "exp": int(time.time()) + 60, "scope": READ}
    signed = f"{part({'alg': HS256, 'kid': KEYS[algorithm].key_id})}.{part(claims)}"
    mac = hmac.digest(pem, signed.encode(), hashlib.sha256)
    forged = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert not accepted(forged, algorithm)
    assert verified_claims(forged, KEYS[algorithm], EXPECTED) is None


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"]},
        {"b64": False, "crit": ["b64"]},
        {"typ": "logout+jwt"},
        {"kid": ["a"]},
        {"typ": []},
        {"typ": {}},
        {"typ": 5},
    ],
    ids=str,
)
def test_headers_that_ask_for_more_are_refused(header: dict[str, Any]) -> None:
    token = f"{part({'alg': HS256, **header})}.{part({})}.AAAA"
    with pytest.raises(InvalidToken):
        read_header(token)


def test_a_header_that_is_nested_too_deep_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 6000).rstrip(b"=").decode()
    with pytest.raises(InvalidToken, match="header cannot be read"):
        read_header(f"{deep}.e30.AAAA")


NOW = int(time.time())


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": -40}, "has expired"),
        ({"nbf": 3600}, "not valid yet"),
        ({"iat": 3600}, "not valid yet"),
        ({"aud": "another"}, "another audience"),
        ({"aud": ["a", "b"]}, "another audience"),
        ({"aud": None}, "lacks the claim aud"),
        ({"exp": None}, "lacks the claim exp"),
        ({"exp": "soon"}, "cannot be read"),
        ({"exp": 1e400}, "cannot be read"),
        ({"aud": {}}, "lacks the claim aud"),
    ],
    ids=str,
)
def test_the_reason_for_a_refusal_is_named(claims: dict[str, Any], reason: str) -> None:
    now = int(time.time())
    claims = {
        name: value + now if isinstance(value, int) else value for name, value in claims.items()
    }
    with pytest.raises(InvalidToken, match=reason):
        verified_claims(token_of(KEYS[HS256], **claims), KEYS[HS256], EXPECTED)


@pytest.mark.parametrize("seconds", [-20, 20])
def test_clocks_may_differ_a_little(seconds: int) -> None:
    expired = token_of(KEYS[HS256], exp=int(time.time()) - 20)
    early = token_of(KEYS[HS256], nbf=int(time.time()) + 20)
    for token in (expired, early):
        assert verified_claims(token, KEYS[HS256], EXPECTED)
        with pytest.raises(InvalidToken):
            verified_claims(token, KEYS[HS256], Expected(AUDIENCE, None, 0.0))


def test_a_provider_signs_for_its_own_issuer() -> None:
    expected = Expected(AUDIENCE, "https://login.example", 30.0)
    right = token_of(KEYS[ES256], iss="https://login.example")
    assert verified_claims(right, KEYS[ES256], expected)
    for issuer in ("https://other.example", None):
        with pytest.raises(InvalidToken, match=r"issuer|iss"):
            verified_claims(token_of(KEYS[ES256], iss=issuer), KEYS[ES256], expected)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 1e300}, "claim exp"),
        ({"exp": 10**400}, "claim exp"),
        ({"exp": -1}, "claim exp"),
        ({"sub": 5}, "claim sub"),
        ({"sub": "x" * 129}, "claim sub"),
        ({"jti": ["x"]}, "claim jti"),
        ({"scope": {"a": 1}}, "claim scope"),
        ({"scope": [1]}, "claim scope"),
        ({"prefixes": "ab"}, "claim prefixes"),
        ({"prefixes": ["a-b"]}, "claim prefixes"),
        ({"prefixes": [""]}, "claim prefixes"),
        ({"prefixes": ["a\n"]}, "claim prefixes"),
        ({"prefixes": ["a"] * 33}, "claim prefixes"),
    ],
    ids=str,
)
def test_claims_that_are_not_understood_are_refused(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidToken, match=reason):
        grant_of({"exp": 1, **claims})


def test_scopes_of_others_mean_nothing() -> None:
    assert grant_of({"exp": 1, "scope": "openid objects:read email"}).scopes == {READ}
    assert grant_of({"exp": 1, "scope": ["openid", "objects:read"]}).scopes == {READ}
    assert grant_of({"exp": 1}).scopes == frozenset()


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyJWT's is `hmac.compare_digest`; this fails when it is not any more."""
    compared = []
    real = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert verified_claims(token_of(KEYS[HS256]), KEYS[HS256], EXPECTED)
    assert compared


def test_a_token_of_another_key_with_the_same_name_is_not_this_ones() -> None:
    mine, other = make_key(HS256, 0), make_key(HS256, 0)
    token = jwt.encode(
        {"aud": AUDIENCE, "exp": NOW + 600},
        other.signing,
        algorithm=HS256,
        headers={"kid": mine.key_id},
    )
    assert verified_claims(token, mine, EXPECTED) is None
