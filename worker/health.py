"""`python -m worker.health`: whether a worker on this host is alive; for health checks."""

import asyncio
import socket
import sys

from processing.broker import command_client
from processing.errors import RedisUnavailable, StreamLost
from processing.jobs import Jobs
from processing.settings import Settings, load
from processing.stream_keys import StreamKeys


async def is_alive(settings: Settings) -> bool:
    """Whether a consumer on this host has sent a command to Redis within its lease."""
    client = command_client(settings.redis_dsn)
    try:
        consumers = await Jobs(client, client, StreamKeys(settings.stream_prefix)).consumers()
    except (RedisUnavailable, StreamLost):
        return False
    finally:
        await client.aclose()
    host = f"{socket.gethostname()}:"
    return any(
        name.startswith(host) and idle_seconds < settings.lease_seconds
        for name, idle_seconds in consumers.items()
    )


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(is_alive(load())) else 1)
