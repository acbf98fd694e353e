"""The image's HEALTHCHECK: is the gateway alive, and is it ready?

Docker keeps the last few outputs (`docker inspect`), so the bodies are printed: /readyz says what
is missing. Standard library only, and no Django: it runs every few seconds.
"""

import http.client
import os
import sys

TIMEOUT_SECONDS = 2
PATHS = ("/livez", "/readyz")
EVERY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104


def is_ok(bind: str, path: str) -> bool:
    host, _, port = bind.rpartition(":")
    try:
        connection = http.client.HTTPConnection(
            f"{EVERY_ADDRESS.get(host, host)}:{port}", timeout=TIMEOUT_SECONDS
        )
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        print(f"{path}: {type(error).__name__}: {error}")
        return False
    connection.close()
    print(f"{path}: {answer.status} {body}")
    return answer.status == http.client.OK


def main() -> int:
    bind = os.environ.get("OBJGW_BIND") or "0.0.0.0:3000"
    return 0 if all(is_ok(bind, path) for path in PATHS) else 1


if __name__ == "__main__":
    sys.exit(main())
