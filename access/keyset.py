"""Sets of keys (RFC 7517): read, made and written. Each key is bound to its one algorithm."""

import json
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

logger = logging.getLogger("objgw.access")

HS256, RS256, ES256, EDDSA = "HS256", "RS256", "ES256", "EdDSA"
ALGORITHMS = (HS256, RS256, ES256, EDDSA)

#: The one algorithm of a type of keys, where the key does not say; the curve of an EC key counts.
_TYPES = {("oct", ""): HS256, ("RSA", ""): RS256, ("EC", "P-256"): ES256, ("OKP", "Ed25519"): EDDSA}
#: Members of a JWK that are secret (RFC 7518 section 6).
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
#: RFC 7518 sections 3.2 and 3.3.
_LEAST_SECRET_BYTES, _LEAST_RSA_BITS = 32, 2048
#: A set is searched for each token whose key is not named.
MOST_KEYS = 64

Jwk = dict[str, Any]


class InvalidKeySet(ValueError):
    """It is no set of keys that could be worked with; the text says why."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    :ivar key_id: its ``kid``.
    :ivar verifying: for PyJWT; bound to the algorithm.
    :ivar jwk: as it stands in the set, with what is secret.
    """

    key_id: str
    algorithm: str
    verifying: jwt.PyJWK = field(repr=False, compare=False)
    jwk: Jwk = field(repr=False)

    @property
    def can_sign(self) -> bool:
        """Whether the private part is there, or the secret."""
        return "d" in self.jwk or "k" in self.jwk

    @property
    def secret(self) -> bytes:
        """What a symmetric key consists of."""
        secret: bytes = self.verifying.key
        return secret

    @property
    def signing(self) -> Any:
        """For PyJWT, to sign with."""
        return jwt.PyJWK(self.jwk, self.algorithm).key

    @property
    def made(self) -> int | None:
        """POSIX seconds; None where the set does not say."""
        made = self.jwk.get("iat")
        return made if isinstance(made, int) else None


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys in the order of the set; the last one is the newest."""

    keys: tuple[Key, ...]

    def candidates(self, key_id: str | None, algorithm: str) -> Iterator[Key]:
        """The keys that may have signed a token which says this of itself."""
        for key in self.keys:
            if key.algorithm == algorithm and key_id in (None, key.key_id):
                yield key

    @property
    def symmetric(self) -> tuple[Key, ...]:
        """Those that links are signed with."""
        return tuple(key for key in self.keys if key.algorithm == HS256)

    @property
    def newest(self) -> Key | None:
        """The newest that can sign."""
        return next((key for key in reversed(self.keys) if key.can_sign), None)

    def document(self) -> bytes:
        """The set with what is secret, as it is kept in a file."""
        return _encoded([key.jwk for key in self.keys])

    def public_document(self) -> bytes:
        """The set without symmetric keys and private parts, for everybody."""
        return _encoded([_public(key.jwk) for key in self.keys if key.algorithm != HS256])


def parse_key_set(text: str | bytes, *, public: bool = False) -> KeySet:
    """Read a set.

    Keys of other types, and for other uses than signatures, are passed over (RFC 7517 section 5).

    :param public: it comes from where everybody may read it, so nothing in it is a secret:
        symmetric keys are ignored, and so are broken or weak ones, because only their owner can
        mend those.
    :raises InvalidKeySet: naming what is wrong.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidKeySet(f"it is no JSON: {error}") from error
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not all(isinstance(each, dict) for each in keys):
        raise InvalidKeySet('it is no JWK Set, which is an object with a list of "keys" (RFC 7517)')
    if len(keys) > MOST_KEYS:
        raise InvalidKeySet(f"it has {len(keys)} keys, and {MOST_KEYS} are the most")
    read = _key_or_none if public else _key
    found = [key for place, jwk in enumerate(keys, 1) if (key := read(jwk, place, public=public))]
    if not found:
        raise InvalidKeySet(f"none of its {len(keys)} keys is for {', '.join(ALGORITHMS)}")
    names = [key.key_id for key in found if key.key_id]
    # A name may be that of several keys of different types (RFC 7517 section 4.5).
    if not public and len(set(names)) < len(names):
        raise InvalidKeySet("two of its keys have the same kid")
    return KeySet(tuple(found))


