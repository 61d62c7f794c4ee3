"""Cancel, delete or retry many files at once, skipping those whose status does not allow it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from processing.core import Core
from processing.errors import BadForm, Conflict, NotFound
from processing.states import OPEN_STATUSES, Status
from quart_app import messages

MAX_FILES = 500


class Action(StrEnum):
    """What to do with each file."""

    CANCEL = "cancel"
    REMOVE = "remove"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class BulkResult:
    """How many files were changed, and how many were skipped."""

    action: Action
    changed: int
    skipped: int

    def __str__(self) -> str:
        return messages.bulk_result(self.action, self.changed, self.skipped)


async def apply(core: Core, action: Action, file_ids: Sequence[int]) -> BulkResult:
    """Do ``action`` to every file of ``file_ids`` whose status allows it.

    Raises:
        BadForm: no id, or too many.
        ServiceUnavailable: a server is unavailable; some files may have been changed.
    """
    if not file_ids:
        raise BadForm("No files selected.")
    if len(file_ids) > MAX_FILES:
        raise BadForm(f"Select at most {MAX_FILES} files at once.")
    changed = 0
    for file_id in dict.fromkeys(file_ids):
        try:
            changed += await _apply_to_file(core, action, file_id)
        except (Conflict, NotFound):
            continue
    return BulkResult(action, changed, len(set(file_ids)) - changed)


async def _apply_to_file(core: Core, action: Action, file_id: int) -> bool:
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
