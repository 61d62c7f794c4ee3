"""The handlers that workers offer, cached briefly, since every upload needs one."""

import time
from collections.abc import Sequence

from processing import repository
from processing.database import Database
from processing.models import HandlerInfo

CACHE_SECONDS = 1.0


class HandlerCatalog:
    """The registered handlers, at most :data:`CACHE_SECONDS` old."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._handlers: dict[str, HandlerInfo] = {}
        self._read_at = float("-inf")

    async def find(self, name: str) -> tuple[HandlerInfo | None, Sequence[HandlerInfo]]:
        """Return the handler called ``name``, or None, and all handlers.

        Raises:
            DatabaseUnavailable: the catalog has to be read and PostgreSQL does not answer.
        """
        if name not in self._handlers or time.monotonic() - self._read_at > CACHE_SECONDS:
            async with self._database.connect() as connection:
                found = await repository.list_handlers(connection)
            self._handlers = {info.name: info for info in found}
            self._read_at = time.monotonic()
        return self._handlers.get(name), list(self._handlers.values())
