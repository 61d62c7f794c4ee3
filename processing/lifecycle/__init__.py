"""The one place that changes a status. Each change: commit, publish the event, then ack.

A crash between two of these steps repeats the later one; it never skips it.
"""

from processing.database import Database
from processing.jobs import Jobs
from processing.lifecycle.file_commands import FileCommands, Upload
from processing.lifecycle.job_transitions import Claimed, Claims, JobTransitions
from processing.outbox import Outbox
from processing.storage import Storage

__all__ = ["Claimed", "Claims", "FileCommands", "JobTransitions", "Lifecycle", "Upload"]


class Lifecycle:
    """Every transition of a processing file.

    ``files`` holds what users and the clock ask for, ``jobs`` what workers do.
    """

    def __init__(self, database: Database, jobs: Jobs, outbox: Outbox, storage: Storage) -> None:
        self.files = FileCommands(database, outbox, storage)
        self.jobs = JobTransitions(database, jobs, outbox)
