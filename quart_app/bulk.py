"""The same for many files: cancel, remove or try again those whose status allows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from processing.core import Core
from processing.errors import BadForm, Conflict, NotFound
from processing.states import OPEN_STATUSES, Status

MOST = 500


class Action(StrEnum):
    """What to do."""

    CANCEL = "cancel"
    REMOVE = "remove"
    RETRY = "retry"


DONE = {Action.CANCEL: "canceled", Action.REMOVE: "removed", Action.RETRY: "put in line again"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many were changed, and how many were not what the action is for."""

    done: int
    passed_over: int


async def apply(core: Core, action: Action, file_ids: Sequence[int]) -> Outcome:
    """Do ``action`` to every file of ``file_ids`` that it is for.

    Raises:
        BadForm: none is named, or too many.
        ServiceUnavailable: a server is away; some may be done.
    """
    if not file_ids:
        raise BadForm("No file is chosen; tick some first.")
    if len(file_ids) > MOST:
        raise BadForm(f"At most {MOST} files at once.")
    done = 0
    for file_id in dict.fromkeys(file_ids):
        try:
            done += await _one(core, action, file_id)
        except (Conflict, NotFound):
            continue
    return Outcome(done, len(set(file_ids)) - done)


async def _one(core: Core, action: Action, file_id: int) -> bool:
    match action:
        case Action.CANCEL:
            file = await core.lifecycle.files.delete(file_id, only=OPEN_STATUSES)
            return file.status == Status.CANCELED
        case Action.REMOVE:
            file = await core.lifecycle.files.delete(file_id, only=frozenset({Status.OK}))
            return file.status == Status.REMOVED
        case Action.RETRY:
            await core.lifecycle.files.retry(file_id)
            return True
