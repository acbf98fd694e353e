"""Keys and tokens for tests."""

import time
from typing import Any

import jwt

from access.keyset import HS256, Key, make_key

AUDIENCE = "objgw"


#: Seconds. Some tokens are made when the tests are collected, and last until the end of the run.
LASTING = 24 * 3600


def token_of(key: Key, **claims: Any) -> str:
    """A token that says this beside what each has to say; a claim that is None is left out."""
    now = time.time()
    all_claims = {
        "aud": AUDIENCE,
        "exp": int(now + LASTING),
        "sub": "alice",
        "jti": "the-id",
    } | claims
    return jwt.encode(
        {name: value for name, value in all_claims.items() if value is not None},
        key.signing,
        algorithm=key.algorithm,
        headers={"kid": key.key_id},
    )


def new_key(algorithm: str = HS256) -> Key:
    return make_key(algorithm, time.time())
