"""Recording how attempts ended; runs on a dedicated connection, since every job waits for it."""

from collections.abc import Sequence
from json import dumps
from typing import Any, NamedTuple

from processing.database import DedicatedConnection
from processing.models import Change, Usage
from processing.repository.attempts import archive_attempt
from processing.repository.rows import RETURNING_CHANGE
from processing.states import Outcome, Status


class AttemptResult(NamedTuple):
    """How one attempt ended. ``status`` Waiting means: retry in ``delay`` seconds."""

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


_RECORD_RESULTS = f"""
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
    RETURNING {RETURNING_CHANGE}
"""


async def record_results(
    connection: DedicatedConnection, results: Sequence[AttemptResult]
) -> list[Change]:
    """Write how attempts ended; return the rows whose attempt was still current."""
    rows = await connection.fetch(
        _RECORD_RESULTS,
        [result.id for result in results],
        [result.attempt for result in results],
        [result.status.value for result in results],
        [result.outcome.value for result in results],
        [result.message for result in results],
        [result.signal for result in results],
        [result.row_count for result in results],
        [result.column_count for result in results],
        [None if result.result is None else dumps(result.result) for result in results],
        [dumps(result.artifacts) if result.artifacts else "[]" for result in results],
        [result.usage.peak_rss for result in results],
        [result.usage.cpu_seconds for result in results],
        [result.usage.wall_seconds for result in results],
        [result.delay for result in results],
    )
    return [Change(*row) for row in rows]
