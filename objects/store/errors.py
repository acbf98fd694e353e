"""How an exchange with a node can fail."""


class TransportError(Exception):
    """The exchange with a node failed; the text says how."""


class ConnectFailed(TransportError):
    """No connection to the node: nothing was sent."""


class ConnectionLost(TransportError):
    """The connection broke.

    :ivar answered: whether the node had begun to answer, with an interim answer at least.
    """

    def __init__(self, text: str, *, answered: bool) -> None:
        super().__init__(text)
        self.answered = answered


class TimedOut(TransportError):
    """The node took a connection or a request and then said nothing in time."""


class BadAnswer(TransportError):
    """What the node answered is not HTTP as we speak it."""


class WantsTls(BadAnswer):
    """The node was asked without TLS, and is there with TLS only."""
