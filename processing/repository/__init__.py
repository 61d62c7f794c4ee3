"""All the SQL. Every function takes its connection first and is one statement.

Statements that touch many rows lock them in the order of their ids, so that two batches which
overlap wait for each other instead of deadlocking.
"""

from processing.repository.files import (
    NewFile,
    get_file,
    get_files,
    insert_file,
    list_files,
    next_id,
)
from processing.repository.transitions import (
    Finish,
    ProgressReport,
    claim,
    finish,
    hand_back,
    leave,
    release_due,
    renew,
    restart,
    set_progress,
)
from processing.repository.upkeep import (
    list_handlers,
    open_files,
    ping,
    release_sweep_lock,
    schema_revision,
    try_sweep_lock,
    upsert_handlers,
)

__all__ = [
    "Finish",
    "NewFile",
    "ProgressReport",
    "claim",
    "finish",
    "get_file",
    "get_files",
    "hand_back",
    "insert_file",
    "leave",
    "list_files",
    "list_handlers",
    "next_id",
    "open_files",
    "ping",
    "release_due",
    "release_sweep_lock",
    "renew",
    "restart",
    "schema_revision",
    "set_progress",
    "try_sweep_lock",
    "upsert_handlers",
]
