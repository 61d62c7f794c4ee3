"""The stream of cancels: what workers must hear at once, without reading every event.

Nothing depends on it: a cancel that is missed here is found by the next heartbeat.
"""

from redis.asyncio import Redis

from processing.stream_reader import StreamReader

MAX_CANCELLATIONS = 1000


class CancellationStream(StreamReader):
    """Reading ``<prefix>:cancels``."""

    def __init__(self, commands: Redis, reader: Redis, prefix: str) -> None:
        super().__init__(commands, reader, f"{prefix}:cancels")

    async def read(self, after: str) -> list[tuple[str, int, int]]:
        """Wait up to two seconds for (entry id, file id, attempt) after entry ``after``.

        Raises:
            RedisUnavailable: no answer.
            KeyError, ValueError: an entry that is not of ours.
        """
        return [
            (entry_id, int(fields["file_id"]), int(fields["attempt"]))
            for entry_id, fields in await self.entries(after)
        ]
