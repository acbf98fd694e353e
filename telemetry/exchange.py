"""What is recorded while a request is answered, for its log line, its metrics and its trace.

Does not import Django: the server needs it before Django is there.
"""

from contextvars import ContextVar


class Exchange:
    """One request and its answer.

    :ivar owner: name of the node that owns the object, "" while none was asked for.
    :ivar problem: the code of the problem document that is the answer, "" for none.
    :ivar subject: whom the request's token was issued for, "" for nobody.
    :ivar token_id: of that token.
    """

    __slots__ = ("owner", "problem", "subject", "token_id")

    def __init__(self) -> None:
        self.owner = self.problem = self.subject = self.token_id = ""


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


def begin() -> Exchange:
    """A new request, which whatever runs in this context is about from now on."""
    exchange = Exchange()
    _current.set(exchange)
    return exchange


def note_owner(name: str) -> None:
    """The request is for an object of this node."""
    exchange = _current.get()
    if exchange is not None:
        exchange.owner = name


def note_subject(subject: str, token_id: str) -> None:
    """The request has this token."""
    exchange = _current.get()
    if exchange is not None:
        exchange.subject = subject
        exchange.token_id = token_id


def note_problem(code: str) -> None:
    """The request fails with this problem."""
    exchange = _current.get()
    if exchange is not None:
        exchange.problem = code
