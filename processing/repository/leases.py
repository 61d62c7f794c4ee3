"""Renewing the leases of claimed files, and handing the files back."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.models import Change
from processing.repository.attempts import archive_attempt
from processing.repository.rows import RETURNING_CHANGE

_ARCHIVE_HANDED_BACK = archive_attempt(
    "held",
    where="ran",
    outcome="'handed back'",
    message="'The worker was shut down.'",
    signal="NULL",
    usage=("NULL", "NULL", "extract(epoch FROM clock_timestamp() - started_at)"),
)

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
    """Extend the leases of ``held`` (id → attempt); return the ids that ``worker`` still holds."""
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
    RETURNING {RETURNING_CHANGE}
""")


async def hand_back(
    connection: AsyncConnection, held: Mapping[int, int], *, ran: bool
) -> list[Change]:
    """Return ``held`` (id → attempt) to Waiting without counting the attempt as a failure.

    ``ran`` says whether the attempts had started; attempts that had are archived.
    """
    parameters = {
        "ids": list(held),
        "attempts": list(held.values()),
        "rans": [ran] * len(held),
    }
    return [Change._make(row) for row in await connection.execute(_HAND_BACK, parameters)]
