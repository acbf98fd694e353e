"""Django's debug pages, without a credential of any node.

They show settings, the request's environment (under ``runserver`` the process environment, too),
exceptions, and the local variables of every frame. Credentials are looked for by name, by form and
by value, because each alone misses some: a local variable may have any name, a setting may be one
that could not be read, and keys that are just being discovered are in no snapshot yet.
"""

import html
import re
from collections.abc import ItemsView
from types import FrameType
from typing import Any
from urllib.parse import quote, unquote

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from nodes.membership import CACHE_KEY, Snapshot

_HIDDEN = SafeExceptionReporterFilter.cleansed_substitute
_NAMES = r"API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|CREDENTIAL|ROOT_USER|OBJGW_NODES"
_QUOTE = r"(?:['\"]|&#x27;|&quot;)"
#: What looks like a credential, whoever's it is; the first group stays.
_FORMS = (
    # http://key:secret@host
    re.compile(r"(://)[^\s/@'\"]+:[^\s@'\"]*(?=@)"),
    # MINIO_ROOT_USER=key, 'MINIO_ROOT_PASSWORD': 'secret', and the same in HTML
    re.compile(
        rf"(\b[A-Z0-9_]*(?:{_NAMES})[A-Z0-9_]*{_QUOTE}?\s*[=:]\s*)"
        rf"(?:{_QUOTE}.*?{_QUOTE}|[^\s,'\"&<>]+)"
    ),
    # AWS4-HMAC-SHA256 Credential=key/…, Signature=…; in presigned URLs X-Amz-Credential=…
    re.compile(r"((?:Credential|[Ss]ignature)=)[^\s,&'\"]+"),
    re.compile(r"(\b[Bb]asic )[A-Za-z0-9+/]{8,}=*"),
    # A JWT: the header begins with {" always.
    re.compile(r"()\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),
)
_IN_URL = re.compile(r"://([^\s/@:]+):([^\s@]+)@")
#: A shorter one is hidden where it stands alone only: "ring" is a part of many words.
_LONG = 8


class _Shown:
    """A text in place of a value: what is printed is the text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


class CredentialFilter(SafeExceptionReporterFilter):
    """Hides credentials in settings, in the request's environment and in local variables."""

    hidden_settings = re.compile(_NAMES, re.IGNORECASE)

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        cleansed = super().cleanse_setting(key, value)
        if isinstance(cleansed, (str, bytes)):
            return without_credentials(cleansed if isinstance(cleansed, str) else repr(cleansed))
        return cleansed

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        found = super().get_traceback_frame_variables(request, tb_frame)
        return {name: self._cleansed(name, value) for name, value in found}.items()

    def _cleansed(self, name: str, value: Any) -> Any:
        if self.hidden_settings.search(name):
            return _HIDDEN
        try:
            text = repr(self.cleanse_setting(name, value))
        except Exception as error:  # noqa: BLE001  (it is somebody else's `__repr__`)
            return _Shown(f"<its repr raises {type(error).__name__}>")
        # Always the text: to print it anew, in lines, could tear a credential in two.
        return _Shown(without_credentials(text))


class Reporter(ExceptionReporter):
    """Hides what is left: in messages of exceptions, in lines of code."""

    def get_traceback_html(self) -> SafeString:
        return SafeString(without_credentials(super().get_traceback_html()))

    def get_traceback_text(self) -> SafeString:
        return SafeString(without_credentials(super().get_traceback_text()))


def without_credentials(text: str) -> str:
    """The text with stars in place of every credential."""
    for form in _FORMS:
        text = form.sub(rf"\g<1>{_HIDDEN}", text)
    for value in sorted(_known(), key=len, reverse=True):
        pattern = re.escape(value)
        if len(value) < _LONG:
            pattern = rf"(?:(?<!\w)|(?<=\\[nrt])){pattern}(?!\w)"
        text = re.sub(pattern, _HIDDEN, text)
    return text


def _known() -> set[str]:
    """The credentials of the static list and of the last snapshot, in every way of writing."""
    written = {part for pair in _IN_URL.findall(settings.OBJGW_NODES) for part in pair}
    plain = written | {unquote(part) for part in written}
    snapshot = cache.get(CACHE_KEY)
    if isinstance(snapshot, Snapshot):
        pairs = [node.credentials for node in snapshot.nodes if node.credentials is not None]
        plain |= {part for pair in pairs for part in (pair.access_key, pair.secret_key)}
    ways = plain | {quote(part, safe="") for part in plain}
    # In a text, in bytes, and in the repr of what holds one of them.
    for _ in range(2):
        ways |= {repr(way)[1:-1] for way in ways} | {repr(way.encode())[2:-1] for way in ways}
        ways |= {way.replace("'", "\\'") for way in ways}
    return (ways | {html.escape(way) for way in ways}) - {""}
