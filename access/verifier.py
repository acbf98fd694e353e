"""Says what the bearer of a token, or of a signed link, may do."""

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from django.conf import settings

from access.credentials import token_in
from access.grant import Grant
from access.keyset import Key, KeySet, parse_key_set
from access.links import link_grant
from access.problems import InvalidToken, KeysUnknown
from access.provider import Provider, fetch_keys
from access.tokens import Claims, Expected, Header, grant_of, read_header, verified_claims
from access.watched import WatchedFile

_COMMENT = re.compile(r"(?:^|\s)#.*")
#: Seconds between two looks at the files.
LOOK_INTERVAL = 1.0
#: Verified tokens that are remembered. Each takes some 500 bytes, 8 KiB at the most.
REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say of tokens.

    :ivar keys_file: a JWK Set; None for none.
    :ivar keys_url: of a provider's JWK Set; "" for none.
    :ivar revoked_file: ids of tokens that count no more; None for none.
    :ivar issuer: of the provider's tokens.
    :ivar audience: that every token has to name.
    :ivar leeway: seconds by which clocks may differ.
    :ivar refresh: seconds between fetches of the provider's keys.
    """

    keys_file: Path | None
    keys_url: str
    revoked_file: Path | None
    issuer: str
    audience: str
    leeway: float
    refresh: float


def parse_revoked(data: bytes) -> frozenset[str]:
    """The ids in a list: one a line; a ``#`` at its beginning, or behind a space, begins a comment.

    :raises ValueError: when it is no text.
    """
    lines = (_COMMENT.sub("", line).strip() for line in data.decode("utf-8-sig").splitlines())
    return frozenset(line for line in lines if line)


class Verifier:
    """Verifies tokens and links by keys that may change at any time."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._file = (
            None if rules.keys_file is None else WatchedFile(rules.keys_file, parse_key_set)
        )
        self._revoked = (
            None if rules.revoked_file is None else WatchedFile(rules.revoked_file, parse_revoked)
        )
        self._provider = (
            Provider(partial(fetch_keys, rules.keys_url), rules.refresh, self._forget)
            if rules.keys_url
            else None
        )
        self._next_look = float("-inf")
        self._lock = threading.Lock()
        #: By the Authorization field.
        self._remembered: dict[str, Grant] = {}

    def start(self) -> None:
        """Get to know the keys before the first request asks for them."""
        self._look()
        if self._provider is not None:
            self._provider.start()

    def field_grant(self, field: str, *, patient: bool = True) -> Grant:
        """What the token in an Authorization field allows.

        :param patient: whether to wait for a provider that may have a new key.
        :raises InvalidToken: when there is none, or it is not accepted.
        :raises KeysUnknown: when it cannot be said whether it is.
        """
        grant = self.remembered(field)
        if grant is not None:
            return grant
        remembered = self._remembered
        grant = self.token_grant(token_in(field), patient=patient)
        if len(remembered) >= REMEMBERED:
            remembered.pop(next(iter(remembered)), None)
        # If keys changed meanwhile, there is another memory now, and this one is thrown away.
        remembered[field] = grant
        return grant

    def remembered(self, field: str) -> Grant | None:
        """The same, without a look into the field; None unless it was verified before."""
        if time.monotonic() >= self._next_look:
            self._look()
        grant = self._remembered.get(field)
        if grant is None or time.time() >= grant.expires + self._rules.leeway:
            return None
        return grant

    def token_grant(self, token: str, *, patient: bool = True) -> Grant:
        """What a token allows, verified anew.

        :param patient: see `field_grant`.
        :raises InvalidToken: see `field_grant`.
        :raises KeysUnknown: see `field_grant`.
        """
        if time.monotonic() >= self._next_look:
            self._look()
        return self._verified(token, patient=patient)

    def link_grant(self, query: str, method: str, object_id: str) -> Grant:
        """What a signed link allows; see `access.links.link_grant`."""
        self._look()
        if self._file is not None and self._file.value is None:
            raise KeysUnknown("The link cannot be verified now, because the keys cannot be read.")
        return link_grant(query, method, object_id, self._symmetric(), time.time())

    def _look(self) -> None:
        """Read again what has changed."""
        with self._lock:
            self._next_look = time.monotonic() + LOOK_INTERVAL
            changed = [each.look() for each in (self._file, self._revoked) if each is not None]
        if any(changed):
            self._forget()

    def _forget(self) -> None:
        self._remembered = {}

    def _verified(self, token: str, *, patient: bool) -> Grant:
        header, before = read_header(token), self._from_file()
        claims = self._claims(token, header)
        if claims is None:
            # Its key may have been added a moment ago.
            self._look()
            if self._from_file() is not before:
                claims = self._claims(token, header)
        if claims is None and self._provider is not None and not self._knows(header):
            claims = self._renewed(self._provider, token, header, patient=patient)
        if claims is None and self._file is not None and self._file.value is None:
            raise KeysUnknown("The token cannot be verified now, because the keys cannot be read.")
        if claims is None:
            raise InvalidToken("The token was signed with no key that is known here.")
        if self._is_revoked(claims):
            raise InvalidToken("The token was revoked.")
        return grant_of(claims)

    def _renewed(
        self, provider: Provider, token: str, header: Header, *, patient: bool
    ) -> Claims | None:
        """The claims of a token by the keys that the provider has now.

        :raises KeysUnknown: when it does not say which, or should not be waited for.
        """
        before = provider.keys
        renewed = patient and provider.renew()
        # Also when the latest fetch has failed: the one before it may have been in time.
        claims = None if provider.keys is before else self._claims(token, header)
        if claims is None and not renewed:
            raise KeysUnknown
        return claims

    def _claims(self, token: str, header: Header) -> Claims | None:
        for key, expected in self._candidates(header):
            claims = verified_claims(token, key, expected)
            if claims is not None:
                return claims
        return None

    def _knows(self, header: Header) -> bool:
        """Whether there is the key that a token names: then it was just not signed with it."""
        return header.key_id is not None and any(self._candidates(header))

    def _candidates(self, header: Header) -> Iterator[tuple[Key, Expected]]:
        rules = self._rules
        for keys, issuer in ((self._from_file(), None), (self._provided(), rules.issuer)):
            if keys is not None:
                expected = Expected(rules.audience, issuer, rules.leeway)
                for key in keys.candidates(header.key_id, header.algorithm):
                    yield key, expected

    def _from_file(self) -> KeySet | None:
        return None if self._file is None else self._file.value

    def _provided(self) -> KeySet | None:
        return None if self._provider is None else self._provider.keys

    def _symmetric(self) -> tuple[Key, ...]:
        keys = self._from_file()
        return () if keys is None else keys.symmetric

    def _is_revoked(self, claims: Claims) -> bool:
        if self._revoked is None:
            return False
        if self._revoked.value is None:
            raise KeysUnknown("The token cannot be verified now: no list of revoked ones is here.")
        return claims.get("jti") in self._revoked.value


@lru_cache(maxsize=1)
def get_verifier() -> Verifier:
    """The verifier that the settings describe, one instance a process."""
    return Verifier(
        Rules(
            keys_file=_path(settings.OBJGW_AUTH_KEYS),
            keys_url=settings.OBJGW_AUTH_JWKS_URL,
            revoked_file=_path(settings.OBJGW_AUTH_REVOKED),
            issuer=settings.OBJGW_AUTH_ISSUER,
            audience=settings.OBJGW_AUTH_AUDIENCE,
            leeway=settings.OBJGW_AUTH_LEEWAY,
            refresh=settings.OBJGW_AUTH_JWKS_REFRESH,
        )
    )


def _path(text: str) -> Path | None:
    return Path(text) if text else None
