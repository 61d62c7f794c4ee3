"""The statements that change what a file is doing; each is fenced by status, attempt or lease."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.models import ProcessingFile, processing_file
from processing.repository.files import LIST_COLUMNS, record
from processing.states import Outcome, Status, sources_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
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
    peak_rss: int | None = None
    cpu_seconds: float | None = None
    wall_seconds: float | None = None
    delay: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressReport:
    """Where a running attempt stands; ``progress`` 0–1."""

    id: int
    attempt: int
    progress: float
    stage: str | None


def _rows(records: Iterable[Any]) -> str:
    return json.dumps([asdict(item) for item in records])


_RETURNING = ", ".join(f"f.{column.name}" for column in LIST_COLUMNS)

_CLAIM = text(f"""
    WITH due AS (
        SELECT id FROM processing_file
        WHERE id = ANY(CAST(:ids AS bigint[]))
          AND ((status = 'Waiting' AND (due_at IS NULL OR due_at <= now()))
               OR (status = 'Processing' AND lease_until < now()))
          AND status = ANY(CAST(:sources AS text[]))
        ORDER BY id
        FOR UPDATE SKIP LOCKED
    ), judged AS (
        SELECT f.id,
               f.failures + (f.status = 'Processing')::int AS failures,
               f.status = 'Processing' AND f.failures + 1 >= :max_failures AS poison
        FROM processing_file f JOIN due USING (id)
    )
    UPDATE processing_file f SET
        status = CASE WHEN j.poison THEN 'Error' ELSE 'Processing' END,
        attempt = f.attempt + 1,
        failures = j.failures,
        worker = CASE WHEN j.poison THEN f.worker ELSE :worker END,
        lease_until = CASE WHEN j.poison THEN NULL
                           ELSE now() + make_interval(secs => :lease_seconds) END,
        due_at = NULL, progress = NULL, stage = NULL, signal = NULL,
        outcome = CASE WHEN j.poison THEN 'worker lost' END,
        message = CASE WHEN j.poison THEN
            'The worker was lost ' || j.failures || ' times while it handled this file.' END,
        started_at = CASE WHEN j.poison THEN f.started_at ELSE clock_timestamp() END,
        finished_at = CASE WHEN j.poison THEN clock_timestamp() END
    FROM judged j WHERE f.id = j.id
    RETURNING {_RETURNING}
