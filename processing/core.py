"""Builds the core from settings, for one running program."""

from processing.broker import command_client, reader_client
from processing.cancellations import CancellationStream
from processing.database import Database
from processing.events import Events
from processing.handler_catalog import HandlerCatalog
from processing.jobs import Jobs
from processing.lifecycle import Lifecycle
from processing.outbox import Outbox
from processing.recovery import Recovery
from processing.settings import Settings
from processing.storage import Storage
from processing.stream_keys import StreamKeys


class Core:
    """One program's connections, and the services built on them."""

    def __init__(self, settings: Settings, *, connections: int = 5) -> None:
        """``connections`` bounds the size of the PostgreSQL pool."""
        self.settings = settings
        self.database = Database(settings.database_dsn, size=connections)
        self.commands = command_client(settings.redis_dsn)
        # Each blocking reader occupies a connection; clients are pools, so they can share one.
        self._reader = reader_client(settings.redis_dsn)
        self.storage = Storage(settings.media_root)
        self.keys = StreamKeys(settings.stream_prefix)
        self.jobs = Jobs(self.commands, self._reader, self.keys)
        self.events = Events(self.commands, self._reader, self.keys)
        self.cancellations = CancellationStream(self.commands, self._reader, self.keys)
        self.outbox = Outbox(self.commands, self.keys, settings.events_kept)
        self.lifecycle = Lifecycle(self.database, self.jobs, self.outbox, self.storage)
        self.handlers = HandlerCatalog(self.database)
        self.recovery = Recovery(
            self.database, self.jobs, self.outbox, self.storage, self.lifecycle, settings.keep_days
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._reader.aclose()
        await self.commands.aclose()
        await self.database.close()
