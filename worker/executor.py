"""The life of one job, top to bottom: perform, normalize, keep, record."""

import asyncio
import logging
import time
from dataclasses import dataclass, field

from processing.errors import NotFound
from processing.lifecycle import Claimed
from processing.models import Job
from processing.repository import AttemptResult, ProgressReport
from processing.states import Outcome, Status
from processing.storage import Storage
from processing.text import sanitize_text
from worker import frames, outcomes
from worker.limits import Exceeded, Limits
from worker.pool import Pool
from worker.recorder import Recorder
from worker.ticket import Ending, LimitExceeded, Ticket

logger = logging.getLogger(__name__)

REMEMBERED_CANCELS = 1000


@dataclass(slots=True)
class Running:
    """A job of ours; ``revoked`` once its result no longer matters here."""

    claimed: Claimed
    ticket: Ticket = field(init=False)
    revoked: bool = False
    claimed_at: float = field(default_factory=time.monotonic)


class Executor:
    """Runs claimed files in the pool."""

    def __init__(
        self,
        pool: Pool,
        recorder: Recorder,
        storage: Storage,
        limits: Limits,
        *,
        max_failures: int,
    ) -> None:
        self._pool = pool
        self._recorder = recorder
        self._storage = storage
        self._limits = limits
        self._max_failures = max_failures
        self._tasks: set[asyncio.Task[None]] = set()
        self._cancelled: dict[int, int] = {}
        self.running: dict[int, Running] = {}

    async def room(self) -> int:
        """Wait until more jobs are welcome; return how many.

        While there is work in store, not for each one that ends: claimed together they share
        their statements. A slot that has nothing to do waits for nobody.
        """
        while True:
            window, count = self._pool.window, len(self.running)
            free = window - count
            if free > 0 and (count < self._pool.slots or free >= window // 2):
                return free
            self._pool.changed.clear()
            await self._pool.changed.wait()

    async def idle(self) -> None:
        """Wait until nothing runs."""
        while self.running:
            self._pool.changed.clear()
            await self._pool.changed.wait()

    def held(self) -> dict[int, int]:
        """Id → attempt of every job that is ours."""
        return {i: r.claimed.job.attempt for i, r in self.running.items() if not r.revoked}

    def start(self, claimed: Claimed) -> None:
        """Begin a job; it goes on in the background."""
        file = claimed.job
        # The cancel may have been announced while the answer to our claim was on its way.
        if file.attempt <= self._cancelled.pop(file.id, -1):
            return
        running = Running(claimed)
        try:
            running.ticket = Ticket(
                self._task(file),
                lambda ending: self._ended(running, ending),
                lambda progress, stage: self._progressed(file, progress, stage),
            )
        except frames.FrameTooLarge as error:
            self._recorder.ended(
                outcomes.failed(file, f"It cannot start: {error}."), claimed.delivery
            )
            return
        self.running[file.id] = running
        self._pool.submit(running.ticket)

    def cancel(self, file_id: int, attempt: int) -> None:
        """A cancel of ``attempt`` was announced: kill it if it is ours, now or in a moment."""
        running = self.running.get(file_id)
        if running is None:
            self._cancelled[file_id] = attempt
            while len(self._cancelled) > REMEMBERED_CANCELS:
                del self._cancelled[next(iter(self._cancelled))]
        elif running.claimed.job.attempt <= attempt:  # a newer one was started by a retry
            self.revoke(file_id)

    def revoke(self, file_id: int) -> None:
        """Kill one of our jobs, whose result no longer matters here."""
        running = self.running[file_id]
        running.revoked = True
        self._pool.kill(running.ticket)

    def withdraw(self, older_than: float) -> list[Claimed]:
        """Take back jobs that were claimed so many seconds ago and have not begun."""
        now = time.monotonic()
        waiting = [
            running
            for running in self.running.values()
            if not running.revoked
            and now - running.claimed_at >= older_than
            and self._pool.withdraw(running.ticket)
        ]
        for running in waiting:
            running.revoked = True
        return [running.claimed for running in waiting]

    def _task(self, file: Job) -> frames.Task:
        source, folder = self._storage.places(file.id, file.attempt)
        key = f"{file.id}:{file.attempt}"
        return frames.Task(key, file.handler, file.name, source, folder, file.options, file.sha256)

    def _progressed(self, file: Job, progress: float, stage: str) -> None:
        self._recorder.progressed(
            ProgressReport(
                id=file.id, attempt=file.attempt, progress=progress, stage=sanitize_text(stage)
            )
        )

    def _ended(self, running: Running, ending: Ending) -> None:
        """The child has answered, or there is none any more."""
        if not running.revoked and _left_nothing(running, ending):
            self._record(running, self._normalize(running, ending))
            self._leave(running)
            return
        task = asyncio.create_task(self._clear_up(running, ending))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _clear_up(self, running: Running, ending: Ending) -> None:
        """What :meth:`_ended` does, for a job that left something on the disk."""
        file = running.claimed.job
        try:
            if running.revoked:
                await self._drop(running)
            else:
                finish = await self._keep(file, self._normalize(running, ending), ending)
                self._record(running, finish)
        except Exception:
            # One job's life ends here. Unrecorded, its lease runs out and another tries it.
            logger.exception("file %d: attempt %d broke its executor", file.id, file.attempt)
        finally:
            self._leave(running)

    def _normalize(self, running: Running, ending: Ending) -> AttemptResult:
        finish = outcomes.finish(running.claimed.job, ending, self._max_failures)
        return finish if isinstance(ending, dict) else _with_figures(finish, running.ticket)

    def _record(self, running: Running, finish: AttemptResult) -> None:
        self._recorder.ended(finish, running.claimed.delivery)
        if finish.status != Status.OK:
            logger.info("file %d: attempt %d %s", finish.id, finish.attempt, finish.outcome)

    def _leave(self, running: Running) -> None:
        # A retry may have brought the same file back before its cancelled attempt was gone.
        if self.running.get(running.claimed.job.id) is running:
            del self.running[running.claimed.job.id]
        self._pool.changed.set()

    async def _drop(self, running: Running) -> None:
        file, ticket = running.claimed.job, running.ticket
        logger.info("file %d: attempt %d ended on request", file.id, file.attempt)
        if ticket.usage.wall_seconds is not None:
            end = AttemptResult(
                id=file.id,
                attempt=file.attempt,
                status=Status.CANCELED,
                outcome=Outcome.CANCELLED,
            )
            self._recorder.used(_with_figures(end, ticket))
        await asyncio.to_thread(self._storage.discard_attempt, file.id, file.attempt)

    async def _keep(self, file: Job, finish: AttemptResult, ending: Ending) -> AttemptResult:
        """Make what a success wrote durable; delete what any other end has left."""
        wrote = not isinstance(ending, dict) or bool(ending.get("wrote", True))
        if finish.status == Status.OK and (wrote or finish.artifacts or file.attempt > 1):
            finish = await self._seal(file, finish)
        if finish.status != Status.OK and wrote:
            await asyncio.to_thread(self._storage.discard_attempt, file.id, file.attempt)
        return finish

    async def _seal(self, file: Job, finish: AttemptResult) -> AttemptResult:
        try:
            names = [artifact["name"] for artifact in finish.artifacts]
            sizes = await asyncio.to_thread(self._storage.seal, file.id, file.attempt, names)
        except (NotFound, OSError) as error:
            return outcomes.failed(file, f"An artifact cannot be kept: {error}")
        if sum(sizes.values()) > self._limits.output_bytes:
            sentence = self._limits.sentence(Exceeded.OUTPUT)
            return outcomes.finish(file, LimitExceeded(Exceeded.OUTPUT, sentence), 0)
        artifacts = [{**item, "size": sizes[item["name"]]} for item in finish.artifacts]
        return finish._replace(artifacts=artifacts)


def _left_nothing(running: Running, ending: Ending) -> bool:
    """Whether the disk is as it was before the job."""
    file = running.claimed.job
    return (
        isinstance(ending, dict)
        and not ending.get("wrote", True)
        and not ending.get("artifacts")
        and file.attempt == 1
    )


def _with_figures(finish: AttemptResult, ticket: Ticket) -> AttemptResult:
    return finish._replace(usage=ticket.usage)
