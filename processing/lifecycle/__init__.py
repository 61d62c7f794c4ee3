"""The only code that changes a status. Every change commits, publishes its event, then acks.

After a crash between two of these steps the later step is repeated, never skipped.
"""

from processing.database import Database
from processing.jobs import Jobs
from processing.lifecycle.file_commands import FileCommands
from processing.lifecycle.job_transitions import Claimed, Claims, JobTransitions
from processing.lifecycle.submissions import Submissions, Upload
from processing.outbox import Outbox
from processing.storage import Storage

__all__ = [
    "Claimed",
    "Claims",
    "FileCommands",
    "JobTransitions",
    "Lifecycle",
    "Submissions",
    "Upload",
]


class Lifecycle:
    """Every transition of a processing file.

    ``submissions`` accepts new files; ``files`` holds the transitions that users and expiry ask
    for, ``jobs`` those that workers make.
    """

    def __init__(self, database: Database, jobs: Jobs, outbox: Outbox, storage: Storage) -> None:
        self.submissions = Submissions(database, outbox, storage)
        self.files = FileCommands(database, outbox, storage)
        self.jobs = JobTransitions(database, jobs, outbox)
