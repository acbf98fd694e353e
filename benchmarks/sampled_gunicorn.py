"""The gateway's own gunicorn configuration, with workers that sample themselves."""

import os
from pathlib import Path

from benchmarks import sampler
from objgw_site.server import config as production

#: The environment variable that names the folder for the samples.
FOLDER = "BENCHMARK_SAMPLES"


# gunicorn takes each variable of this module for a setting.
globals().update(
    {name: value for name, value in vars(production).items() if not name.startswith("_")}
)


def post_worker_init(worker: object) -> None:
    production.post_worker_init(worker)
    sampler.start()


def worker_exit(_server: object, _worker: object) -> None:
    sampler.write(Path(os.environ[FOLDER], f"{os.getpid()}.txt"))
