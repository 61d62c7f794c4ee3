"""Runs inside the peers' environment: enqueues, or measures the latency of single jobs.

drive.py PEER commands              print the argument lists of its workers, as JSON
drive.py PEER enqueue COUNT         enqueue files 1 to COUNT
drive.py PEER latency COUNT         one job at a time; print milliseconds, as JSON
"""

import importlib
import json
import random
import sys
import time
from typing import Any

import psycopg
import redis

from job import DATABASE_URL, EVENTS, REDIS_URL

INSERT = (
    "INSERT INTO processing_file (name, size, sha256, handler) "
    "VALUES ('a.csv', 4, repeat('0', 64), 'noop') RETURNING id"
)


def latency(peer: Any, count: int) -> list[float]:
    """From before the row's insert until the event of its end was read."""
    database = psycopg.connect(DATABASE_URL, autocommit=True, prepare_threshold=1)
    reader = redis.Redis.from_url(REDIS_URL, decode_responses=True)
    took = []
    for _ in range(count):
        newest: Any = reader.xrevrange(EVENTS, count=1)
        cursor = newest[0][0] if newest else "0-0"
        begin = time.perf_counter()
        row = database.execute(INSERT).fetchone()
        assert row is not None
        peer.enqueue([row[0]])
        ended = False
        while not ended:
            answer: Any = reader.xread({EVENTS: cursor}, block=10_000)
            assert answer, "no answer within ten seconds"
            streams = answer.items() if isinstance(answer, dict) else answer
            for _, entries in streams:
                entries = entries[0] if isinstance(answer, dict) else entries
                for entry_id, fields in entries:
                    cursor = entry_id
                    ended |= fields["status"] == "Ok" and fields["file_id"] == str(row[0])
        took.append((time.perf_counter() - begin) * 1000)
        time.sleep(random.uniform(0.005, 0.02))
    return took


def main() -> None:
    name, what, *rest = sys.argv[1:]
    peer = importlib.import_module(f"{name}_peer")
    if what == "commands":
        print(json.dumps(peer.WORKERS))
    elif what == "enqueue":
        peer.enqueue(list(range(1, int(rest[0]) + 1)))
    else:
        print(json.dumps(latency(peer, int(rest[0]))))


if __name__ == "__main__":
    main()
