"""How much memory the gateway's worker processes have come to use, as the kernel counts it."""

import json
from typing import TypeAlias

from tests.docker.fleet import USER_ID, GatewayContainer

Kilobytes: TypeAlias = int

# Runs in the container, as the workers' own user: that alone may reset their high-water marks.
# `argument` is "reset" or "read". The first process is gunicorn's master, which serves nobody.
SCRIPT = """
import json, pathlib, sys
[argument] = sys.argv[1:]
found = {}
for process in pathlib.Path("/proc").glob("[0-9]*"):
    status = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines()
    )
    if status["PPid"].strip() != "1":
        continue
    if argument == "reset":
        (process / "clear_refs").write_text("5")
    found[process.name] = int(status["VmRSS" if argument == "reset" else "VmHWM"].split()[0])
print(json.dumps(found))
"""


def _ask(gateway: GatewayContainer, argument: str) -> dict[str, Kilobytes]:
    execution = gateway.execute("python", "-c", SCRIPT, argument, user=USER_ID)
    assert execution.status == 0, execution.output
    found: dict[str, Kilobytes] = json.loads(execution.output)
    return found


def reset_peaks(gateway: GatewayContainer) -> dict[str, Kilobytes]:
    """Forget the workers' peaks; what each uses now, by process id."""
    return _ask(gateway, "reset")


def peaks(gateway: GatewayContainer) -> dict[str, Kilobytes]:
    """The most that each worker has used since its peak was forgotten."""
    return _ask(gateway, "read")
