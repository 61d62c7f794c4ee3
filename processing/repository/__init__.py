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
from processing.repository.commands import (
    delete,
    expire,
    restart,
)
from processing.repository.files import (
    NewFile,
    earlier_copy,
    get_changes,
    get_file,
    get_files,
    insert_file,
    insert_file_once,
    insert_uploaded_file,
    next_id,
)
from processing.repository.handlers import list_handlers, upsert_handlers
from processing.repository.health import ping, schema_revision
from processing.repository.listing import (
    Cursor,
    Depth,
    Page,
    Selection,
    Sort,
    count_files,
    list_files,
    queue_depth,
    stored_bytes,
)
from processing.repository.results import (
    AttemptResult,
    ProgressReport,
    finish,
    set_progress,
    set_usage,
)
from processing.repository.sweep import (
    clear_due,
    due_files,
    newest_id,
    open_files,
    release_sweep_lock,
    set_announced,
    try_sweep_lock,
    unannounced,
)
from processing.repository.uploads import (
    delete_upload,
    expire_uploads,
    get_upload,
    insert_upload,
    keep_upload,
    known_uploads,
)
from processing.repository.workers import (
    delete_worker,
    forget_silent_workers,
    list_heartbeats,
    list_workers,
    upsert_worker,
)

__all__ = [
    "AttemptResult",
    "Cursor",
    "Depth",
    "NewFile",
    "Page",
    "ProgressReport",
    "Selection",
    "Sort",
    "claim",
    "clear_due",
    "count_files",
    "delete",
    "delete_upload",
    "delete_worker",
    "due_files",
    "earlier_copy",
    "expire",
    "expire_uploads",
    "finish",
    "forget_silent_workers",
    "get_changes",
    "get_file",
    "get_files",
    "get_upload",
    "hand_back",
    "insert_file",
    "insert_file_once",
    "insert_upload",
    "insert_uploaded_file",
    "keep_upload",
    "known_uploads",
    "list_attempts",
    "list_files",
    "list_handlers",
    "list_heartbeats",
    "list_workers",
    "newest_id",
    "next_id",
    "open_files",
    "ping",
    "queue_depth",
    "release_sweep_lock",
    "renew",
    "restart",
    "schema_revision",
    "set_announced",
    "set_progress",
    "set_usage",
    "stored_bytes",
    "try_sweep_lock",
    "unannounced",
    "upsert_handlers",
    "upsert_worker",
]
