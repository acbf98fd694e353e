"""The judge can tell right from wrong: histories made by hand, good and bad."""

import itertools
import random

import pytest

from tests.faults.history import Effect, History, ListingSeen, Read, Write, violations


def put(value: str, start: float, end: float, effect: Effect = Effect.DONE) -> Write:
    return Write("a", value, start, end, effect)


def delete(start: float, end: float, effect: Effect = Effect.DONE) -> Write:
    return Write("a", None, start, end, effect)


def read(value: str | None, start: float, end: float) -> Read:
    return Read("a", value, start, end)


def listing(ids: str, start: float, end: float) -> ListingSeen:
    return ListingSeen(list(ids), start, end)


def judged(*events: Write | Read | ListingSeen) -> list[str]:
    history = History(
        [event for event in events if isinstance(event, Write)],
        [event for event in events if isinstance(event, Read)],
        [event for event in events if isinstance(event, ListingSeen)],
    )
    return violations(history)


GOOD: dict[str, tuple[Write | Read | ListingSeen, ...]] = {
    "nothing at the beginning": (read(None, 0, 1), put("v", 0.5, 2)),
    "in order": (put("v", 0, 1), read("v", 2, 3), put("w", 4, 5), read("w", 6, 7)),
    "either while it is being overwritten": (
        put("v", 0, 1),
        put("w", 2, 9),
        read("w", 3, 4),
        read("v", 3.5, 5),
        read("w", 10, 11),
    ),
    "a repeated write takes effect twice": (
        put("v", 0, 10),
        read("v", 1, 2),
        put("w", 3, 4),
        read("w", 5, 6),
        read("v", 7, 8),
        read("v", 11, 12),
    ),
    "an unknown write, late": (
        put("v", 0, 1),
        put("w", 2, 3, Effect.UNKNOWN),
        read("v", 4, 5),
        read("w", 6, 7),
    ),
    "an unknown write, never": (put("v", 0, 1), put("w", 2, 3, Effect.UNKNOWN), read("v", 9, 10)),
    "an unknown write that comes back over an acknowledged one": (
        put("w", 0, 1, Effect.UNKNOWN),
        put("v", 2, 3),
        read("v", 4, 5),
        read("w", 6, 7),
    ),
    "a refused write": (put("v", 0, 1), put("w", 2, 3, Effect.NONE), read("v", 4, 5)),
    "deleted": (put("v", 0, 1), delete(2, 3), read(None, 4, 5)),
    "perhaps deleted": (put("v", 0, 1), delete(2, 3, Effect.UNKNOWN), read(None, 8, 9)),
    "perhaps deleted, perhaps later": (
        delete(0, 1, Effect.UNKNOWN),
        put("v", 2, 3),
        read("v", 4, 5),
        read(None, 6, 7),
    ),
    "listed": (put("v", 0, 1), listing("a", 2, 3)),
    "not listed before": (put("v", 0, 2.5), listing("", 2, 3)),
    "not listed, being deleted": (put("v", 0, 1), delete(2.5, 9), listing("", 2, 3)),
}
BAD: dict[str, tuple[Write | Read | ListingSeen, ...]] = {
    "an acknowledged write is lost": (put("v", 0, 1), read(None, 2, 3)),
    "an acknowledged overwrite is lost": (put("v", 0, 1), put("w", 2, 3), read("v", 4, 5)),
    "an old value comes back": (
        put("v", 0, 1),
        put("w", 2, 3),
        read("w", 4, 5),
        read("v", 6, 7),
    ),
    "back and forth between concurrent writes": (
        put("v", 0, 2),
        put("w", 1, 3),
        read("v", 4, 5),
        read("w", 6, 7),
        read("v", 8, 9),
    ),
    "two workers disagree for good": (
        put("v", 0, 2),
        put("w", 1, 3),
        read("v", 8, 9),
        read("w", 7, 8.5),
    ),
    "an unknown write was seen, then undone": (
        put("v", 0, 1),
        put("w", 2, 3, Effect.UNKNOWN),
        read("w", 4, 5),
        read("v", 6, 7),
    ),
    "seen before it was written": (read("v", 0, 1), put("v", 2, 3)),
    "never written": (read("v", 0, 1),),
    "a refused write is seen": (put("v", 0, 1, Effect.NONE), read("v", 2, 3)),
    "a deleted object comes back": (put("v", 0, 1), delete(2, 3), read("v", 4, 5)),
    "a DELETE before the PUT explains nothing": (
        delete(0, 1),
        put("v", 2, 3),
        read(None, 4, 5),
    ),
    "a refused DELETE explains nothing": (
        put("v", 0, 1),
        delete(2, 3, Effect.NONE),
        read(None, 4, 5),
    ),
    "not listed": (put("v", 0, 1), listing("", 2, 3)),
    "listed twice": (put("v", 0, 1), listing("aa", 2, 3)),
    "listed out of order": (
        put("v", 0, 1),
        Write("b", "w", 0, 1, Effect.DONE),
        listing("ba", 2, 3),
    ),
    "listed, and never written": (listing("a", 2, 3),),
}


@pytest.mark.parametrize("events", GOOD.values(), ids=GOOD.keys())
def test_good_history(events: tuple[Write | Read | ListingSeen, ...]) -> None:
    assert judged(*events) == []


@pytest.mark.parametrize("events", BAD.values(), ids=BAD.keys())
def test_bad_history(events: tuple[Write | Read | ListingSeen, ...]) -> None:
    assert judged(*events)


def simulated(rng: random.Random, operations: int) -> list[Write | Read]:
    """What a correct register gives to clients whose operations overlap."""
    events: list[Write | Read] = []
    value: str | None = None
    numbers = itertools.count()
    for moment in range(operations):
        start, end = moment - rng.uniform(0, 5), moment + rng.uniform(0, 5)
        if rng.random() < 0.3:
            value = None if rng.random() < 0.2 else f"v{next(numbers)}"
            effect = Effect.UNKNOWN if rng.random() < 0.2 else Effect.DONE
            events.append(Write("a", value, start, end, effect))
        else:
            events.append(Read("a", value, start, end))
    return events


@pytest.mark.parametrize("seed", range(20))
def test_a_correct_register_passes_and_a_broken_one_does_not(seed: int) -> None:
    rng = random.Random(seed)
    events = simulated(rng, 300)
    assert judged(*events) == []
    first = next(e for e in events if isinstance(e, Write) and e.value and e.effect is Effect.DONE)
    later = [e.end for e in events if isinstance(e, Write) and e.effect is Effect.DONE]
    # At the very end the first value is back.
    assert judged(*events, Read("a", first.value, max(later) + 10, max(later) + 11))
