"""What programs do with the core, step by step, for tests that stop in between."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from processing import repository
from processing.core import Core
from processing.jobs import Delivery
from processing.lifecycle import Claimed, Upload
from processing.models import Change, Job, ProcessingFile
from processing.repository import AttemptResult
from processing.states import (
    OPEN_STATUSES,
    Outcome,
    Status,
)
from processing.stream_reader import START

ME, OTHER = "host:1:aaa", "host:2:bbb"


async def submit(
    core: Core,
    name: str = "a.csv",
    data: bytes = b"a\n1\n",
    handler: str = "profile",
    options: dict[str, object] | None = None,
) -> ProcessingFile:
    partial = core.storage.new_partial(1000)
    partial.write([data])
    digest = partial.complete()
    upload = Upload(
        source=partial.path,
        size=len(data),
        name=name,
        sha256=digest,
        handler=handler,
        options=options or {},
    )
    return await core.lifecycle.submissions.submit(upload)


async def take(
    core: Core,
    deliveries: Sequence[Delivery],
    worker: str = ME,
    lease: float = 30.0,
    max_failures: int = 3,
) -> list[Claimed]:
    """Claim and settle, as a worker does."""
    claims = await core.lifecycle.jobs.claim(
        deliveries, worker=worker, lease_seconds=lease, max_failures=max_failures
    )
    await core.lifecycle.jobs.settle(claims)
    return list(claims.started)


async def claim_all(core: Core, worker: str = ME, lease: float = 30.0) -> list[Claimed]:
    await core.jobs.ensure_group()
    return await take(core, await core.jobs.read(worker, 100), worker, lease)


async def row_of(core: Core, file_id: int) -> ProcessingFile:
    async with core.database.connect() as connection:
        file = await repository.get_file(connection, file_id)
    assert file is not None
    return file


async def finish(core: Core, claimed: Claimed, status: Status = Status.OK, **more: Any) -> Change:
    """Record the result and announce it, as a worker does."""
    (change,) = await core.lifecycle.jobs.record_results([end(claimed.job, status, **more)])
    await core.lifecycle.jobs.announce_results([change], {change.id: claimed.delivery})
    return change


async def status_of(core: Core, file_id: int) -> Status:
    return (await row_of(core, file_id)).status


async def force(core: Core, file_id: int, status: Status) -> None:
    """Put a row into a status, whatever it was."""
    lease = "now() + interval '1 hour'" if status == Status.PROCESSING else "NULL"
    ended = "NULL" if status in OPEN_STATUSES else "now()"
    statement = (
        f"UPDATE processing_file SET status = :s, lease_until = {lease}, finished_at = {ended} "
        "WHERE id = :i"
    )
    async with core.database.connect() as connection:
        await connection.execute(text(statement), {"s": status.value, "i": file_id})


def end(file: ProcessingFile | Job, status: Status = Status.OK, **more: object) -> AttemptResult:
    outcome = Outcome.SUCCEEDED if status == Status.OK else Outcome.FAILED
    return AttemptResult(id=file.id, attempt=file.attempt, status=status, outcome=outcome, **more)  # type: ignore[arg-type]


async def status_events(core: Core, file_id: int) -> list[str]:
    entries = await core.events.read(START)
    return [e.status for _, e in entries if e and e.type == "status" and e.file_id == file_id]
