"""Changes to finished or open files: a user deletes or retries them, or they expire (KEEP_DAYS)."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.models import Change, ProcessingFile
from processing.repository.attempts import archive_attempt
from processing.repository.rows import RETURNING_CHANGE, RETURNING_FILE, file_from_row
from processing.states import DELETED_AS, Status, sources_of

_DELETED_AS = " ".join(f"WHEN '{status}' THEN '{end}'" for status, end in DELETED_AS.items())

_DELETE = text(f"""
    UPDATE processing_file f SET
        status = CASE f.status {_DELETED_AS} END,
        outcome = CASE WHEN f.status = 'Ok' THEN f.outcome ELSE 'cancelled' END,
        message = CASE WHEN f.status = 'Ok' THEN f.message ELSE 'Cancelled by a user.' END,
        artifacts = '[]',
        lease_until = NULL, due_at = NULL, progress = NULL, stage = NULL,
        finished_at = coalesce(f.finished_at, clock_timestamp()), announced = false
    WHERE f.id = :id AND f.status = ANY(CAST(:sources AS text[]))
    RETURNING {RETURNING_FILE}
""")


async def delete(
    connection: AsyncConnection,
    file_id: int,
    only: frozenset[Status] = frozenset(DELETED_AS),
) -> ProcessingFile | None:
    """Apply DELETE to the file if its status is one of ``only``; return None otherwise."""
    parameters = {"id": file_id, "sources": sorted(only & DELETED_AS.keys())}
    row = (await connection.execute(_DELETE, parameters)).mappings().one_or_none()
    return file_from_row(row) if row is not None else None


_EXPIRE = text(f"""
    WITH expired AS (
        SELECT id FROM processing_file
        WHERE uploaded_at < now() - CAST(:age AS interval)
          AND finished_at < now() - CAST(:age AS interval)
          AND status = ANY(CAST(:sources AS text[]))
        ORDER BY id LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    UPDATE processing_file f SET
        status = 'Removed', message = :message, artifacts = '[]', announced = false
    FROM expired WHERE f.id = expired.id
    RETURNING {RETURNING_CHANGE}
""")


async def expire(connection: AsyncConnection, age: timedelta, *, limit: int) -> list[Change]:
    """Move files that were finished more than ``age`` ago to Removed; return them."""
    parameters = {
        "age": age,
        "message": f"Data deleted {_days(age)} after the file was finished (KEEP_DAYS).",
        "sources": sources_of(Status.REMOVED),
        "limit": limit,
    }
    return [Change._make(row) for row in await connection.execute(_EXPIRE, parameters)]


def _days(age: timedelta) -> str:
    days = age.total_seconds() / 86400
    return "1 day" if days == 1 else f"{days:g} days"


_ARCHIVE_ENDED = archive_attempt(
    "ended",
    where="attempt > 0",
    outcome="coalesce(outcome, 'failed')",
    finished_at="finished_at",
)
_RESTART = text(f"""
    WITH ended AS (
        SELECT f.* FROM processing_file f
        WHERE f.id = :id AND f.status <> 'Processing' AND f.status = ANY(CAST(:sources AS text[]))
        FOR UPDATE OF f
    ), kept AS (
        {_ARCHIVE_ENDED}
    )
    UPDATE processing_file f SET
        status = 'Waiting', failures = 0, worker = NULL, due_at = NULL,
        outcome = NULL, message = NULL, signal = NULL,
        peak_rss = NULL, cpu_seconds = NULL, wall_seconds = NULL,
        started_at = NULL, finished_at = NULL
    FROM ended WHERE f.id = ended.id
    RETURNING {RETURNING_FILE}
""")


async def restart(connection: AsyncConnection, file_id: int) -> ProcessingFile | None:
    """Return a finished file to Waiting as if it were new; None if its status forbids it.

    The attempt keeps counting up, so that writes of earlier attempts stay fenced off.
    """
    parameters = {"id": file_id, "sources": sources_of(Status.WAITING)}
    row = (await connection.execute(_RESTART, parameters)).mappings().one_or_none()
    return file_from_row(row) if row is not None else None
