"""A task in the pool, and every way it can end."""

from collections.abc import Callable

from processing.models import Usage
from worker.answers import Answer
from worker.ipc_protocol import Task
from worker.limits import Exceeded


class ChildDied(Exception):
    """The child ended without an answer; ``exitcode`` is negative for a signal, None if unknown."""

    def __init__(self, exitcode: int | None) -> None:
        super().__init__(f"exit code {exitcode}")
        self.exitcode = exitcode


class Disconnected(Exception):
    """The child closed its connection but kept running, until it was killed."""


class LimitExceeded(Exception):
    """The job exceeded a limit; the message names it."""

    def __init__(self, exceeded: Exceeded, message: str) -> None:
        super().__init__(message)
        self.exceeded = exceeded


class Unqueued(Exception):
    """The task was removed from the queue before a child started it."""


# The child's answer, or why there is none.
TaskResult = Answer | Exception


class PoolTask:
    """A task with its callbacks.

    ``on_result`` is called once: with the child's answer, or with ChildDied, Disconnected,
    InvalidAnswer, LimitExceeded, Unqueued or MessageTooLarge. The ``usage`` of a task without an
    answer is what was last measured of its process.
    """

    __slots__ = (
        "folder", "key", "kill_reason", "message", "on_progress", "on_result", "started_at",
        "usage",
    )  # fmt: skip

    def __init__(
        self,
        task: Task,
        on_result: Callable[[TaskResult], None],
        on_progress: Callable[[float, str], None],
    ) -> None:
        """Raises MessageTooLarge: the task's options do not fit."""
        self.key = task.key
        self.folder = task.folder
        self.message = task.encode()
        self.on_result = on_result
        self.on_progress = on_progress
        self.started_at: float | None = None
        self.kill_reason: Exception | None = None
        self.usage = Usage()
