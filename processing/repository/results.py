"""What a worker reports about its attempts: their progress, and how they ended."""

from collections.abc import Sequence
from json import dumps
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.database import DedicatedConnection
from processing.models import Change, Usage
from processing.repository.attempts import archive_attempt
from processing.repository.files import CHANGE
from processing.states import Outcome, Status


class AttemptResult(NamedTuple):
    """How one attempt ended. ``status`` Waiting means: try again ``delay`` seconds from now."""

    id: int
    attempt: int
    status: Status
    outcome: Outcome
    message: str | None = None
    signal: int | None = None
    row_count: int | None = None
    column_count: int | None = None
    result: dict[str, Any] | None = None
    artifacts: Sequence[dict[str, Any]] = ()
    usage: Usage = Usage()
    delay: float | None = None


class ProgressReport(NamedTuple):
    """Where a running attempt stands; ``progress`` 0–1."""

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
    """Store where running attempts stand; return the ids whose attempt was still current."""
    parameters = {
        "ids": [report.id for report in reports],
        "attempts": [report.attempt for report in reports],
        "progresses": [report.progress for report in reports],
        "stages": [report.stage for report in reports],
    }
    return set((await connection.execute(_PROGRESS, parameters)).scalars())


_FINISH = f"""
    WITH held AS (
        SELECT i.*, f.worker, f.started_at FROM processing_file f
        JOIN unnest(
            $1::bigint[], $2::int[], $3::text[],
            $4::text[], $5::text[], $6::int[],
            $7::bigint[], $8::int[],
            $9::text[], $10::text[],
            $11::bigint[], $12::double precision[],
            $13::double precision[], $14::double precision[]
        ) AS i(id, attempt, status, outcome, message, signal, row_count, column_count, result,
               artifacts, peak_rss, cpu_seconds, wall_seconds, delay)
          ON f.id = i.id AND f.attempt = i.attempt
        WHERE f.status = 'Processing'
        ORDER BY f.id
        FOR UPDATE OF f
    ), kept AS (
        {archive_attempt("held", where="status = 'Waiting'")}
    )
    UPDATE processing_file f SET
        status = held.status,
        outcome = held.outcome, message = held.message, signal = held.signal,
        failures = f.failures + (held.status = 'Waiting')::int,
        row_count = held.row_count, column_count = held.column_count,
        result = CAST(held.result AS jsonb), artifacts = CAST(held.artifacts AS jsonb),
        peak_rss = held.peak_rss, cpu_seconds = held.cpu_seconds,
        wall_seconds = held.wall_seconds,
        lease_until = NULL, progress = NULL, stage = NULL,
        due_at = CASE WHEN held.delay IS NOT NULL
                      THEN clock_timestamp() + make_interval(secs => held.delay) END,
        finished_at = CASE WHEN held.status <> 'Waiting' THEN clock_timestamp() END
    FROM held WHERE f.id = held.id
    RETURNING {CHANGE}
"""


async def finish(connection: DedicatedConnection, ends: Sequence[AttemptResult]) -> list[Change]:
    """Write how attempts ended; return the rows whose attempt was still the current one."""
    rows = await connection.fetch(
        _FINISH,
        [end.id for end in ends],
        [end.attempt for end in ends],
        [end.status.value for end in ends],
        [end.outcome.value for end in ends],
        [end.message for end in ends],
        [end.signal for end in ends],
        [end.row_count for end in ends],
        [end.column_count for end in ends],
        [None if end.result is None else dumps(end.result) for end in ends],
        [dumps(end.artifacts) if end.artifacts else "[]" for end in ends],
        [end.usage.peak_rss for end in ends],
        [end.usage.cpu_seconds for end in ends],
        [end.usage.wall_seconds for end in ends],
        [end.delay for end in ends],
    )
    return [Change(*row) for row in rows]


_FIGURES = text("""
    UPDATE processing_file f SET
        peak_rss = i.peak_rss, cpu_seconds = i.cpu_seconds, wall_seconds = i.wall_seconds
    FROM unnest(CAST(:ids AS bigint[]), CAST(:attempts AS int[]), CAST(:peaks AS bigint[]),
                CAST(:cpus AS double precision[]), CAST(:walls AS double precision[]))
         AS i(id, attempt, peak_rss, cpu_seconds, wall_seconds)
    WHERE f.id = i.id AND f.attempt = i.attempt AND f.status = 'Canceled'
""")


async def set_usage(connection: AsyncConnection, ends: Sequence[AttemptResult]) -> None:
    """Note what attempts that were cancelled had used until they were killed."""
    parameters = {
        "ids": [end.id for end in ends],
        "attempts": [end.attempt for end in ends],
        "peaks": [end.usage.peak_rss for end in ends],
        "cpus": [end.usage.cpu_seconds for end in ends],
        "walls": [end.usage.wall_seconds for end in ends],
    }
    await connection.execute(_FIGURES, parameters)
