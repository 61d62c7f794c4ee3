"""Claiming files; runs on a dedicated connection, since every job waits for it."""

from collections.abc import Sequence

from processing.database import DedicatedConnection
from processing.models import Job
from processing.repository.attempts import archive_attempt
from processing.repository.rows import RETURNING_CHANGE
from processing.states import Status, sources_of

_ARCHIVE_LOST = archive_attempt(
    "judged",
    where="status = 'Processing' AND NOT poison",
    outcome="'worker lost'",
    message="'The worker was lost while processing this file.'",
    signal="NULL",
    usage=("NULL", "NULL", "extract(epoch FROM lease_until - started_at)"),
    finished_at="lease_until",
)

_CLAIM = f"""
    WITH due AS (
        SELECT id, attempt, status, failures, worker, started_at, lease_until
        FROM processing_file
        WHERE id = ANY($1::bigint[])
          AND ((status = 'Waiting' AND (due_at IS NULL OR due_at <= now()))
               OR (status = 'Processing' AND lease_until < now()))
          AND status = ANY($2::text[])
        ORDER BY id
        FOR UPDATE SKIP LOCKED
    ), judged AS (
        SELECT *, failures + (status = 'Processing')::int AS losses,
               status = 'Processing' AND failures + 1 >= $3::int AS poison
        FROM due
    ), lost AS (
        {_ARCHIVE_LOST}
    )
    UPDATE processing_file f SET
        status = CASE WHEN j.poison THEN 'Error' ELSE 'Processing' END,
        attempt = f.attempt + (NOT j.poison)::int,
        failures = j.losses,
        worker = CASE WHEN j.poison THEN f.worker ELSE $4::text END,
        lease_until = CASE WHEN j.poison THEN NULL
                           ELSE now() + make_interval(secs => $5::float8) END,
        due_at = NULL, progress = NULL, stage = NULL, signal = NULL,
        peak_rss = NULL, cpu_seconds = NULL, wall_seconds = NULL,
        outcome = CASE WHEN j.poison THEN 'worker lost' END,
        message = CASE WHEN j.poison THEN
            'The worker was lost ' || CASE j.losses WHEN 1 THEN 'once' WHEN 2 THEN 'twice'
                ELSE j.losses || ' times' END
            || ' while processing this file, so it is not retried (MAX_FAILURES).' END,
        started_at = CASE WHEN j.poison THEN f.started_at ELSE clock_timestamp() END,
        finished_at = CASE WHEN j.poison THEN clock_timestamp() END
    FROM judged j WHERE f.id = j.id
    RETURNING {RETURNING_CHANGE}, f.failures, f.name, f.handler, f.options,
              f.sha256
"""


async def claim(
    connection: DedicatedConnection,
    ids: Sequence[int],
    *,
    worker: str,
    lease_seconds: float,
    max_failures: int,
) -> list[Job]:
    """Claim the files among ``ids`` that are due, or whose lease has expired, for ``worker``.

    Each returned row carries the new attempt. A file that has lost its worker ``max_failures``
    times is returned as Error instead, and is not retried.
    """
    rows = await connection.fetch(
        _CLAIM, ids, sources_of(Status.PROCESSING), max_failures, worker, lease_seconds
    )
    return [Job._make(row) for row in rows]
