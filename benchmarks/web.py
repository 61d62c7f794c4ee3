"""The web process on servers of its own, for benchmarks; no worker processes the uploads."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processing.settings import Settings
from tests.conftest import Servers, settings_on
from tests.programs import Programs


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Settings, int]]:
    """Start it with its data under ``folder``; yield its settings and its process id."""
    servers = Servers(folder / "servers")
    servers.start()
    settings = settings_on(servers, folder)
    programs = Programs(settings, folder)
    try:
        yield settings, programs.web().pid
    finally:
        programs.stop()
        servers.stop()
