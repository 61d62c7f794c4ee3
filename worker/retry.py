"""When a failed job is retried."""

import random

BASE_SECONDS = 2.0
MAX_SECONDS = 300.0


def delay(failures: int, max_failures: int) -> float | None:
    """Return the seconds until the next attempt after ``failures`` earlier failures and this one.

    None means no further attempt: this was failure number ``max_failures``. The delay is random
    between :data:`BASE_SECONDS` and a bound that doubles with every failure up to
    :data:`MAX_SECONDS`, so that jobs that failed together are not retried together (Brooker,
    "Exponential Backoff And Jitter", 2015).
    """
    if failures + 1 >= max_failures:
        return None
    doublings = min(failures + 1, 10)  # more would only exceed the cap, and at last a float
    bound = min(MAX_SECONDS, BASE_SECONDS * 2**doublings)
    return random.uniform(BASE_SECONDS, bound)  # noqa: S311
