"""Quantiles and histogram of a column of numbers or times."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import duckdb

from worker.handlers.profile.describing.column_profile import Histogram, Quantiles

BINS = 20
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Up to this many values the engine sorts them all; of more it draws a sample.
_MAX_SORTED = 200_000


class ValueCount(NamedTuple):
    """A distinct value as text, as a number where it is a number or time, and its frequency."""

    text: str
    number: float | None
    times: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """``histogram`` is None where the values have no finite range."""

    quantiles: Quantiles
    histogram: Histogram | None


def from_counts(counts: Sequence[ValueCount]) -> Distribution:
    """Compute both from every distinct value, so that they are exact."""
    pairs = sorted([(each.number, each.times) for each in counts if each.number is not None])
    values = [value for value, _ in pairs]
    cumulative = list(accumulate([times for _, times in pairs]))
    quantiles = _quantiles([_quantile(values, cumulative, share) for share in QUANTILES], True)
    low, high = values[0], values[-1]
    width = _bin_width(low, high)
    if width is None:
        return Distribution(quantiles, None)
    bins = [0] * BINS
    last = BINS - 1
    for value, times in pairs:
        index = int((value - low) / width)
        bins[index if index < last else last] += times
    return Distribution(quantiles, Histogram(low, high, bins))


def _quantile(values: Sequence[float], cumulative: Sequence[int], share: float) -> float:
    """Interpolate between the two nearest values, as the engine's quantile_cont does.

    ``values`` ascend; ``cumulative`` has for each the number of values up to and including it.
    """
    rank = share * (cumulative[-1] - 1)
    below = math.floor(rank)
    index = bisect_right(cumulative, below)
    value = values[index]
    if rank == below or cumulative[index] > below + 1:
        return value
    return value + (values[index + 1] - value) * (rank - below)


def from_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    value: str,
    count: int,
    low: float,
    high: float,
) -> Distribution:
    """Have the engine compute both from all ``count`` values, which lie between low and high.

    ``value`` is SQL for a value as a DOUBLE.
    """
    exact = count <= _MAX_SORTED
    function = "quantile_cont" if exact else "reservoir_quantile"
    width = _bin_width(low, high)
    # A bin of the engine includes its upper edge, one of ours its lower.
    edges = [math.nextafter(low + width * n, -math.inf) for n in range(1, BINS)] if width else []
    row = connection.execute(
        f"SELECT {function}(v, {list(QUANTILES)}), histogram(v, ?::DOUBLE[]) "
        f"FROM (SELECT {value} AS v FROM {table})",
        [[*edges, high]],
    ).fetchone()
    assert row is not None
    quantiles, bins = row
    complete = len(bins) == BINS
    return Distribution(
        _quantiles(quantiles, exact),
        Histogram(low, high, list(bins.values())) if complete else None,
    )


def _quantiles(values: Sequence[float | None], exact: bool) -> Quantiles:
    return Quantiles(list(QUANTILES), [finite(each) for each in values], exact)


def _bin_width(low: float, high: float) -> float | None:
    """None where there is no finite range."""
    span = high - low
    return (span / BINS or 1.0) if math.isfinite(span) else None


def finite(value: float | None) -> float | None:
    """Return the value, None where JSON cannot hold it."""
    return value if value is not None and math.isfinite(value) else None
