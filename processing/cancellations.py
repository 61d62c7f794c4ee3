"""The stream of cancellations, so that workers need not read every event.

It only saves time: the next heartbeat finds a cancellation that was missed here.
"""

from redis.asyncio import Redis

from processing.stream_keys import StreamKeys
from processing.stream_reader import StreamReader

MAX_CANCELLATIONS = 1000


class CancellationStream(StreamReader):
    """Reads the stream of cancellations."""

    def __init__(self, commands: Redis, reader: Redis, keys: StreamKeys) -> None:
        super().__init__(commands, reader, keys.cancellations)

    async def read(self, after: str) -> list[tuple[str, int, int]]:
        """Wait up to two seconds for (entry id, file id, attempt) after entry ``after``.

        Raises:
            RedisUnavailable: no answer.
            KeyError, ValueError: an entry that Millrace did not write.
        """
        return [
            (entry_id, int(fields["file_id"]), int(fields["attempt"]))
            for entry_id, fields in await self.entries(after)
        ]
