"""The records that are read from the tables."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from processing.states import TERMINAL_STATUSES, Outcome, Status


class Usage(NamedTuple):
    """What an attempt used: peak memory in bytes, CPU and wall time in seconds; None if unknown."""

    peak_rss: int | None = None
    cpu_seconds: float | None = None
    wall_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingFile:
    """One row of ``processing_file``. Sizes in bytes, durations in seconds, progress 0–1.

    ``result`` is None if the row was read as part of a list.
    """

    id: int
    name: str
    size: int
    sha256: str
    handler: str
    options: dict[str, Any]
    status: Status
    attempt: int
    failures: int
    worker: str | None
    lease_until: datetime | None
    due_at: datetime | None
    stage: str | None
    progress: float | None
    outcome: Outcome | None
    message: str | None
    signal: int | None
    row_count: int | None
    column_count: int | None
    artifacts: list[dict[str, Any]]
    usage: Usage
    uploaded_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None = None

    @property
    def terminal(self) -> bool:
        """Whether only a user, or KEEP_DAYS, can still change this file."""
        return self.status in TERMINAL_STATUSES

    @property
    def handling_seconds(self) -> float | None:
        """Seconds from the start to the end of the last attempt; None if unknown."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(0.0, (self.finished_at - self.started_at).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumableUpload:
    """A resumable upload; ``length`` in bytes.

    ``file_id`` is the file it became; ``metadata`` is what the client sent; ``owner`` is a digest.
    """

    id: str
    name: str
    length: int
    handler: str
    options: dict[str, Any]
    metadata: str
    owner: str
    idempotency_key: str | None
    file_id: int | None
    created_at: datetime
    expires_at: datetime


class Job(NamedTuple):
    """A claimed row, with only the fields that a worker needs: it claims thousands a second."""

    id: int
    attempt: int
    status: str
    outcome: str | None
    failures: int
    name: str
    handler: str
    options: dict[str, Any]
    sha256: str


class Change(NamedTuple):
    """A changed row, with the fields that an event reports."""

    id: int
    attempt: int
    status: str
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An earlier attempt at a file."""

    attempt: int
    worker: str | None
    outcome: Outcome
    message: str | None
    signal: int | None
    usage: Usage
    started_at: datetime | None
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """A worker as of its last heartbeat; ``waits_for`` says why free slots start no jobs."""

    name: str
    slots: int
    running: int
    waits_for: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(WorkerInfo):
    """A worker with the times of its start and of its last heartbeat."""

    started_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class HandlerInfo:
    """A handler that a worker offers; ``options_schema`` is the JSON Schema of its options."""

    name: str
    title: str
    description: str
    options_schema: dict[str, Any]