def _key(jwk: Jwk, place: int, *, public: bool) -> Key | None:
    kty, curve = jwk.get("kty"), jwk.get("crv", "")
    algorithm = _TYPES.get((str(kty), str(curve)))
    if algorithm is None or jwk.get("alg", algorithm) != algorithm or not _is_for_signing(jwk):
        return None
    if public and algorithm == HS256:
        return None
    key_id = jwk.get("kid", "")
    if not isinstance(key_id, str):
        raise InvalidKeySet(f"the kid of key {place} is no text")
    try:
        verifying = jwt.PyJWK(_public(jwk), algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise InvalidKeySet(f"key {place} cannot be read: {_reason(error, jwk)}") from error
    _refuse_weak(verifying, algorithm, place)
    return Key(key_id, algorithm, verifying, jwk)


def _key_or_none(jwk: Jwk, place: int, *, public: bool) -> Key | None:
    try:
        return _key(jwk, place, public=public)
    except InvalidKeySet as error:
        logger.warning("a key of the identity provider is passed over: %s", error)
        return None


def _reason(error: Exception, jwk: Jwk) -> str:
    """Without the key, which some messages show."""
    text = str(error)
    return (
        type(error).__name__
        if any(str(jwk[name]) in text for name in _PRIVATE & set(jwk))
        else text
    )


def _is_for_signing(jwk: Jwk) -> bool:
    operations = jwk.get("key_ops")
    allowed = not isinstance(operations, list) or bool(
        {"verify", "sign"} & set(map(str, operations))
    )
    return jwk.get("use", "sig") == "sig" and allowed


def _public(jwk: Jwk) -> Jwk:
    secret = _PRIVATE if jwk.get("kty") != "oct" else frozenset()
    return {name: value for name, value in jwk.items() if name not in secret}


def _refuse_weak(verifying: jwt.PyJWK, algorithm: str, place: int) -> None:
    key: Any = verifying.key
    if algorithm == HS256 and len(key) < _LEAST_SECRET_BYTES:
        raise InvalidKeySet(
            f"key {place} has {len(key)} bytes, and {_LEAST_SECRET_BYTES} are the least for "
            f"{HS256} (RFC 7518 section 3.2)"
        )
    if algorithm == RS256 and key.key_size < _LEAST_RSA_BITS:
        raise InvalidKeySet(
            f"key {place} has {key.key_size} bits, and {_LEAST_RSA_BITS} are the least for {RS256} "
            "(RFC 7518 section 3.3)"
        )


def _encoded(keys: list[Jwk]) -> bytes:
    return json.dumps({"keys": keys}, indent=2).encode() + b"\n"


def _secret() -> Mapping[str, Any]:
    encoded = jwt.utils.base64url_encode(secrets.token_bytes(_LEAST_SECRET_BYTES))
    return {"kty": "oct", "k": encoded.decode()}


def _rsa() -> Mapping[str, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    return RSAAlgorithm.to_jwk(key, as_dict=True)


def _ec() -> Mapping[str, Any]:
    return ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)


def _ed25519() -> Mapping[str, Any]:
    return OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate(), as_dict=True)


_MAKERS: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    HS256: _secret,
    RS256: _rsa,
    ES256: _ec,
    EDDSA: _ed25519,
}


def make_key(algorithm: str, now: float) -> Key:
    """A new key with a name of its own.

    :param algorithm: one of `ALGORITHMS`.
    :param now: POSIX seconds, which the key tells as the time when it was made.
    """
    material = {name: value for name, value in _MAKERS[algorithm]().items() if name != "key_ops"}
    jwk = {
        **material,
        "kid": secrets.token_hex(8),
        "alg": algorithm,
        "use": "sig",
        "iat": int(now),
    }
    key = _key(jwk, 1, public=False)
    assert key is not None, "it was made as it is read"  # noqa: S101  (for mypy)
    return key
