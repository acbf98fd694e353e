"""What access costs a gateway that asks nobody for a token."""

import os
import subprocess
import sys

PROGRAM = """
import sys
import objgw_site.wsgi
from django.core.management import call_command
call_command("check")
print(sorted({"jwt", "cryptography", "access.verifier"} & set(sys.modules)))
"""


def test_nothing_that_verifies_tokens_is_loaded() -> None:
    environment = {name: text for name, text in os.environ.items() if name[:5] != "OBJGW"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment | {"OBJGW_DISCOVERY": "static", "OBJGW_NODES": "http://a:b@127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
