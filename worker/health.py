"""`python -m worker.health`: whether the worker on this host shows itself; for health checks."""

import asyncio
import socket
import sys

from redis.exceptions import RedisError

from processing.broker import command_client
from processing.jobs import GROUP
from processing.settings import Settings, load


async def shows_itself(settings: Settings) -> bool:
    """Whether a consumer of this host has spoken to Redis within its lease."""
    client = command_client(settings.redis_dsn)
    try:
        consumers = await client.xinfo_consumers(f"{settings.stream_prefix}:jobs", GROUP)
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()
    host, longest = f"{socket.gethostname()}:", settings.lease_seconds * 1000
    return any(c["name"].startswith(host) and c["idle"] < longest for c in consumers)


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(shows_itself(load())) else 1)
