"""Earlier attempts: an attempt is archived when another one follows it."""

from dataclasses import fields

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.models import Attempt, Usage
from processing.repository.rows import pop_usage
from processing.states import Outcome
from processing.tables import attempt

_USAGE = Usage._fields
_COLUMNS = [attempt.c[name] for field in fields(Attempt) if (name := field.name) != "usage"]
_COLUMNS += [attempt.c[name] for name in _USAGE]


def archive_attempt(
    source: str,
    *,
    where: str,
    outcome: str = "outcome",
    message: str = "message",
    signal: str = "signal",
    usage: tuple[str, str, str] = _USAGE,
    finished_at: str = "clock_timestamp()",
) -> str:
    """Return the INSERT that archives the attempts in the rows of ``source``.

    ``source`` names a table expression with the columns id, attempt, worker and started_at; the
    other arguments are SQL expressions over its columns, ``usage`` in the order of Usage's fields.
    """
    return f"""
        INSERT INTO attempt (file_id, attempt, worker, started_at, outcome, message, signal,
                             {", ".join(_USAGE)}, finished_at)
        SELECT id, attempt, worker, started_at, {outcome}, {message}, {signal},
               {", ".join(usage)}, {finished_at}
        FROM {source} WHERE {where}
        ON CONFLICT DO NOTHING
    """


async def list_attempts(connection: AsyncConnection, file_id: int) -> list[Attempt]:
    """Read the attempts at a file before its current one, oldest first."""
    statement = select(*_COLUMNS).where(attempt.c.file_id == file_id).order_by(attempt.c.attempt)
    attempts = []
    for row in (await connection.execute(statement)).mappings():
        values = dict(row)
        values["usage"] = pop_usage(values)
        values["outcome"] = Outcome(values["outcome"])
        attempts.append(Attempt(**values))
    return attempts
