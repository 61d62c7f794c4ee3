"""When a job that failed is tried again."""

import random

BASE_SECONDS = 2.0
MOST_SECONDS = 300.0


def delay(failures: int, max_failures: int) -> float | None:
    """Seconds until the next attempt after ``failures`` earlier ones; None: no more attempts.

    Exponential backoff with full jitter, so that jobs that failed together do not come back
    together (Brooker, "Exponential Backoff And Jitter", 2015).
    """
    if failures + 1 >= max_failures:
        return None
    most = min(MOST_SECONDS, BASE_SECONDS * 2 ** (failures + 1))
    return random.uniform(BASE_SECONDS, most)  # noqa: S311
