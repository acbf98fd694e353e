"""System checks: whether these keys and settings can verify tokens; a warning if there are none."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import ERROR, WARNING, CheckMessage, Tags, register

from access.warning import OPEN, SERVES
from access.watched import Unreadable, read_file

_ANYBODY = 0o077


@register()
def keys(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    """The files can be read, and what has to go together does."""
    return [
        *(CheckMessage(level, text, id="objgw.E012") for level, text in _wrong()),
        *(CheckMessage(WARNING, text, id="objgw.W012") for text in _doubtful()),
    ]


@register(Tags.security, deploy=True)
def closed(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    """Somebody has to have a token."""
    return [] if settings.OBJGW_AUTH else [CheckMessage(WARNING, OPEN, id="objgw.W013")]


def _is_for_another_user(text: str) -> bool:
    """Whether a file is there that root cannot read: in a container without capabilities, where
    `exec` runs commands as root and the gateway is somebody else. Few commands need it.
    """
    path = Path(text)
    return os.geteuid() == 0 and path.exists() and not os.access(path, os.R_OK)


def _wrong() -> Iterator[tuple[int, str]]:
    # What the files said last counts in the other workers, and the log says what is wrong.
    of_files = WARNING if os.environ.get(SERVES) else ERROR
    yield from ((of_files, text) for text in _wrong_files())
    if settings.OBJGW_AUTH_REVOKED and not settings.OBJGW_AUTH:
        yield (
            ERROR,
            "OBJGW_AUTH_REVOKED means nothing without OBJGW_AUTH_KEYS or OBJGW_AUTH_JWKS_URL.",
        )
    if settings.OBJGW_AUTH_JWKS_URL and not settings.OBJGW_AUTH_ISSUER:
        yield (
            ERROR,
            (
                "OBJGW_AUTH_JWKS_URL needs OBJGW_AUTH_ISSUER, the iss of the provider's tokens, "
                "for its keys may sign tokens of others, too."
            ),
        )
    if settings.OBJGW_AUTH_ISSUER and not settings.OBJGW_AUTH_JWKS_URL:
        yield ERROR, "OBJGW_AUTH_ISSUER means nothing without OBJGW_AUTH_JWKS_URL."


def _wrong_files() -> Iterator[str]:
    if _is_for_another_user(settings.OBJGW_AUTH_KEYS):
        return
    if settings.OBJGW_AUTH_KEYS and (problem := _key_set_problem(settings.OBJGW_AUTH_KEYS)):
        yield f"OBJGW_AUTH_KEYS: {problem}. manage.py authkeys make writes a set of keys."
    if settings.OBJGW_AUTH_REVOKED:
        from access.verifier import parse_revoked

        try:
            parse_revoked(read_file(Path(settings.OBJGW_AUTH_REVOKED)))
        except (Unreadable, ValueError) as error:
            yield f"OBJGW_AUTH_REVOKED: {error}. An empty file will do."


def _key_set_problem(text: str) -> str | None:
    from access.keyset import InvalidKeySet, parse_key_set

    try:
        parse_key_set(read_file(Path(text)))
    except Unreadable as error:
        return str(error)
    except InvalidKeySet as error:
        return f"{text}: {error}"
    return None


def _doubtful() -> Iterator[str]:
    path = settings.OBJGW_AUTH_KEYS
    try:
        mode = Path(path).stat().st_mode if path else 0
    except OSError:
        return
    if mode & _ANYBODY:
        yield (
            f"OBJGW_AUTH_KEYS: {path} may be read by others than its owner, and whoever has its "
            "keys can issue tokens: chmod 600."
        )
