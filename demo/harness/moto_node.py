"""moto's S3 server as a node: `python -m demo.harness.moto_node --host 127.0.0.1 --port 9000`.

What is stored lives in the memory of the process, and credentials are not checked.
"""

import logging
import sys

from moto.server import main

if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for every request
    main(sys.argv[1:])
