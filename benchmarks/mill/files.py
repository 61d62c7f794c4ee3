"""The files that readers are measured on, made by the engine from row numbers."""

from collections.abc import Callable
from pathlib import Path

import duckdb

_TAXI = """
    SELECT 1 + i % 2 AS vendor, TIMESTAMP '2023-01-01' + INTERVAL (i * 3) SECOND AS pickup,
           TIMESTAMP '2023-01-01' + INTERVAL (i * 3 + 600 + i % 977) SECOND AS dropoff,
           1 + hash(i) % 6 AS passengers, ((hash(i * 7) % 3000) / 100)::DECIMAL(8, 2) AS distance,
           1 + hash(i) % 99 AS rate, CASE WHEN hash(i) % 50 = 0 THEN 'Y' ELSE 'N' END AS stored,
           1 + hash(i * 3) % 265 AS from_zone, 1 + hash(i * 5) % 265 AS to_zone,
           ((hash(i * 11) % 9000) / 100)::DECIMAL(8, 2) AS fare,
           ((hash(i * 13) % 1500) / 100)::DECIMAL(8, 2) AS tip,
           ((hash(i * 17) % 700) / 100)::DECIMAL(8, 2) AS tolls,
           ((hash(i * 19) % 12000) / 100)::DECIMAL(8, 2) AS total,
           CASE WHEN hash(i) % 3 <> 0 THEN 2.5 END AS congestion,
           'zone ' || hash(i * 23) % 400 AS zone
    FROM range({rows}) t(i)
"""
_TEXTS = """
    SELECT i AS id, repeat(md5(i::VARCHAR) || ' ', 20) AS text, md5((i * 3)::VARCHAR) AS code
    FROM range({rows}) t(i)
"""


def _write(path: Path, query: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (HEADER)")


def narrow(path: Path, megabytes: int) -> None:
    """Numbers, times and short texts, about 105 bytes a row."""
    _write(path, _TAXI.format(rows=megabytes * 9500))


def wide(path: Path, megabytes: int) -> None:
    """500 columns of numbers."""
    cells = ", ".join(f"(hash(i * {n + 1}) % 1000) AS c{n}" for n in range(500))
    _write(path, f"SELECT {cells} FROM range({megabytes * 515}) t(i)")


def texts(path: Path, megabytes: int) -> None:
    """Long texts, all different."""
    _write(path, _TEXTS.format(rows=megabytes * 1400))


SHAPES: dict[str, Callable[[Path, int], None]] = {"narrow": narrow, "wide": wide, "texts": texts}
