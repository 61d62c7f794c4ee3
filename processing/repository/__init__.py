"""All the SQL. Every function takes its connection first and is one statement.

Statements that touch many rows lock them in the order of their ids, so that two batches which
overlap wait for each other instead of deadlocking.
"""

from processing.repository.attempts import (
    list_attempts,
)
from processing.repository.claims import (
    claim,
    hand_back,
    renew,
)
from processing.repository.ends import (
    Finish,
    ProgressReport,
    finish,
    set_figures,
    set_progress,
)
from processing.repository.files import (
    NewFile,
    get_changes,
    get_file,
    get_files,
    insert_file,
    list_files,
    next_id,
)
from processing.repository.requests import (
    delete,
    expire,
    restart,
)
from processing.repository.upkeep import (
    clear_due,
    delete_worker,
    due_files,
    forget_silent_workers,
    list_handlers,
    list_workers,
    newest_id,
    open_files,
    ping,
    release_sweep_lock,
    schema_revision,
    set_announced,
    try_sweep_lock,
    unannounced,
    upsert_handlers,
    upsert_worker,
)

__all__ = [
    "Finish",
    "NewFile",
    "ProgressReport",
    "claim",
    "clear_due",
    "delete",
    "delete_worker",
    "due_files",
    "expire",
    "finish",
    "forget_silent_workers",
    "get_changes",
    "get_file",
    "get_files",
    "hand_back",
    "insert_file",
    "list_attempts",
    "list_files",
    "list_handlers",
    "list_workers",
    "newest_id",
    "next_id",
    "open_files",
    "ping",
    "release_sweep_lock",
    "renew",
    "restart",
    "schema_revision",
    "set_announced",
    "set_figures",
    "set_progress",
    "try_sweep_lock",
    "unannounced",
    "upsert_handlers",
    "upsert_worker",
]