""")


async def claim(
    connection: AsyncConnection,
    ids: Sequence[int],
    *,
    worker: str,
    lease_seconds: float,
    max_failures: int,
) -> list[ProcessingFile]:
    """Take the files among ``ids`` that are due, or whose lease ran out, for ``worker``.

    Each returned row carries the new attempt. A file whose worker was lost ``max_failures`` times
    comes back as Error instead: nobody shall try it again.
    """
    parameters = {
        "ids": list(ids),
        "sources": sources_of(Status.PROCESSING),
        "worker": worker,
        "lease_seconds": lease_seconds,
        "max_failures": max_failures,
    }
    return [record(row) for row in await connection.execute(_CLAIM, parameters)]


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


_PROGRESS = text("""
    WITH incoming AS (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb))
            AS r(id bigint, attempt int, progress double precision, stage text)
    ), held AS (
        SELECT f.id, i.progress, i.stage FROM processing_file f
        JOIN incoming i ON f.id = i.id AND f.attempt = i.attempt
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
    return set((await connection.execute(_PROGRESS, {"rows": _rows(reports)})).scalars())


_FINISH = text(f"""
    WITH incoming AS (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
            id bigint, attempt int, status text, outcome text, message text, signal int,
            row_count bigint, column_count int, result jsonb, artifacts jsonb, peak_rss bigint,
            cpu_seconds double precision, wall_seconds double precision, delay double precision)
    ), held AS (
        SELECT i.* FROM processing_file f
        JOIN incoming i ON f.id = i.id AND f.attempt = i.attempt
        WHERE f.status = 'Processing'
        ORDER BY f.id
        FOR UPDATE OF f
    )
    UPDATE processing_file f SET
        status = held.status,
        outcome = held.outcome, message = held.message, signal = held.signal,
        failures = f.failures + (held.status = 'Waiting' AND held.outcome <> 'cancelled')::int,
        row_count = held.row_count, column_count = held.column_count,
        result = CASE WHEN held.result = 'null'::jsonb THEN NULL ELSE held.result END,
        artifacts = held.artifacts,
        peak_rss = held.peak_rss, cpu_seconds = held.cpu_seconds,
        wall_seconds = held.wall_seconds,
        lease_until = NULL, progress = NULL, stage = NULL,
        due_at = CASE WHEN held.delay IS NOT NULL
                      THEN clock_timestamp() + make_interval(secs => held.delay) END,
        finished_at = CASE WHEN held.status <> 'Waiting' THEN clock_timestamp() END
    FROM held WHERE f.id = held.id
    RETURNING {_RETURNING}
""")


async def finish(connection: AsyncConnection, ends: Sequence[Finish]) -> list[ProcessingFile]:
    """Write how attempts ended; return the rows whose attempt was still the current one."""
    return [record(row) for row in await connection.execute(_FINISH, {"rows": _rows(ends)})]


_HAND_BACK = text(f"""
    WITH held AS (
        SELECT f.id FROM processing_file f
        JOIN unnest(CAST(:ids AS bigint[]), CAST(:attempts AS int[])) AS mine(id, attempt)
          ON f.id = mine.id AND f.attempt = mine.attempt
        WHERE f.status = 'Processing'
        ORDER BY f.id
        FOR UPDATE OF f
    )
    UPDATE processing_file f SET
        status = 'Waiting', worker = NULL, lease_until = NULL,
        progress = NULL, stage = NULL, started_at = NULL
    FROM held WHERE f.id = held.id
    RETURNING {_RETURNING}
""")


async def hand_back(connection: AsyncConnection, held: Mapping[int, int]) -> list[ProcessingFile]:
    """Return ``held`` (id → attempt) to Waiting without counting the attempt as a failure."""
    parameters = {"ids": list(held), "attempts": list(held.values())}
    return [record(row) for row in await connection.execute(_HAND_BACK, parameters)]


_LEAVE = text(f"""
    UPDATE processing_file f SET
        status = :target,
        outcome = CASE WHEN :target = 'Canceled' THEN 'cancelled' ELSE f.outcome END,
        message = CASE WHEN :target = 'Canceled' THEN 'Cancelled by a user.' ELSE f.message END,
        artifacts = CASE WHEN :target = 'Removed' THEN '[]'::jsonb ELSE f.artifacts END,
        lease_until = NULL, due_at = NULL, progress = NULL, stage = NULL,
        finished_at = coalesce(f.finished_at, clock_timestamp())
    WHERE f.id = :id AND f.status = ANY(CAST(:sources AS text[]))
    RETURNING {_RETURNING}
""").bindparams(bindparam("target", type_=processing_file.c.status.type))


async def leave(connection: AsyncConnection, file_id: int, target: Status) -> ProcessingFile | None:
    """Move a file to Canceled or Removed if its status allows that; None where it does not."""
    parameters = {"id": file_id, "target": target.value, "sources": sources_of(target)}
    row = (await connection.execute(_LEAVE, parameters)).one_or_none()
    return record(row) if row is not None else None


_RESTART = text(f"""
    UPDATE processing_file f SET
        status = 'Waiting', failures = 0, worker = NULL, due_at = NULL,
        outcome = NULL, message = NULL, signal = NULL,
        peak_rss = NULL, cpu_seconds = NULL, wall_seconds = NULL,
        started_at = NULL, finished_at = NULL
    WHERE f.id = :id AND f.status <> 'Processing' AND f.status = ANY(CAST(:sources AS text[]))
    RETURNING {_RETURNING}
""")


async def restart(connection: AsyncConnection, file_id: int) -> ProcessingFile | None:
    """Put an ended file back to Waiting as if it were new; None where its status forbids it.

    The attempt goes on counting: it fences off what came before.
    """
    parameters = {"id": file_id, "sources": sources_of(Status.WAITING)}
    row = (await connection.execute(_RESTART, parameters)).one_or_none()
    return record(row) if row is not None else None


_RELEASE_DUE = text("""
    WITH due AS (
        SELECT id FROM processing_file
        WHERE status = 'Waiting' AND due_at <= now()
        ORDER BY id LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    UPDATE processing_file f SET due_at = NULL FROM due WHERE f.id = due.id
    RETURNING f.id, f.handler
""")


async def release_due(connection: AsyncConnection, *, limit: int) -> list[tuple[int, str]]:
    """Clear the due time of retries whose time has come; return their (id, handler)."""
    rows = await connection.execute(_RELEASE_DUE, {"limit": limit})
    return [(row.id, row.handler) for row in rows]
