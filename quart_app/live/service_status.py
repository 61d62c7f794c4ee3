"""What a user should know of the servers and the workers."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from processing.models import WorkerInfo

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Condition:
    """``away``: silent servers; ``waits``: what workers wait for; ``idle``: no worker runs."""

    away: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    idle: bool = False

    @property
    def troubled(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.away or self.waits or self.idle)


class Watch:
    """What is known of servers and workers so far."""

    def __init__(self) -> None:
        self._away = {"Redis": False, "PostgreSQL": False}
        self._workers: Sequence[WorkerInfo] | None = None

    def note(self, service: str, *, away: bool) -> bool:
        """Note whether a server answers; return whether that is news."""
        if self._away[service] == away:
            return False
        self._away[service] = away
        logger.warning("%s %s", service, "is away" if away else "is back")
        return True

    def note_workers(self, workers: Sequence[WorkerInfo]) -> bool:
        """Note which workers live; return whether users should hear of it."""
        before, self._workers = self.condition, tuple(workers)
        return self.condition != before

    @property
    def condition(self) -> Condition:
        """What is wrong, if anything is."""
        away = tuple(service for service, away in self._away.items() if away)
        known = self._workers or ()
        waits = tuple(dict.fromkeys(worker.waits_for for worker in known if worker.waits_for))
        return Condition(away, waits, idle=self._workers == ())
