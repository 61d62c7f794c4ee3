"""Listing files: filtered, sorted, paged and counted."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from processing.errors import BadQuery
from processing.models import ProcessingFile
from processing.repository.rows import RETURNING_FILE, file_from_row
from processing.states import OPEN_STATUSES, Status


class Sort(StrEnum):
    """A sort key; a minus means descending."""

    NEWEST = "-id"
    OLDEST = "id"
    NAME = "name"
    NAME_DOWN = "-name"
    SMALLEST = "size"
    LARGEST = "-size"
    FEWEST_ROWS = "rows"
    MOST_ROWS = "-rows"
    QUICKEST = "seconds"
    SLOWEST = "-seconds"


# The SQL expression of each sort key, never null, and its type; the id breaks ties.
_KEYS = {
    "id": ("f.id", "bigint"),
    "name": ("f.name", "text"),
    "size": ("f.size", "bigint"),
    "rows": ("coalesce(f.row_count, -1)", "bigint"),
    "seconds": (
        "coalesce(extract(epoch FROM f.finished_at - f.started_at), -1)::double precision",
        "double precision",
    ),
}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: the sort key and the id of its last row."""

    key: str
    id: int

    @classmethod
    def parse(cls, token: str) -> Self:
        """Read what :meth:`__str__` wrote. Raises BadQuery for anything else."""
        try:
            padded = token + "=" * (-len(token) % 4)
            key, file_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            if not isinstance(key, str) or type(file_id) is not int or abs(file_id) >= 2**63:
                raise ValueError(token)
            key.encode()
        except (ValueError, binascii.Error, TypeError, RecursionError) as error:
            raise BadQuery("The cursor is invalid; start again without one.") from error
        return cls(key, file_id)

    def __str__(self) -> str:
        written = json.dumps([self.key, self.id], ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(written).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files, in what order; by default all, newest first."""

    statuses: frozenset[Status] = frozenset()
    search: str = ""
    handler: str = ""
    sha256: str = ""
    sort: Sort = Sort.NEWEST

    def where(self) -> tuple[list[str], dict[str, Any]]:
        """Return SQL conditions on ``f`` and their parameters."""
        conditions, parameters = list[str](), dict[str, Any]()
        if self.statuses:
            conditions.append(_status_condition(self.statuses))
        if self.search:
            escaped = "".join("\\" + c if c in "\\%_" else c for c in self.search)
            parameters["search"] = f"%{escaped}%"
            conditions.append("f.name ILIKE :search")
        for name in ("handler", "sha256"):
            if value := getattr(self, name):
                parameters[name] = value
                conditions.append(f"f.{name} = :{name}")
        return conditions, parameters


def _status_condition(statuses: frozenset[Status]) -> str:
    """Build a condition that the partial indexes of open and of finished files can serve."""
    parts = []
    if open_statuses := _quoted(statuses & OPEN_STATUSES):
        parts.append(f"(f.finished_at IS NULL AND f.status IN ({open_statuses}))")
    if finished := _quoted(statuses - OPEN_STATUSES - {Status.OK}):
        parts.append(f"(f.ended_as <> 'Ok' AND f.ended_as IN ({finished}))")
    if Status.OK in statuses:
        parts.append("f.ended_as = 'Ok'")
    return f"({' OR '.join(parts)})"


def _quoted(statuses: frozenset[Status]) -> str:
    return ", ".join(f"'{status}'" for status in sorted(statuses))


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order, without their results; ``next`` is None on the last page."""

    files: list[ProcessingFile]
    next: Cursor | None


async def list_files(
    connection: AsyncConnection,
    *,
    limit: int,
    selection: Selection | None = None,
    after: Cursor | None = None,
) -> Page:
    """Read at most ``limit`` rows after ``after``.

    Raises:
        BadQuery: ``after`` belongs to another sort order.
    """
    chosen = selection or Selection()
    key, kind = _KEYS[chosen.sort.lstrip("-")]
    down = chosen.sort.startswith("-")
    conditions, parameters = chosen.where()
    if after is not None:
        parameters |= {"after_key": _parse_key(after.key, kind), "after_id": after.id}
        compared = f"({key}, f.id) {'<' if down else '>'} (CAST(:after_key AS {kind}), :after_id)"
        conditions.append(compared if key != "f.id" else f"f.id {'<' if down else '>'} :after_id")
        if key == "f.id":
            del parameters["after_key"]
    way = "DESC" if down else "ASC"
    order = f"f.id {way}" if key == "f.id" else f"{key} {way}, f.id {way}"
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    statement = text(
        f"SELECT {RETURNING_FILE}, {key} AS sort_key FROM processing_file f {where} "
        f"ORDER BY {order} LIMIT :limit"
    )
    result = await connection.execute(statement, parameters | {"limit": limit + 1})
    rows = [dict(row) for row in result.mappings()]
    keys = [row.pop("sort_key") for row in rows]
    files = [file_from_row(row) for row in rows[:limit]]
    more = len(rows) > limit and files
    return Page(files, Cursor(str(keys[limit - 1]), files[-1].id) if more else None)


def _parse_key(key: str, kind: str) -> str | int | float:
    try:
        if kind == "bigint":
            return _checked_bigint(int(key))
        return float(key) if kind == "double precision" else key.replace("\0", "")
    except ValueError as error:
        raise BadQuery(
            "The cursor belongs to another sort order; start again without one."
        ) from error


def _checked_bigint(number: int) -> int:
    if abs(number) >= 2**63:
        raise ValueError(number)
    return number


# Reads only three indexes; the Ok files are the total minus all others.
_COUNTS = text("""
    SELECT status, count(*) AS files FROM processing_file WHERE finished_at IS NULL GROUP BY status
    UNION ALL
    SELECT ended_as, count(*) FROM processing_file WHERE ended_as <> 'Ok' GROUP BY ended_as
    UNION ALL
    SELECT 'all', count(*) FROM processing_file
""")


async def count_files(connection: AsyncConnection) -> Mapping[Status, int]:
    """Count the files of each status."""
    found = {row.status: int(row.files) for row in await connection.execute(_COUNTS)}
    total = found.pop("all")
    return {
        status: found.get(status, 0) if status != Status.OK else total - sum(found.values())
        for status in Status
    }


@dataclass(frozen=True, slots=True)
class Depth:
    """Queue depth; ``oldest_seconds`` is the age of the job that has waited longest."""

    waiting: int
    running: int
    oldest_seconds: float | None


_DEPTH = text("""
    SELECT count(*) FILTER (WHERE status = 'Waiting') AS waiting,
           count(*) FILTER (WHERE status = 'Processing') AS running,
           extract(epoch FROM now() - min(uploaded_at) FILTER (WHERE status = 'Waiting'))
    FROM processing_file WHERE finished_at IS NULL
""")


async def queue_depth(connection: AsyncConnection) -> Depth:
    """Count the jobs that wait and those that run."""
    waiting, running, oldest = (await connection.execute(_DEPTH)).one()
    return Depth(waiting, running, None if oldest is None else max(0.0, float(oldest)))


async def stored_bytes(connection: AsyncConnection) -> int:
    """Sum the sizes of stored uploads; unfinished ones count with their full length."""
    statement = text("""
        SELECT (SELECT coalesce(sum(size), 0) FROM processing_file WHERE status <> 'Removed')
             + (SELECT coalesce(sum(length), 0) FROM upload WHERE file_id IS NULL)
    """)
    return int((await connection.execute(statement)).scalar_one())
