"""Earlier attempts: an attempt that another one follows leaves a line."""

from dataclasses import fields

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.models import Attempt, attempt
from processing.states import Outcome

# The head of the INSERT inside the statements that make way for another attempt.
KEEP = """
    INSERT INTO attempt (file_id, attempt, worker, outcome, message, signal, peak_rss,
                         cpu_seconds, wall_seconds, started_at, finished_at)
"""
_COLUMNS = [attempt.c[field.name] for field in fields(Attempt)]


async def list_attempts(connection: AsyncConnection, file_id: int) -> list[Attempt]:
    """Read the attempts at a file before its last one, oldest first."""
    statement = select(*_COLUMNS).where(attempt.c.file_id == file_id).order_by(attempt.c.attempt)
    rows = (await connection.execute(statement)).mappings()
    return [Attempt(**{**row, "outcome": Outcome(row["outcome"])}) for row in rows]
