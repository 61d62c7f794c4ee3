"""Quantiles and histogram of a column of numbers or times."""

import math
from collections.abc import Sequence
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
    values = sorted((value, times) for _, value, times in counts if value is not None)
    total = sum(times for _, times in values)
    low, high = values[0][0], values[-1][0]
    found = _described([_at(values, total, share) for share in QUANTILES], exact=True)
    width = _width(low, high)
    if width is not None:
        bins = [0] * BINS
        for value, times in values:
            bins[min(BINS - 1, int((value - low) / width))] += times
        found["histogram"] = {"low": low, "high": high, "counts": bins}
    return found


def _at(values: Sequence[tuple[float, int]], total: int, share: float) -> float:
    """Interpolate between the two values nearest to it, as the engine's quantile_cont does."""
    rank = share * (total - 1)
    below, seen = math.floor(rank), 0
    for index, (value, times) in enumerate(values):
        seen += times
        if seen > below + 1:
            return value
        if seen > below:
            following = values[min(index + 1, len(values) - 1)][0]
            return value + (following - value) * (rank - below) if rank > below else value
    return values[-1][0]


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
