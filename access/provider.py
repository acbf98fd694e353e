"""The keys of an identity provider, by the URL of its JWK Set (OpenID Connect Discovery 1.0,
``jwks_uri``): fetched in the background, and kept while it is away.
"""

import logging
import os
import threading
import time
from collections.abc import Callable

import requests
from urllib3.exceptions import HTTPError

from access.keyset import InvalidKeySet, KeySet, parse_key_set

logger = logging.getLogger("objgw.access")

#: Seconds that a fetch may take in all, and between the ends and the beginnings of fetches.
TIMEOUT = 5.0
LEAST_PAUSE = 1.0
#: Seconds until a fetch that failed is tried again without being asked for.
_RETRY = 5.0
#: Seconds for which a request waits for a key that is not known yet, and how many may wait.
PATIENCE = 2 * TIMEOUT + LEAST_PAUSE
MOST_WAITING = 64
_LARGEST = 2**20


class FetchFailed(Exception):
    """The provider did not give its keys; the text says why."""


def fetch_keys(url: str) -> KeySet:
    """Fetch a set, within `TIMEOUT` seconds.

    :raises FetchFailed: when there is none to be had.
    """
    deadline = time.monotonic() + TIMEOUT
    body = b""
    try:
        with requests.Session() as session:
            # Nobody in between: a proxy is for what is elsewhere.
            session.trust_env = not url.startswith("http:")
            response = session.get(
                url,
                headers={
                    "Accept": "application/jwk-set+json, application/json",
                    "Accept-Encoding": "identity",
                },
                timeout=TIMEOUT,
                stream=True,
                allow_redirects=False,
            )
            if response.status_code != requests.codes.ok:
                raise FetchFailed(f"it answers {response.status_code}")
            # What has come, and not until a piece is full.
            while piece := response.raw.read1(16 * 1024):
                body += piece
                if len(body) > _LARGEST or time.monotonic() > deadline:
                    raise FetchFailed("its answer is too long, or takes too long")
    except (requests.RequestException, HTTPError, OSError) as error:
        # An OSError is a bundle of CAs that cannot be read.
        raise FetchFailed(f"it does not answer: {type(error).__name__}") from error
    try:
        return parse_key_set(body, public=True)
    except InvalidKeySet as error:
        raise FetchFailed(f"what it answers is of no use: {error}") from error


class Provider:
    """Keeps the keys of a provider.

    :param interval: seconds from one fetch to the next.
    :param fetch: gives the keys, or raises `FetchFailed`.
    :param changed: called when there are others.
    """

    def __init__(
        self, fetch: Callable[[], KeySet], interval: float, changed: Callable[[], None]
    ) -> None:
        self._fetch = fetch
        self._interval = interval
        self._changed = changed
        self._pid: int | None = None
        self._start_lock = threading.Lock()
        self._begun = self._ended = 0
        self._waiting = 0
        self._wanted = threading.Event()
        self._news = threading.Condition()
        #: None until they were fetched for the first time.
        self.keys: KeySet | None = None
        self._failure: str | None = "it was not asked yet"

    def start(self) -> None:
        """Fetch in the background from now on, once in each process."""
        if self._pid == os.getpid():
            return
        with self._start_lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                threading.Thread(target=self._fetch_forever, daemon=True).start()

    def renew(self) -> bool:
        """Wait for a fetch that begins now or later, because a key may be new.

        Fetches begin a second apart at the least, whoever asks.

        :return: whether the keys are those that the provider has.
        """
        self.start()
        with self._news:
            if self._waiting >= MOST_WAITING:
                return False
            self._waiting += 1
            try:
                awaited = self._begun + 1
                self._wanted.set()
                done = self._news.wait_for(lambda: self._ended >= awaited, PATIENCE)
            finally:
                self._waiting -= 1
            return done and self._failure is None

    def _fetch_forever(self) -> None:
        while True:
            self._wanted.clear()
            with self._news:
                self._begun += 1
            self._fetch_once()
            with self._news:
                self._ended = self._begun
                self._news.notify_all()
            # Not a wait for something: the bound on how often anybody can make it ask.
            time.sleep(LEAST_PAUSE)
            self._wanted.wait(self._interval if self._failure is None else _RETRY)

    def _fetch_once(self) -> None:
        try:
            keys = self._fetch()
        except Exception as error:  # the thread has to live, whatever a library raises
            if not isinstance(error, FetchFailed):
                logger.exception("keys are not fetched, in a way that should not be")
            if self._failure != str(error):
                kept = "" if self.keys is None else "; its last keys go on to count"
                logger.warning("the identity provider gives no keys: %s%s", error, kept)
            self._failure = str(error)
            return
        if self._failure is not None:
            logger.info("the identity provider gave %d keys", len(keys.keys))
        self._failure = None
        if self.keys is None or keys.public_document() != self.keys.public_document():
            self.keys = keys
            self._changed()
