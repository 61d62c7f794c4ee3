"""Finds handlers by the entry points of the installed packages."""

from functools import cache
from importlib.metadata import entry_points

from worker.handlers.contract import Handler

GROUP = "millrace.handlers"


class HandlerNotInstalled(Exception):
    """No installed package offers a handler of this name."""


def names() -> list[str]:
    """Return the names of all installed handlers, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


@cache
def load(name: str) -> Handler:
    """Import the handler ``name``; cached, since each search reads every distribution.

    Raises:
        HandlerNotInstalled: there is no such entry point, or it is not a handler.
    """
    for point in entry_points(group=GROUP, name=name):
        found = point.load()
        if not isinstance(found, Handler):
            raise HandlerNotInstalled(f"{point.value} is not a handler. Decorate it with @handler.")
        return found
    known = ", ".join(names()) or "none"
    raise HandlerNotInstalled(f"This worker has no handler “{name}”. Installed: {known}.")
