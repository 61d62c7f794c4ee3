"""What every transition needs."""

from processing.database import Database
from processing.jobs import Jobs
from processing.outbox import Outbox
from processing.storage import Storage


class Parts:
    """The servers and the disk."""

    def __init__(self, database: Database, jobs: Jobs, outbox: Outbox, storage: Storage) -> None:
        self._database = database
        self._jobs = jobs
        self._outbox = outbox
        self._storage = storage
        # Lanes of their own, so that claims and ends do not wait for one another.
        self._accepting, self._claiming, self._finishing = (database.lane() for _ in range(3))
