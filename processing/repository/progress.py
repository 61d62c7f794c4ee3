"""Recording the progress of running attempts, and what cancelled ones had used."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.models import Usage


class ProgressReport(NamedTuple):
    """How far a running attempt is; ``progress`` 0–1."""

    id: int
    attempt: int
    progress: float
    stage: str | None


_PROGRESS = text("""
    WITH held AS (
        SELECT f.id, i.progress, i.stage FROM processing_file f
        JOIN unnest(CAST(:ids AS bigint[]), CAST(:attempts AS int[]),
                    CAST(:progresses AS double precision[]), CAST(:stages AS text[]))
             AS i(id, attempt, progress, stage)
          ON f.id = i.id AND f.attempt = i.attempt
        WHERE f.status = 'Processing'
        ORDER BY f.id
        FOR UPDATE OF f
    )
    UPDATE processing_file f SET progress = held.progress, stage = held.stage
    FROM held WHERE f.id = held.id
    RETURNING f.id
""")


async def set_progress(connection: AsyncConnection, reports: Sequence[ProgressReport]) -> set[int]:
    """Store the progress of running attempts; return the ids whose attempt was still current."""
    parameters = {
        "ids": [report.id for report in reports],
        "attempts": [report.attempt for report in reports],
        "progresses": [report.progress for report in reports],
        "stages": [report.stage for report in reports],
    }
    return set((await connection.execute(_PROGRESS, parameters)).scalars())


_CANCELLED_USAGE = text("""
    UPDATE processing_file f SET
        peak_rss = i.peak_rss, cpu_seconds = i.cpu_seconds, wall_seconds = i.wall_seconds
    FROM unnest(CAST(:ids AS bigint[]), CAST(:attempts AS int[]), CAST(:peaks AS bigint[]),
                CAST(:cpus AS double precision[]), CAST(:walls AS double precision[]))
         AS i(id, attempt, peak_rss, cpu_seconds, wall_seconds)
    WHERE f.id = i.id AND f.attempt = i.attempt AND f.status = 'Canceled'
""")


async def set_cancelled_usage(
    connection: AsyncConnection, used: Mapping[tuple[int, int], Usage]
) -> None:
    """Store what cancelled attempts, (id, attempt), had used when they were killed."""
    parameters = {
        "ids": [file_id for file_id, _ in used],
        "attempts": [attempt for _, attempt in used],
        "peaks": [usage.peak_rss for usage in used.values()],
        "cpus": [usage.cpu_seconds for usage in used.values()],
        "walls": [usage.wall_seconds for usage in used.values()],
    }
    await connection.execute(_CANCELLED_USAGE, parameters)
