"""Statuses, the transitions between them, and the outcomes that explain them."""

from enum import StrEnum


class Status(StrEnum):
    """The state of a processing file, as stored and shown."""

    WAITING = "Waiting"
    PROCESSING = "Processing"
    OK = "Ok"
    ERROR = "Error"
    CANCELED = "Canceled"
    REMOVED = "Removed"


class Outcome(StrEnum):
    """How an attempt ended, as stored and shown."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    BAD_INPUT = "bad input"
    TIMED_OUT = "timed out"
    OUT_OF_CPU_TIME = "out of CPU time"
    OUT_OF_MEMORY = "out of memory"
    TOO_MUCH_OUTPUT = "too much output"
    KILLED = "killed by signal"
    WORKER_LOST = "worker lost"
    CANCELLED = "cancelled"
    HANDED_BACK = "handed back"


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.WAITING: frozenset({Status.PROCESSING, Status.CANCELED}),
    # To itself: reclaimed from a lost worker. To Waiting: handed back, or due for a retry.
    Status.PROCESSING: frozenset(
        {Status.PROCESSING, Status.WAITING, Status.OK, Status.ERROR, Status.CANCELED}
    ),
    Status.OK: frozenset({Status.REMOVED}),
    # To Waiting: retried by a user. To Removed: its data has expired.
    Status.ERROR: frozenset({Status.CANCELED, Status.WAITING, Status.REMOVED}),
    Status.CANCELED: frozenset({Status.WAITING, Status.REMOVED}),
    Status.REMOVED: frozenset(),
}

OPEN_STATUSES = frozenset({Status.WAITING, Status.PROCESSING})
TERMINAL_STATUSES = frozenset(Status) - OPEN_STATUSES


# The status that DELETE changes each status to; the others do not change.
DELETED_AS = {
    Status.WAITING: Status.CANCELED,
    Status.PROCESSING: Status.CANCELED,
    Status.ERROR: Status.CANCELED,
    Status.OK: Status.REMOVED,
}


def sources_of(target: Status) -> list[str]:
    """Return the statuses that may change to ``target``, sorted, for SQL conditions."""
    return sorted(source for source, targets in TRANSITIONS.items() if target in targets)
