"""Asking many nodes for their copies of the layout at once, and what it means if none has one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed

from nodes.fanout import threads_for
from nodes.node import Node
from objects.exceptions import LayoutUnknown, OwnerProblem
from objects.layout.copies import Copies, Copy
from objects.layout.knowledge import NOTHING, Knowledge
from problems.problem import Problem

#: Seconds that the others have once half of the nodes have answered, when all are waited for.
_GRACE = 0.5


def answers(
    copies: Copies, nodes: Sequence[Node], *, patient: bool
) -> Iterator[tuple[str, Copy | Problem]]:
    """The copies of these nodes as they come, by the nodes' names; for those that cannot be read,
    why. Whoever has heard enough ends it.

    :param patient: whether the caller is going to hear all of them. Those that take long are then
        given up when half of them are there.
    """

    def ask(node: Node) -> Copy | Problem:
        try:
            return copies.read(node)
        except Problem as problem:
            problem.source = f"node {node.name}"
            return problem

    if not nodes:
        return
    pool = threads_for(len(nodes))
    asked = {pool.submit(ask, node): node.name for node in nodes}
    left = set(asked)
    timeout = None
    try:
        while left:
            for future in as_completed(left, timeout):
                left.discard(future)
                yield asked[future], future.result()
                if patient and timeout is None and 2 * len(left) <= len(asked):
                    timeout = _GRACE
                    break
    except TimeoutError:
        for future in left:
            yield asked[future], OwnerProblem("does not answer")
    finally:
        # They end by themselves, within the time that a node may take.
        pool.shutdown(wait=False, cancel_futures=True)


def may_have_moved(problem: Problem) -> bool:
    """Whether a node that failed so may be somewhere else now."""
    return isinstance(problem, OwnerProblem) and problem.repeatable


def unknown(known: Knowledge, failures: Mapping[str, Problem], refusal: str) -> LayoutUnknown:
    """What to say when nobody tells which layout is in force.

    :param failures: by the names of the nodes that could not be read.
    :param refusal: why what was read cannot be used, "" where that is not why.
    """
    if known.layout is not None:
        known_as = f"layout {known.layout.version} was the last"
    else:
        known_as = "none was found so far" if known is not NOTHING else "nothing is known yet"
    reasons = refusal.rstrip(".") or "; ".join(_reasons(failures))
    reasons = reasons or "those that answer are not those that would know"
    return LayoutUnknown(
        "Which node owns which id is not known at the moment: no node can be asked for the layout "
        f"({known_as}): {reasons}.",
        failures,
        laid_out=known.layout is not None,
    )


def _reasons(failures: Mapping[str, Problem]) -> Iterable[str]:
    for name, problem in sorted(failures.items()):
        said = problem.predicate if isinstance(problem, OwnerProblem) else problem.code
        yield f"{name} {said}"
