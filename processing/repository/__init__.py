"""All the SQL. Every function takes its connection first and runs one statement.

Each module uses either pooled connections or dedicated ones, never both. Statements that change
many rows lock them in the order of their ids, so that two overlapping batches wait for each other
instead of deadlocking.
"""

from processing.repository.attempts import list_attempts
from processing.repository.claims import claim
from processing.repository.commands import delete, expire, restart
from processing.repository.files import get_changes, get_file, get_files
from processing.repository.handlers import list_handlers, upsert_handlers
from processing.repository.health import ping, schema_revision
from processing.repository.leases import hand_back, renew
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
from processing.repository.progress import ProgressReport, set_cancelled_usage, set_progress
from processing.repository.results import AttemptResult, record_results
from processing.repository.submissions import (
    NewFile,
    earlier_copy,
    insert_file,
    insert_file_once,
    insert_uploaded_file,
    next_id,
)
from processing.repository.sweep import (
    clear_due,
    due_files,
    newest_id,
    open_files,
    release_sweep_lock,
    set_announced,
    try_sweep_lock,
    unannounced_changes,
)
from processing.repository.uploads import (
    delete_upload,
    expire_uploads,
    extend_upload,
    get_upload,
    insert_upload,
    unfinished_uploads,
)
from processing.repository.workers import (
    delete_silent_workers,
    delete_worker,
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
    "delete_silent_workers",
    "delete_upload",
    "delete_worker",
    "due_files",
    "earlier_copy",
    "expire",
    "expire_uploads",
    "extend_upload",
    "get_changes",
    "get_file",
    "get_files",
    "get_upload",
    "hand_back",
    "insert_file",
    "insert_file_once",
    "insert_upload",
    "insert_uploaded_file",
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
    "record_results",
    "release_sweep_lock",
    "renew",
    "restart",
    "schema_revision",
    "set_announced",
    "set_cancelled_usage",
    "set_progress",
    "stored_bytes",
    "try_sweep_lock",
    "unannounced_changes",
    "unfinished_uploads",
    "upsert_handlers",
    "upsert_worker",
]
