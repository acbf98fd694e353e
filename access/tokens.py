"""Tokens: JWTs (RFC 7519) that say what their bearer may do."""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from access.grant import Grant, is_prefix
from access.keyset import ALGORITHMS, Key
from access.problems import InvalidToken
from access.scopes import SCOPES

#: Claims of our own beside those of RFC 7519 and the ``scope`` of RFC 8693 section 4.2.
PREFIXES = "prefixes"
MOST_PREFIXES = 32
#: Who issues what `manage.py token` makes.
ISSUER = "objgw"
#: What a token's ``typ`` may be (RFC 8725 section 3.11): not that of another kind of JWT.
_TYPES = frozenset({None, "JWT", "at+jwt", "application/at+jwt"})
_PART = "[A-Za-z0-9_-]+"
_FORM = re.compile(rf"{_PART}\.{_PART}\.{_PART}", re.ASCII)
#: Characters of a subject or a token's id. Both are logged, in a line that a pipe takes as a whole.
_LONGEST = 128
#: The year 9999.
_END_OF_TIME = 253_402_300_800

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token has to say beside its signature.

    :ivar issuer: None where the key alone says who issued it.
    :ivar leeway: seconds by which clocks may differ.
    """

    audience: str
    issuer: str | None
    leeway: float


@dataclass(frozen=True, slots=True)
class Header:
    """What a token says of how it was signed.

    :ivar key_id: None where it does not say.
    """

    algorithm: str
    key_id: str | None


def read_header(token: str) -> Header:
    """What a token's header says; nothing of it is verified.

    :raises InvalidToken: when it is no JWT in the compact form, or of a kind that is not taken.
    """
    if not _FORM.fullmatch(token):
        raise InvalidToken("The token is no JWT: three parts of base64url with dots in between.")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise InvalidToken("The token is no JWT: its header cannot be read.") from error
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if algorithm not in ALGORITHMS:
        raise InvalidToken(f"The token's algorithm is none of {', '.join(ALGORITHMS)}.")
    # RFC 7515 section 4.1.11: what is critical has to be understood, and nothing is here.
    understood = isinstance(kind, str | None) and kind in _TYPES
    if "crit" in header or not understood or not isinstance(key_id, str | None):
        raise InvalidToken("The token's header asks for something that is not known here.")
    return Header(algorithm, key_id)


def verified_claims(token: str, key: Key, expected: Expected) -> Claims | None:
    """What a token says, None when this key has not signed it.

    :raises InvalidToken: when the key has, and the token is not for now, or not for here.
    """
    try:
        return jwt.decode(
            token,
            key.verifying,
            algorithms=[key.algorithm],
            audience=expected.audience,
            issuer=expected.issuer,
            leeway=expected.leeway,
            options={"require": ["exp", "aud"], "verify_iss": expected.issuer is not None},
        )
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
        return None
    except jwt.ExpiredSignatureError as error:
        raise InvalidToken("The token has expired.") from error
    except jwt.ImmatureSignatureError as error:
        raise InvalidToken("The token is not valid yet.") from error
    except jwt.InvalidAudienceError as error:
        raise InvalidToken("The token is for another audience.") from error
    except jwt.InvalidIssuerError as error:
        raise InvalidToken("The token is from another issuer.") from error
    except jwt.MissingRequiredClaimError as error:
        raise InvalidToken(f"The token lacks the claim {error.claim}.") from error
    except (jwt.PyJWTError, ValueError, OverflowError, RecursionError, TypeError) as error:
        raise InvalidToken("The token's claims cannot be read.") from error


def grant_of(claims: Claims) -> Grant:
    """What a token allows that says this.

    :raises InvalidToken: when a claim is not what it must be.
    """
    expires = claims["exp"]
    if not isinstance(expires, int | float) or not 0 <= expires < _END_OF_TIME:
        raise InvalidToken("The token's claim exp is no number of POSIX seconds.")
    return Grant(
        subject=_text(claims, "sub"),
        token_id=_text(claims, "jti"),
        scopes=frozenset(_words(claims.get("scope", ""))).intersection(SCOPES),
        prefixes=_prefixes(claims.get(PREFIXES)),
        expires=float(expires),
    )


def _text(claims: Claims, name: str) -> str:
    found = claims.get(name, "")
    if not isinstance(found, str) or len(found) > _LONGEST:
        raise InvalidToken(f"The token's claim {name} is no text of up to {_LONGEST} characters.")
    return found


def _words(scope: object) -> Iterable[str]:
    if isinstance(scope, list) and all(isinstance(each, str) for each in scope):
        return scope
    if not isinstance(scope, str):
        raise InvalidToken("The token's claim scope is no text with spaces in between.")
    return scope.split(" ")


def _prefixes(found: object) -> tuple[str, ...] | None:
    if found is None:
        return None
    if (
        not isinstance(found, list)
        or len(found) > MOST_PREFIXES
        or not all(isinstance(each, str) and is_prefix(each) for each in found)
    ):
        raise InvalidToken(
            f"The token's claim {PREFIXES} is no list of up to {MOST_PREFIXES} texts of 1 to 32 "
            "letters and digits."
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a token is to say.

    :ivar prefixes: none for any id.
    :ivar seconds: for which it is valid.
    """

    subject: str
    scopes: Sequence[str]
    prefixes: Sequence[str]
    seconds: float


def issue(wish: Wish, key: Key, audience: str, now: float) -> str:
    """A token.

    :param key: one that can sign.
    :param now: POSIX seconds.
    """
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": audience,
        "iat": int(now),
        "exp": int(now + wish.seconds),
        "jti": secrets.token_hex(16),
        "scope": " ".join(wish.scopes),
    }
    if wish.subject:
        claims["sub"] = wish.subject
    if wish.prefixes:
        claims[PREFIXES] = list(wish.prefixes)
    headers = {"kid": key.key_id} if key.key_id else None
    return jwt.encode(claims, key.signing, algorithm=key.algorithm, headers=headers)


def moment(seconds: float) -> str:
    """POSIX seconds as people write them, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
