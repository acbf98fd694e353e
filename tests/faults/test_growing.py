"""The layout changes again and again under load, and no client sees a wrong answer."""

import os
import random
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from demo.harness.s3nodes import MinioServer, NodeProcess
from objects.layout import Layout, State
from tests.faults.checker import Report
from tests.faults.growing import LEASE, Applying, Growing, Trial, running
from tests.faults.table import SHORT, Outcome
from tests.support.waiting import eventually

pytestmark = [pytest.mark.faults, pytest.mark.minio, pytest.mark.timeout(3000)]

#: How many objects; a quarter of them come and go.
OBJECTS = int(os.environ.get("OBJGW_FAULTS_OBJECTS") or (350 if SHORT else 20_000))
PASSING = OBJECTS // 4
LASTING = OBJECTS - PASSING
#: How often `apply` is killed in each change, at random moments.
KILLS = (1, 0, 1, 0) if SHORT else (3, 2, 3, 2)
#: Seconds for which 20,000 objects may move, beside clients, on a machine of two processors.
PATIENCE = 1200.0


@dataclass
class Mischief:
    """Brings a change about, and does harm to it."""

    cluster: Growing
    random: random.Random
    report: Report
    notes: list[str] = field(default_factory=list)

    def change(self, *arguments: str, kills: int, stopping: NodeProcess | None = None) -> None:
        """`layout apply`, killed so often; a node is stopped while objects move."""
        began = time.monotonic()
        if stopping is not None:
            # First, for nothing may be left to move once it has been killed and started again.
            process = self.cluster.applying(*arguments)
            self._stopped(process, stopping)
            process.kill()
            self.report.faults["apply killed (a node came back)"] += 1
        for left in reversed(range(kills)):
            self._killed(self.cluster.applying(*self._rest(arguments)), last=left == 0)
        process = self.cluster.applying(*self._rest(arguments))
        if kills or stopping is None:
            self._restart_a_gateway()
        said = process.finished(PATIENCE)
        assert self.cluster.layout().state is State.STABLE, said
        self.notes.append(f"{' '.join(arguments)}: {time.monotonic() - began:.0f} s")

    def _rest(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        """What to ask for when this was asked for before and may have begun, or be done."""
        layout = self.cluster.layout()
        if layout.state is not State.STABLE:
            return ()
        return () if self._is_done(layout, arguments) else arguments

    def _is_done(self, layout: Layout, arguments: tuple[str, ...]) -> bool:
        members = {member.name: member.weight for member in layout.members}
        option, value = arguments
        if option == "--weight":
            name, _, weight = value.partition("=")
            return members[name] == float(weight)
        return {
            "--add": value in members,
            "--remove": value not in members,
            "--router": layout.router == value,
        }[option]

    def _killed(self, process: Applying, *, last: bool) -> None:
        """Kill it at some moment of some state that is still to come.

        :param last: of this change: before that, objects have to be left to move.
        """
        ahead = ["to move", "switching", "moving", "moving"]
        now = self.cluster.layout().state
        if now in (State.MOVING, State.SETTLING, State.CLEANING):
            ahead.remove("switching")
        if last:
            ahead.append("settling")
        state = self.random.choice(ahead)
        eventually(
            lambda: state in process.logged() or not process.running, f"it is {state}", PATIENCE
        )
        until = time.monotonic() + self.random.uniform(0, LEASE + 1)
        while process.running and time.monotonic() < until:
            time.sleep(0.05)
        if process.running:
            self.report.faults[f"apply killed ({self._doing(process)})"] += 1
        process.kill()

    def _doing(self, process: Applying) -> str:
        lines = [line for line in process.logged().splitlines() if line.startswith("layout ")]
        return lines[-1].split(":")[1].split(",")[0].strip() if lines else "starting"

    def _stopped(self, process: Applying, node: NodeProcess) -> None:
        eventually(lambda: "moving" in process.logged() or not process.running, "objects move", 60)
        node.stop()
        self.report.faults["node stopped"] += 1
        eventually(
            lambda: "waiting: " in process.logged() and node.node.name in _waits(process),
            f"apply says that it waits for {node.node.name}",
            60,
        )
        node.start(timeout=60)

    def _restart_a_gateway(self) -> None:
        gateway = self.random.choice(self.cluster.gateways)
        gateway.kill()
        self.report.faults["gateway killed"] += 1
        time.sleep(self.random.uniform(0, 1))
        gateway.start(timeout=60)


def _waits(process: Applying) -> str:
    waits = [line for line in process.logged().splitlines() if line.startswith("waiting: ")]
    return "\n".join(waits)


def test_growing(minio: MinioServer, tmp_path: Path, outcome: Outcome) -> None:
    """Nodes join and leave, the router and a weight change, under load"""
    seed = int(os.environ.get("OBJGW_FAULTS_SEED") or secrets.randbelow(2**32))
    report = Report(seed)
    with running(tmp_path, minio, 4, first=3) as cluster:
        first, second, _, fourth = cluster.nodes
        trial = Trial(
            cluster,
            report,
            [f"lasting{number}" for number in range(LASTING)],
            [f"passing{number}" for number in range(PASSING)],
        )
        mischief = Mischief(cluster, random.Random(seed), report)
        try:
            trial.preload()
            trial.begin()
            cluster.announce(fourth.node.name)
            mischief.change("--add", fourth.node.name, kills=KILLS[0])
            mischief.change("--router", "rendezvous", kills=KILLS[1], stopping=second)
            mischief.change("--remove", first.node.name, kills=KILLS[2])
            mischief.change("--weight", f"{fourth.node.name}=2", kills=KILLS[3])
        finally:
            trial.end()
        trial.judge()
    print(*report.lines(), *mischief.notes, sep="\n")
    outcome.saw(
        f"seed {seed}: {report.operations.total()} operations, {report.faults.total()} faults, "
        f"{len(report.violations)} violations; writes refused for {trial.longest_refusal():.1f} s "
        f"at most, with a lease of {LEASE:g} s; {'; '.join(mischief.notes)}"
    )
    assert report.operations.total() > 100
    assert not report.violations
