"""The contents of the status page: the nodes now, and the last minutes of all workers together."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.safestring import SafeString

from access.warning import OPEN
from nodes.exceptions import MembershipError
from nodes.membership import Status, get_membership
from objects.layout import Layout, State
from objects.layout.keeper import get_keeper
from objects.moving.whereabouts import Amount
from objects.moving.words import amount_of
from objgw_site import __version__
from objgw_site.status.backlog import get_remembered_backlog
from objgw_site.status.drawing import bar, sparkline
from objgw_site.status.health import Health, get_remembered_health
from objgw_site.status.metrics import get_exposed_metrics
from objgw_site.status.report import NodeReport, reported
from objgw_site.status.roles import shown
from telemetry.figures import Figures, total
from telemetry.history import KEPT, SPAN, Recent, recent
from telemetry.metrics import is_enabled
from terminal.quantities import in_seconds

#: Seconds after which a browser without scripts loads the page anew, unless told otherwise.
RELOAD, _LONGEST = 15, 3600
_SINCE = f"{KEPT * SPAN / 60:g} minutes"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests of the last minutes, in words and drawn.

    :ivar failing: whether some of them failed.
    """

    requests: str
    rate: str
    errors: str
    failing: bool
    typical: str
    slowest: str
    rates: SafeString
    times: SafeString
    failures: SafeString


@dataclass(frozen=True, slots=True)
class NodeCard:
    """One node.

    :ivar traffic: None where nothing is counted.
    """

    report: NodeReport
    share: SafeString
    traffic: Traffic | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the gateway is, in one sentence.

    :ivar mood: ``good``, ``warn`` or ``bad``.
    :ivar more: what else is to be known, "" for nothing.
    """

    mood: str
    text: str
    more: str = ""


def status_context(reload: int) -> dict[str, object]:
    """What the template shows.

    :param reload: seconds, 0 for never; see `reload_after`.
    """
    membership = get_membership()
    status = membership.status()
    known = get_keeper().status()
    nodes = shown(known.layout, () if status.snapshot is None else status.snapshot.nodes)
    checked = get_remembered_health().of([each.node for each in nodes])
    reports = reported(known.layout, nodes, checked)
    # Where no node can serve, that is what there is to say.
    refusal = known.failure or "" if any(report.healthy for report in reports) else ""
    try:
        if known.layout is None:
            membership.current()
    except MembershipError as error:
        refusal = error.detail
    counted = _counted()
    most = max((report.share for report in reports), default=0.0)
    cards = [
        NodeCard(
            report,
            bar(report.share, most, "share"),
            None if counted is None else traffic(counted.node(report.name), f"of {report.name}"),
        )
        for report in reports
    ]
    return {
        "verdict": _verdict(status, reports, refusal),
        "cards": cards,
        "traffic": None if counted is None else traffic(counted.clients, "of all objects"),
        "open": "" if settings.OBJGW_AUTH else OPEN,
        "age": None if status.snapshot is None else _in_words(status.snapshot.age),
        "source": settings.OBJGW_DISCOVERY,
        "router": settings.OBJGW_ROUTER if known.layout is None else known.layout.router,
        "layout": known.layout,
        "backlog": _left_to_move(known.layout, checked),
        "version": __version__,
        "since": _SINCE,
        "reload": reload,
    }


def _left_to_move(layout: Layout | None, checked: Sequence[Health]) -> str:
    """In words, "" for nothing and when it is not known."""
    backlog = get_remembered_backlog().of(layout, checked)
    if backlog is None or layout is None or layout.state is not State.MOVING:
        return ""
    return amount_of(Amount(backlog.objects, backlog.size))


def _counted() -> Recent | None:
    """The last minutes; None where nothing is counted."""
    if not is_enabled():
        return None
    get_exposed_metrics().sample()
    return recent()


def reload_after(asked: str | None) -> int:
    """Seconds after which a browser without scripts is to load the page anew, 0 for never."""
    if asked is None or not (asked.isascii() and asked.isdigit()) or int(asked[:9]) > _LONGEST:
        return RELOAD
    return int(asked)


def traffic(series: Sequence[Figures], whose: str) -> Traffic:
    """Figures in words and drawn.

    :param whose: to go on after "Requests": "of node-1".
    """
    all_of_it = total(series)
    rates = [each.requests / SPAN for each in series]
    means = [each.mean for each in series]
    p50, p99 = all_of_it.quantile(0.5), all_of_it.quantile(0.99)
    slowest = max((mean for mean in means if mean is not None), default=None)
    errors = all_of_it.errors
    return Traffic(
        requests=f"{all_of_it.requests:,}",
        rate=f"{rates[-1]:,.1f}/s now",
        errors=f"{errors:,}" + (f" ({errors / all_of_it.requests:.1%})" if errors else ""),
        failing=bool(errors),
        typical="-" if p50 is None else in_seconds(p50),
        slowest="-" if p99 is None else in_seconds(p99),
        rates=sparkline(
            rates,
            f"Requests a second {whose} in the last {_SINCE}: {rates[-1]:,.1f} at the end, "
            f"{max(rates):,.1f} at most",
            "rate",
        ),
        times=sparkline(
            means,
            f"Mean time of requests {whose} in the last {_SINCE}: "
            + ("none was made" if slowest is None else f"{in_seconds(slowest)} at most"),
            "time",
        ),
        failures=sparkline(
            [each.errors for each in series],
            f"Failed requests {whose} in the last {_SINCE}: {errors:,}",
            "error",
        ),
    )


def _verdict(status: Status, reports: Sequence[NodeReport], refusal: str) -> Verdict:
    reports = [report for report in reports if report.counts]
    down = [report.name for report in reports if not report.healthy]
    if refusal:
        return Verdict("bad", f"No request for an object can be answered: {refusal}")
    stale = ""
    if status.failure is not None and status.snapshot is not None:
        age = _in_words(status.snapshot.age)
        stale = f"The nodes are shown as they were {age} ago: {status.failure}"
    if down:
        some = "None" if len(down) == len(reports) else f"{len(reports) - len(down)}"
        return Verdict(
            "bad",
            f"{some} of {len(reports)} nodes can serve. Down: {', '.join(down)}",
            stale,
        )
    if stale:
        return Verdict("warn", f"{_all(reports)} can serve.", stale)
    return Verdict("good", f"{_all(reports)} can serve.")


def _all(reports: Sequence[NodeReport]) -> str:
    return "The one node" if len(reports) == 1 else f"All {len(reports)} nodes"


def _in_words(seconds: float) -> str:
    for unit, size, up_to in (("s", 1, 120), ("minutes", 60, 7200), ("hours", 3600, 172_800)):
        if seconds < up_to:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"
