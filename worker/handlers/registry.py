"""Finds handlers by the entry points of the installed packages."""

from functools import cache
from importlib.metadata import entry_points

from worker.handlers.contract import Handler

GROUP = "millrace.handlers"


class UnknownHandler(Exception):
    """No installed package offers a handler of this name."""


def names() -> list[str]:
    """Return the names of all installed handlers, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


@cache
def load(name: str) -> Handler:
    """Import the handler ``name``; remembered, since looking for it reads every distribution.

    Raises:
        UnknownHandler: there is none, or what stands there is not a handler.
    """
    for point in entry_points(group=GROUP, name=name):
        found = point.load()
        if not isinstance(found, Handler):
            raise UnknownHandler(f"{point.value} is not a handler; decorate it with @handler.")
        return found
    known = ", ".join(names()) or "none"
    raise UnknownHandler(f"No handler is called {name!r} on this worker. It knows: {known}.")
