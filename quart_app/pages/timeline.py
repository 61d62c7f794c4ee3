"""The history of a file, step by step, from its row and its attempts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from processing.models import Attempt, ProcessingFile, Usage
from processing.states import Status
from quart_app.messages import capitalized


@dataclass(frozen=True, slots=True)
class Step:
    """One change of status; ``seconds`` and ``usage`` are those of the attempt that ended."""

    at: datetime
    title: str
    status: str
    attempt: int | None = None
    worker: str | None = None
    message: str | None = None
    seconds: float | None = None
    usage: Usage = field(default_factory=Usage)


def timeline(file: ProcessingFile, earlier: Sequence[Attempt]) -> list[Step]:
    """Every step of ``file``, the oldest first."""
    steps = [Step(file.uploaded_at, "Uploaded", Status.WAITING)]
    for attempt in earlier:
        steps += _attempt_steps(attempt)
    steps += _current_steps(file, {attempt.attempt for attempt in earlier})
    return steps


def _attempt_steps(attempt: Attempt) -> Iterator[Step]:
    where = {"attempt": attempt.attempt, "worker": attempt.worker}
    if attempt.started_at is not None:
        yield Step(attempt.started_at, "Started", Status.PROCESSING, **where)  # type: ignore[arg-type]
    yield Step(
        attempt.finished_at,
        capitalized(attempt.outcome),
        Status.WAITING,
        attempt=attempt.attempt,
        message=attempt.message,
        seconds=_seconds_between(attempt.started_at, attempt.finished_at),
        usage=attempt.usage,
    )


def _current_steps(file: ProcessingFile, known: set[int]) -> Iterator[Step]:
    if file.attempt in known:
        return
    if file.started_at is not None:
        yield Step(
            file.started_at, "Started", Status.PROCESSING, attempt=file.attempt, worker=file.worker
        )
    if file.finished_at is not None:
        removed = file.status == Status.REMOVED
        yield Step(
            file.finished_at,
            capitalized(file.outcome or file.status),
            Status.OK if removed else file.status,
            attempt=file.attempt or None,
            message=None if removed else file.message,
            seconds=_seconds_between(file.started_at, file.finished_at),
            usage=file.usage,
        )


def _seconds_between(start: datetime | None, end: datetime) -> float | None:
    return None if start is None else max(0.0, (end - start).total_seconds())
