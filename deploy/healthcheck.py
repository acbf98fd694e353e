"""The image's HEALTHCHECK: is the gateway alive?

An orchestrator ends a container that is not healthy, and a new gateway would not bring back nodes
or a Docker daemon that are away. So /livez decides, and /readyz is for a load balancer; but what it
says is printed, too: Docker keeps the last few outputs (`docker inspect`). Standard library only,
and no Django: it runs every few seconds.

With TLS, whose certificate it is does not matter: what is asked is on this machine. Where clients
have to show a certificate, this one has none, and to be told so is a sign of life.
"""

import http.client
import os
import ssl
import sys

TIMEOUT_SECONDS = 2
DECIDES = "/livez"
TELLS = "/readyz"
EVERY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104


#: RFC 8446 section 6.2, certificate_required.
WANTS_CERTIFICATE = "TLSV13_ALERT_CERTIFICATE_REQUIRED"


def connection_to(address: str) -> http.client.HTTPConnection:
    if not os.environ.get("OBJGW_TLS_CERT"):
        return http.client.HTTPConnection(address, timeout=TIMEOUT_SECONDS)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(address, timeout=TIMEOUT_SECONDS, context=context)


def is_ok(bind: str, path: str) -> bool:
    host, _, port = bind.rpartition(":")
    try:
        connection = connection_to(f"{EVERY_ADDRESS.get(host, host)}:{port}")
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        if getattr(error, "reason", None) == WANTS_CERTIFICATE:
            print(f"{path}: not told without a client's certificate; the gateway is there")
            return True
        print(f"{path}: {type(error).__name__}: {error}")
        return False
    connection.close()
    print(f"{path}: {answer.status} {body}")
    return answer.status == http.client.OK


def main() -> int:
    bind = os.environ.get("OBJGW_BIND") or "0.0.0.0:3000"
    alive = is_ok(bind, DECIDES)
    if alive:
        is_ok(bind, TELLS)
    return 0 if alive else 1


if __name__ == "__main__":
    sys.exit(main())
