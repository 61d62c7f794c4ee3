"""Quantiles and histogram of a column of numbers or times."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import duckdb

BINS = 20
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Up to so many values the engine sorts them all; of more it draws a sample.
_SORTED = 200_000

# Each distinct value as text, as a number where it is one, and how often it comes.
Counts = Sequence[tuple[str, float | None, int]]


def of_counts(counts: Counts) -> dict[str, Any]:
    """Both from every distinct value, so that they are exact."""
    pairs = sorted([(value, times) for _, value, times in counts if value is not None])
    values = [value for value, _ in pairs]
    upto = list(accumulate([times for _, times in pairs]))
    low, high = values[0], values[-1]
    found = _described([_at(values, upto, share) for share in QUANTILES], exact=True)
    width = _width(low, high)
    if width is not None:
        bins = [0] * BINS
        last = BINS - 1
        for value, times in pairs:
            place = int((value - low) / width)
            bins[place if place < last else last] += times
        found["histogram"] = {"low": low, "high": high, "counts": bins}
    return found


def _at(values: Sequence[float], upto: Sequence[int], share: float) -> float:
    """Interpolate between the two values nearest to it, as the engine's quantile_cont does.

    ``values`` ascend; ``upto`` says of each how many there are up to it.
    """
    rank = share * (upto[-1] - 1)
    below = math.floor(rank)
    index = bisect_right(upto, below)
    value = values[index]
    if rank == below or upto[index] > below + 1:
        return value
    return value + (values[index + 1] - value) * (rank - below)


def of_all(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    value: str,
    count: int,
    ends: tuple[float, float],
) -> dict[str, Any]:
    """Both from a look at all ``count`` values; ``value`` is SQL for one as a DOUBLE."""
    exact = count <= _SORTED
    how = "quantile_cont" if exact else "reservoir_quantile"
    low, high = ends
    width = _width(low, high)
    # A bin of the engine holds its upper edge, one of ours its lower.
    edges = [math.nextafter(low + width * n, -math.inf) for n in range(1, BINS)] if width else []
    row = connection.execute(
        f"SELECT {how}(v, {list(QUANTILES)}), histogram(v, ?::DOUBLE[]) "
        f"FROM (SELECT {value} AS v FROM {table})",
        [[*edges, high]],
    ).fetchone()
    assert row is not None
    found = _described(row[0], exact=exact)
    if len(row[1]) == BINS:
        found["histogram"] = {"low": low, "high": high, "counts": list(row[1].values())}
    return found


def _described(quantiles: Sequence[float | None], *, exact: bool) -> dict[str, Any]:
    values = [finite(each) for each in quantiles]
    return {"quantiles": {"of": list(QUANTILES), "values": values, "exact": exact}}


def _width(low: float, high: float) -> float | None:
    """Of a bin; None where there is no finite range."""
    reach = high - low
    return (reach / BINS or 1.0) if math.isfinite(reach) else None


def finite(value: float | None) -> float | None:
    """The value, None where JSON cannot hold it."""
    return value if value is not None and math.isfinite(value) else None
