"""A task on its way through the pool, and every way it can end."""

from collections.abc import Callable
from typing import Any

from processing.models import Usage
from worker import frames
from worker.limits import Exceeded


class ChildDied(Exception):
    """The child ended without an answer; ``exitcode`` is negative for a signal."""

    def __init__(self, exitcode: int | None) -> None:
        super().__init__(f"exit code {exitcode}")
        self.exitcode = exitcode


class BadAnswer(Exception):
    """The child sent something that is not a message of ours."""


class HungUp(Exception):
    """The child closed its end and lived on, until it was killed."""


class LimitExceeded(Exception):
    """The job wanted more of something than it may have."""

    def __init__(self, exceeded: Exceeded, message: str) -> None:
        super().__init__(message)
        self.exceeded = exceeded


class Withdrawn(Exception):
    """The task was taken back before a child had begun with it."""


# What a child answered, or why there is no answer.
Ending = dict[str, Any] | Exception


class Ticket:
    """A task on its way through the pool.

    ``on_end`` is called once, with the child's answer or with ChildDied, HungUp, BadAnswer,
    LimitExceeded or Withdrawn. The figures (seconds, bytes) of a task that got no answer are what
    was seen of its process until its end.
    """

    __slots__ = (
        "began", "folder", "key", "message", "on_end", "on_progress", "reason", "usage",
    )  # fmt: skip

    def __init__(
        self,
        task: frames.Task,
        on_end: Callable[[Ending], None],
        on_progress: Callable[[float, str], None],
    ) -> None:
        """Raises FrameTooLarge: the task's options do not fit."""
        self.key = task.key
        self.folder = task.folder
        self.message = task.encode()
        self.on_end = on_end
        self.on_progress = on_progress
        self.began: float | None = None
        self.reason: Exception | None = None
        self.usage = Usage()
