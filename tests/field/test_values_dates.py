"""Dates and times as people and programs write them."""

from datetime import UTC, datetime

import pytest

from tests.field.values import column, profile_column, said, values
from tests.unit.mill import Profile

THIS_YEAR = datetime.now(UTC).year
READ = [
    (["01.08.24", "31.12.23"], "DATE", ["2024-08-01", "2023-12-31"]),
    (["05-JAN-24", "31-Dec-99"], "DATE", ["2024-01-05", "1999-12-31"]),
    (["5 Jan 24", "6 Feb 25"], "DATE", ["2024-01-05", "2025-02-06"]),
    (["5.1.2024", "31.12.2024"], "DATE", ["2024-01-05", "2024-12-31"]),
    (["2024-1-5", "2024-10-12"], "DATE", ["2024-01-05", "2024-10-12"]),
    (["2024.01.05", "2024.1.6"], "DATE", ["2024-01-05", "2024-01-06"]),
    (["2024/1/5", "2024/01/06"], "DATE", ["2024-01-05", "2024-01-06"]),
    (["January 5, 2024", "Feb 6 2024"], "DATE", ["2024-01-05", "2024-02-06"]),
    (["5-Jan-2024", "6-February-2024"], "DATE", ["2024-01-05", "2024-02-06"]),
    (["05/Jan/2024", "06/Feb/2024"], "DATE", ["2024-01-05", "2024-02-06"]),
    (["2024-01-05 10:00:00,123", "2024-01-05 10:00:00,5"], "TIMESTAMP",
     ["2024-01-05 10:00:00.123", "2024-01-05 10:00:00.5"]),
    (["2024-01-05T10:00:00,123", "2024-01-05T10:00:00"], "TIMESTAMP",
     ["2024-01-05 10:00:00.123", "2024-01-05 10:00:00"]),
    (["2024-01-05T10:00:00.1234567", "2024-01-05T10:00:00.7654321"], "TIMESTAMP_NS",
     ["2024-01-05 10:00:00.1234567", "2024-01-05 10:00:00.7654321"]),
    (["2024-01-05 10:00:00.123456789", "2024-01-05 10:00:00"], "TIMESTAMP_NS",
     ["2024-01-05 10:00:00.123456789", "2024-01-05 10:00:00"]),
    (["2024-01-05 10:00:00 UTC", "2024-01-05T11:00 GMT"], "TIMESTAMP WITH TIME ZONE",
     ["2024-01-05 10:00:00+00", "2024-01-05 11:00:00+00"]),
    (["2024-01-05T10:00:00z", "2024-01-05 10:00:00 UTC"], "TIMESTAMP WITH TIME ZONE",
     ["2024-01-05 10:00:00+00", "2024-01-05 10:00:00+00"]),
    (["2024-01-05T10:00:00,5+0200", "2024-01-05T10:00:00Z"], "TIMESTAMP WITH TIME ZONE",
     ["2024-01-05 08:00:00.5+00", "2024-01-05 10:00:00+00"]),
    (["20240105T101500", "20240106T101500"], "TIMESTAMP",
     ["2024-01-05 10:15:00", "2024-01-06 10:15:00"]),
    (["2024-01-05 10:00 PM", "2024-1-6 1:00 am"], "TIMESTAMP",
     ["2024-01-05 22:00:00", "2024-01-06 01:00:00"]),
    (["13/1/2024, 10:00", "1/2/2024, 9:30"], "TIMESTAMP",
     ["2024-01-13 10:00:00", "2024-02-01 09:30:00"]),
    (["1:05 PM", "12:00 am"], "TIME", ["13:05:00", "00:00:00"]),
    (["10:00:00,5", "10:00:01"], "TIME", ["10:00:00.5", "10:00:01"]),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "type_", "expected"), READ)
def test_dates_are_read(run: Profile, texts: list[str], type_: str, expected: list[str]) -> None:
    result = profile_column(run, texts)
    assert (column(result)["type"], values(result)) == (type_, expected)


@pytest.mark.parametrize(
    "texts",
    [
        ["2024-01", "2024-02"],
        ["2024-W05", "2024-W06"],
        ["2024Q1", "2024Q2"],
        ["25:10:00", "10:00:00"],
        ["1.2.10", "1.12.3"],
        ["2024-13-01", "2024-01-01"],
        ["31.02.24", "01.02.24"],
        ["5 Foo 2024", "6 Bar 2024"],
        ["2024-01-05T10:00:00.1234567890", "2024-01-05T10:00:00.1"],
    ],
)
def test_what_is_no_date_stays_as_it_is(run: Profile, texts: list[str]) -> None:
    result = profile_column(run, texts)
    assert (column(result)["type"], values(result)) == ("VARCHAR", texts)


@pytest.mark.parametrize(
    ("name", "type_"),
    [("date", "DATE"), ("order date", "DATE"), ("Datum", "DATE"), ("start_date", "DATE"),
     ("v", "BIGINT"), ("candidate_no", "BIGINT")],
)  # fmt: skip
def test_eight_digits_are_a_date_where_the_name_says_so(
    run: Profile, name: str, type_: str
) -> None:
    assert column(profile_column(run, ["20240105", "20231231"], name))["type"] == type_


@pytest.mark.parametrize(
    ("name", "texts", "expected", "last"),
    [
        ("birth_date", ["12/31/45", "1/13/52"], ["1945-12-31", "1952-01-13"], THIS_YEAR),
        ("dob", ["01.02.45", "13.05.99"], ["1945-02-01", "1999-05-13"], THIS_YEAR),
        ("v", ["12/31/45", "1/13/52"], ["1945-12-31", "1952-01-13"], THIS_YEAR),
        ("born", ["05-JAN-50", "06-FEB-01"], ["1950-01-05", "2001-02-06"], THIS_YEAR),
        ("v", ["12/31/85", "1/13/24"], ["1985-12-31", "2024-01-13"], 2068),
        ("v", ["31.12.24 10:00", "01.01.25 11:30"], ["2024-12-31 10:00:00", "2025-01-01 11:30:00"],
         2068),
    ],
)  # fmt: skip
def test_the_window_of_short_years_is_said(
    run: Profile, name: str, texts: list[str], expected: list[str], last: int
) -> None:
    result = profile_column(run, texts, name)
    assert values(result) == expected
    assert f"Years of two digits were read as {last - 99}–{last}." in said(result)


@pytest.mark.parametrize(
    ("other", "texts", "first"),
    [
        ("21/02/2024", "01/02/2024", "2024-02-01"),
        ("02/21/2024", "01/02/2024", "2024-01-02"),
        ("21/02/24", "01/02/2024", "2024-02-01"),
        ("02-21-2024", "01/02/24", "2024-01-02"),
        ("21/02/2024 10:00", "01/02/2024", "2024-02-01"),
        ("03/04/2024", "01/02/2024", None),
    ],
)
def test_another_column_proves_the_order_of_day_and_month(
    run: Profile, other: str, texts: str, first: str | None
) -> None:
    result = run(f"a,b\n{other},{texts}\n{other},{texts}\n".encode())
    assert values(result)[0] == (first or texts)
    assert ("as column “a” shows" in said(result)) == (first is not None)


def test_cut_fractions_are_said(run: Profile) -> None:
    result = profile_column(run, ["2024-01-05T10:00:00.1234567Z", "2024-01-05T11:00:00Z"])
    assert column(result)["type"] == "TIMESTAMP WITH TIME ZONE"
    assert "cut to microseconds" in said(result)
