"""Queues a committed file."""

import logging

from processing.errors import RedisUnavailable
from processing.models import ProcessingFile
from processing.outbox import Announcement, AnnounceWhen, Outbox

logger = logging.getLogger(__name__)


async def queue(outbox: Outbox, file: ProcessingFile, when: AnnounceWhen) -> None:
    """Add the job entry of a committed file and announce its status.

    If Redis is unavailable this raises nothing: the sweep adds the entry when Redis is back.
    """
    try:
        announcement = Announcement.status(file, when)
        await outbox.send([announcement], queue=[(file.id, file.handler)])
    except RedisUnavailable as error:
        logger.warning("file %d is not queued until Redis is back: %s", file.id, error)
