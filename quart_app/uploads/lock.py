"""The lock of a resumable upload's bytes, handed over between requests.

It is the kernel's lock on the file, so it needs no process to remember it.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from processing.errors import UploadLocked
from processing.models import ResumableUpload
from processing.partial_uploads import ResumablePartialUpload
from processing.storage import Storage

# The lock's holder checks twice a second whether another request asks for it, and may have to
# finish a write first.
LOCK_SECONDS = 10.0
LOCK_PAUSE_SECONDS = 0.05


@asynccontextmanager
async def locked(
    storage: Storage, upload: ResumableUpload
) -> AsyncIterator[ResumablePartialUpload]:
    """Hold the lock of an upload's bytes inside the block.

    The current holder is asked to release it: its connection may be dead, and the client is back
    with this request.

    Raises:
        NotFound: the bytes are gone.
        UploadLocked: the holder does not release the lock.
    """
    partial = await asyncio.to_thread(storage.open_resumable, upload.id, upload.length)
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while not await asyncio.to_thread(partial.lock):
            if time.monotonic() > deadline:
                raise UploadLocked("Another request is still writing to this upload.")
            partial.request_takeover()
            await asyncio.sleep(LOCK_PAUSE_SECONDS)
        yield partial
    finally:
        partial.close()
