"""Taking files to handle them, keeping them, and giving them back."""

from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.database import DedicatedConnection
from processing.models import Change, Job
from processing.repository.attempts import archive_attempt
from processing.repository.files import CHANGE
from processing.states import Status, sources_of

_ARCHIVE_LOST = archive_attempt(
    "judged",
    where="status = 'Processing' AND NOT poison",
    outcome="'worker lost'",
    message="'The worker was lost.'",
    signal="NULL",
    usage=("NULL", "NULL", "extract(epoch FROM lease_until - started_at)"),
    finished_at="lease_until",
)
_ARCHIVE_HANDED_BACK = archive_attempt(
    "held",
    where="ran",
    outcome="'handed back'",
    message="'The worker was stopped.'",
    signal="NULL",
    usage=("NULL", "NULL", "extract(epoch FROM clock_timestamp() - started_at)"),
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
            'The worker was lost ' || j.losses || ' times while it handled this file.' END,
        started_at = CASE WHEN j.poison THEN f.started_at ELSE clock_timestamp() END,
        finished_at = CASE WHEN j.poison THEN clock_timestamp() END
    FROM judged j WHERE f.id = j.id
    RETURNING {CHANGE}, f.failures, f.name, f.handler, f.options,
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
    """Take the files among ``ids`` that are due, or whose lease ran out, for ``worker``.

    Each returned row carries the new attempt. A file whose worker was lost ``max_failures`` times
    comes back as Error instead: nobody shall try it again.
    """
    rows = await connection.fetch(
        _CLAIM, ids, sources_of(Status.PROCESSING), max_failures, worker, lease_seconds
    )
    return [Job._make(row) for row in rows]


_RENEW = text("""
    WITH held AS (
        SELECT f.id FROM processing_file f
        JOIN unnest(CAST(:ids AS bigint[]), CAST(:attempts AS int[])) AS mine(id, attempt)
          ON f.id = mine.id AND f.attempt = mine.attempt
        WHERE f.status = 'Processing' AND f.worker = :worker
        ORDER BY f.id
        FOR UPDATE OF f
    )
    UPDATE processing_file f
    SET lease_until = now() + make_interval(secs => :lease_seconds)
    FROM held WHERE f.id = held.id
    RETURNING f.id
""")


async def renew(
    connection: AsyncConnection,
    held: Mapping[int, int],
    *,
    worker: str,
    lease_seconds: float,
) -> set[int]:
    """Extend the leases of ``held`` (id → attempt); return the ids that are still ours."""
    parameters = {
        "ids": list(held),
        "attempts": list(held.values()),
        "worker": worker,
        "lease_seconds": lease_seconds,
    }
    return set((await connection.execute(_RENEW, parameters)).scalars())


_HAND_BACK = text(f"""
    WITH held AS (
        SELECT f.id, f.attempt, f.worker, f.started_at, mine.ran FROM processing_file f
        JOIN unnest(CAST(:ids AS bigint[]), CAST(:attempts AS int[]), CAST(:rans AS boolean[]))
             AS mine(id, attempt, ran)
          ON f.id = mine.id AND f.attempt = mine.attempt
        WHERE f.status = 'Processing'
        ORDER BY f.id
        FOR UPDATE OF f
    ), kept AS (
        {_ARCHIVE_HANDED_BACK}
    )
    UPDATE processing_file f SET
        status = 'Waiting', worker = NULL, lease_until = NULL,
        progress = NULL, stage = NULL, started_at = NULL
    FROM held WHERE f.id = held.id
    RETURNING {CHANGE}
""")


async def hand_back(
    connection: AsyncConnection, held: Mapping[int, int], *, ran: bool
) -> list[Change]:
    """Return ``held`` (id → attempt) to Waiting without counting the attempt as a failure.

    ``ran`` says whether the attempts had begun to work; those that had leave a line.
    """
    parameters = {
        "ids": list(held),
        "attempts": list(held.values()),
        "rans": [ran] * len(held),
    }
    return [Change._make(row) for row in await connection.execute(_HAND_BACK, parameters)]
