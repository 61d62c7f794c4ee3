"""Statistics of columns: exact if they are marked so, and the same however they are computed."""

from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.mill import Profile
from worker.handlers.profile.describing import column_stats, columns, distribution
from worker.handlers.profile.describing.distribution import ValueCount

numbers = st.one_of(
    st.integers(-1000, 1000).map(float), st.floats(-1e9, 1e9, allow_nan=False, width=32)
)


@settings(deadline=None)
@given(st.lists(numbers, min_size=1, max_size=60))
def test_counts_give_what_the_engine_gives(values: list[float]) -> None:
    counts = [ValueCount(str(value), value, values.count(value)) for value in sorted(set(values))]
    by_counts = distribution.from_counts(counts)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT unnest(?::DOUBLE[]) AS v", [values])
        low, high = min(values), max(values)
        by_engine = distribution.from_table(connection, "t", "v", len(values), low, high)
    assert by_counts.quantiles.values == pytest.approx(by_engine.quantiles.values)
    assert by_counts.histogram is not None
    assert sum(by_counts.histogram.counts) == len(values)
    if low < high and by_engine.histogram is not None:
        assert sum(by_engine.histogram.counts) == len(values)
        # On the edge of two bins rounding may decide otherwise.
        width = (high - low) / distribution.BINS
        apart = [abs((v - low) / width - round((v - low) / width)) for v in values]
        if min((each for each in apart if each), default=1) > 1e-6:
            assert _near(by_counts.histogram.counts, by_engine.histogram.counts)


def _near(one: list[int], two: list[int]) -> bool:
    """Whether no more than the values on edges lie a bin apart."""
    total = ahead = 0
    for left, right in zip(one, two, strict=True):
        ahead += left - right
        total += abs(ahead)
    return total <= sum(one)


def _described(run: Profile, data: str, column: str, **options: object) -> dict[str, Any]:
    found = run(data.encode(), **options).summary["columns"]
    return next(each for each in found if each["name"] == column)


ROWS = column_stats.EXACT_DISTINCT * 2


def test_a_column_of_many_values(run: Profile) -> None:
    # More distinct values than are counted one by one, and one that comes often.
    lines = [f"{n},{n % 7},x{n if n % 5 else 0}\n" for n in range(ROWS)]
    data = "id,n,text\n" + "".join(lines)
    text = _described(run, data, "text")
    often = len(range(0, ROWS, 5))
    assert text["distinct"] == ROWS - often + 1
    assert text["distinct_exact"]
    assert text["top"] == [["x0", often]]
    assert not text["unique"]
    key = _described(run, data, "id")
    assert (key["sorted"], key["unique"], key["distinct"]) == ("strictly ascending", True, ROWS)
    assert key["quantiles"]["values"][2] == pytest.approx((ROWS - 1) / 2)
    assert sum(key["histogram"]["counts"]) == ROWS
    assert max(key["histogram"]["counts"]) - min(key["histogram"]["counts"]) <= 1


def test_what_is_odd_is_found_in_few_and_in_many_texts(run: Profile) -> None:
    odd = ["=1+1", " blank", "mojibake Ã¤", "-5", '""']
    few = "id,text\n" + "".join(f"{n},{odd[n % 5]}\n" for n in range(50))
    many = "id,text\n" + "".join(
        f"{n},{odd[n % 5]}{n if n % 5 not in (3, 4) else ''}\n" for n in range(ROWS * 2)
    )
    for data, times in ((few, 10), (many, ROWS * 2 // 5)):
        found = _described(run, data, "text")
        assert found["empty_texts"] == times
        assert [warning.split()[0] for warning in found["warnings"][:3]] == [f"{times:,}"] * 3
        assert "space" in found["warnings"][0]
        assert "formula" in found["warnings"][1]
        assert "garbled" in found["warnings"][2]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1, 2, 3, 4), "strictly ascending"),
        ((1, 2, 2, 4), "ascending"),
        ((4, 3, 3, 1), "descending"),
        ((1, 1, 1, 1), None),
        ((1, 3, 2, 4), None),
    ],
)
def test_order(run: Profile, values: tuple[int, ...], expected: str | None) -> None:
    data = "n,x\n" + "".join(f"{n},a\n" for n in values)
    assert _described(run, data, "n")["sorted"] == expected


def test_order_that_ends_late(run: Profile) -> None:
    data = "n,x\n" + "".join(f"{n},a\n" for n in (*range(5000), 0))
    assert _described(run, data, "n")["sorted"] is None


def test_decimals_of_several_scales_are_exact(run: Profile) -> None:
    data = "id,d\n" + "".join(f"{n},{n}{('', '.5', '.25')[n % 3]}\n" for n in range(3000))
    assert _described(run, data, "d")["type"] == "DECIMAL(18, 2)"
    late = _described(run, data + "3000,1.12345\n", "d")
    assert (late["type"], late["min"]) == ("DECIMAL(18, 5)", "0.00000")
    wrong = _described(run, data + "3000,007\n", "d")
    assert wrong["type"] == "VARCHAR"
    assert "007" in wrong["warnings"][0]


@pytest.mark.parametrize("late", ["007", "+7", "7 ", "1e3", "7.0", "1_000", "x", "0x1F"])
def test_no_number_is_made_of_what_is_written_otherwise(run: Profile, late: str) -> None:
    data = "id,n\n" + "".join(f"{n},{n}\n" for n in range(1, 3000)) + f"3000,{late}\n"
    run(data.encode())
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT n, typeof(n) FROM 'clean.parquet' WHERE id = 3000")
        value, kind = rows.fetchall()[0]
    if kind == "VARCHAR":
        assert value == late
    else:
        # Written otherwise it is the same number all the same.
        assert (float(value), late) in ((7.0, "7.0"), (7.0, "7 "), (1000.0, "1e3"))


def test_repeated_rows_of_a_wide_table(run: Profile) -> None:
    rows = [",".join(str(n % (number + 2)) for number in range(20)) for n in range(100)]
    data = ",".join(f"c{n}" for n in range(20)) + "\n" + "\n".join([*rows, rows[0], rows[7]])
    assert run(data.encode()).summary["repeated_rows"] == 2
    # Told apart by the last of its columns alone.
    alike = ",".join(f"c{n}" for n in range(20)) + ("\n" + "1," * 19 + "%d") * 2 % (1, 2)
    assert run(alike.encode()).summary["repeated_rows"] == 0


def test_only_the_parquet(run: Profile) -> None:
    result = run(b"a,b\n1,2\n", files="parquet")
    assert [each.name for each in result.artifacts] == ["clean.parquet", "profile.json"]


def test_columns_beyond_those_with_details(run: Profile) -> None:
    width = columns.DETAILED_COLUMNS + 1
    names = ",".join(f"c{n}" for n in range(width))
    rows = [",".join(str(n + row) for n in range(width)) for row in (0, 5)]
    result = run("\n".join([names, *rows]).encode())
    *detailed, last = result.summary["columns"]
    assert all(sum(column["histogram"]["counts"]) == 2 for column in detailed)
    assert (last["histogram"], last["top"]) == (None, [])
    assert (last["min"], last["max"]) == (str(width - 1), str(width + 4))
