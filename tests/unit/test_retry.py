"""When a failed job is retried: after growing, jittered, capped delays, until MAX_FAILURES."""

import pytest

from worker import retry

BOUNDS = [4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0, 300.0, 300.0]


def delays(failures: int) -> list[float]:
    found = [retry.delay(failures, failures + 2) for _ in range(500)]
    assert None not in found
    return [delay for delay in found if delay is not None]


@pytest.mark.parametrize(("failures", "bound"), list(enumerate(BOUNDS)))
def test_the_delay_is_spread_up_to_a_bound_that_doubles(failures: int, bound: float) -> None:
    found = delays(failures)
    assert all(2.0 <= delay <= bound for delay in found)
    # The chance that none of 500 falls into the lowest or highest tenth is below 1e-22.
    assert min(found) < 2.0 + 0.1 * (bound - 2.0)
    assert max(found) > bound - 0.1 * (bound - 2.0)


def test_the_delay_stays_capped() -> None:
    assert max(delays(5000)) <= 300.0


@pytest.mark.parametrize("max_failures", [1, 2, 3, 10])
def test_the_last_failure_has_no_next_attempt(max_failures: int) -> None:
    allowed = [retry.delay(failures, max_failures) for failures in range(max_failures + 2)]
    assert [delay is not None for delay in allowed] == [True] * (max_failures - 1) + [False] * 3
