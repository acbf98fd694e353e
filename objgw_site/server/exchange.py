"""One request and its answer: the application's environment, and sending what it returns."""

from typing import Any
from urllib.parse import urlsplit

from objgw_site.server.body import Input
from objgw_site.server.head import Request
from objgw_site.server.internals import create, errors, take_expectation
from objgw_site.server.response import GatewayResponse


def begin(
    req: Request, sock: Any, addr: Any, listener_name: Any, cfg: Any
) -> tuple[GatewayResponse, dict[str, Any]]:
    """The response to fill, and the WSGI environment of a request (PEP 3333).

    The environment is gunicorn's, but for three things: the body is an `Input`, a target in
    absolute form says which host is meant, and header fields with an underscore, which would look
    like others with a hyphen, are left out and named in ``objgw.dropped_headers``.

    :raises InvalidHeader: when Host is missing.
    """
    expects = take_expectation(req)
    if req.version >= (1, 1) and not any(name == "HOST" for name, _ in req.headers):
        # RFC 9112 section 3.2.
        raise errors.InvalidHeader("HOST is missing", req=req)
    dropped = [name for name, _ in req.headers if "_" in name]
    if dropped:
        req.headers = [(name, value) for name, value in req.headers if "_" not in name]
    resp, environ = create(req, sock, addr, listener_name, cfg, response_class=GatewayResponse)
    if req.uri[0] != "/" and "://" in req.uri:
        # RFC 9112 section 3.2.2: what the target says counts, not the Host field.
        environ["HTTP_HOST"] = urlsplit(req.uri).netloc
    environ["wsgi.input"] = Input(req.body, sock, expects=expects)
    environ["wsgi.multithread"] = True
    if dropped:
        environ["objgw.dropped_headers"] = dropped
    return resp, environ


def respond(application: Any, resp: GatewayResponse, environ: dict[str, Any], log: Any) -> None:
    """Let the application answer, and send what it gives.

    :raises StopIteration: when it fails and its answer has begun: the connection is to be ended, so
        that the client sees that the answer is not whole.
    """
    chunks = application(environ, resp.start_response)
    try:
        for chunk in chunks:
            resp.write(chunk)
        resp.close()
    except OSError:
        raise
    except Exception as error:
        if not resp.headers_sent:
            raise
        # It is too late for a 500.
        log.exception("a response broke off")
        raise StopIteration from error
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
