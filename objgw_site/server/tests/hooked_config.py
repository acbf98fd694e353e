"""The gateway's own gunicorn configuration, with the hooks that a user may add to it."""

from typing import Any

from objgw_site.server import config as production

# gunicorn takes each variable of this module for a setting.
globals().update(
    {name: value for name, value in vars(production).items() if not name.startswith("_")}
)


def pre_request(worker: Any, req: Any) -> None:
    if req.path == "/forbidden":
        raise RuntimeError("not this one")
    worker.log.info("hook: before %s %s", req.method, req.path)


def post_request(worker: Any, req: Any, environ: dict[str, Any], resp: Any) -> None:
    status = resp.status if resp is not None else "no answer"
    worker.log.info("hook: behind %s: %s", environ.get("PATH_INFO", req.path), status)
    if req.path == "/refuse":
        raise RuntimeError("a hook that fails")
