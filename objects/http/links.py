"""Links to paths of the gateway, for answers.

They are relative references (RFC 3986 section 4.2). What proxies in front make of the gateway's
address (host, scheme, a path before its own) is theirs to know; a reference that names none of it
is right behind any of them, and no header field has to be believed.
"""


def relative(page: str, target: str) -> str:
    """A reference that leads from one path to another, by its way up and down.

    :param page: the path of the request that is answered.
    :param target: the path to lead to, and what follows it.
    """
    # An empty reference would be the page itself.
    return "../" * (page.count("/") - 1) + target.removeprefix("/") or "./"
