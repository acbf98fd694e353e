"""To which stage of a request a sampled stack belongs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from demo.harness.children import PROJECT_ROOT

# The first that a frame's file begins with decides. A frame of none of them, of the standard
# library for one, belongs to the stage of its caller.
_STAGES = (
    ("objects/store/signing", "signing"),
    ("minio/", "signing"),
    ("objects/store/payload", "streaming"),
    ("objects/store/spool", "streaming"),
    ("objects/store/", "S3 client"),
    ("httptools", "S3 client"),
    ("objects/routing", "routing"),
    ("objects/service", "routing"),
    ("nodes/", "routing"),
    ("objects/http/body", "streaming"),
    ("objects/", "view"),
    ("problems/", "middleware"),
    ("objgw_site/middleware", "middleware"),
    ("whitenoise/", "middleware"),
    ("objgw_site/server", "worker"),
    ("gunicorn/", "gunicorn"),
    ("rest_framework/", "DRF"),
    ("django/", "Django"),
    ("gevent/", "gevent"),
)
# What a socket costs is gevent's and the kernel's, whoever asks; which peer it is, the caller says.
_PEERS = {"S3 client": "socket to the node"}
_CLIENT = "socket to the client"


@dataclass(frozen=True, slots=True)
class Frame:
    """One function in a stack.

    :ivar file: from its package on.
    """

    file: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "Frame":
        file, _, name = text.partition("|")
        return cls(_from_package(file), name)

    @property
    def stage(self) -> str | None:
        """The stage that the file stands for, None for one that serves its caller."""
        return next((stage for part, stage in _STAGES if self.file.startswith(part)), None)


def _from_package(file: str) -> str:
    for folder in ("/site-packages/", f"{PROJECT_ROOT}/", "/python3."):
        _, found, rest = file.rpartition(folder)
        if found:
            return rest if folder != "/python3." else rest.partition("/")[2]
    return file


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples by stage and by function.

    :ivar functions: by ``file name``, only those samples in which it was at the top.
    :ivar inclusive: the same, of all samples in which it was anywhere.
    """

    stages: Counter[str]
    functions: Counter[str]
    inclusive: Counter[str]

    @property
    def total(self) -> int:
        return self.stages.total()


def stage_of(stack: Sequence[Frame]) -> str:
    """The stage of a stack whose last frame is the one that runs."""
    stages = [stage for frame in stack if (stage := frame.stage) is not None]
    if not stages:
        return "other"
    if stages[-1] != "gevent":
        return stages[-1]
    caller = next((stage for stage in reversed(stages) if stage != "gevent"), None)
    if caller is None or not any("_socket" in frame.file for frame in stack):
        return "gevent"
    return _PEERS.get(caller, _CLIENT)


def collect(lines: Iterable[str]) -> Samples:
    """Sort collapsed stacks, each ``frame;frame;frame count``."""
    samples = Samples(Counter(), Counter(), Counter())
    for line in lines:
        stack_text, _, count_text = line.strip().rpartition(" ")
        if not count_text.isdecimal():
            continue
        count = int(count_text)
        stack = [Frame.parse(text) for text in stack_text.split(";")]
        samples.stages[stage_of(stack)] += count
        names = [f"{frame.file} {frame.name}" for frame in stack]
        samples.functions[names[-1]] += count
        samples.inclusive.update(dict.fromkeys(names, count))
    return samples
