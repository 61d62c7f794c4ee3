"""What a column's texts are taken for, and what their values are then.

Every case is read twice: by the guess from the sample, and by a look at all values, which an
option makes necessary that changes nothing else.
"""

import csv
import io
from typing import Any

import pytest

from tests.unit.mill import Profile, cells
from worker.handlers.contract import Result

WAYS = pytest.mark.parametrize("way", [{}, {"nulls": "no such word"}], ids=["guessed", "counted"])


def profiled(run: Profile, texts: list[str], **options: object) -> Result:
    """Profile a column ``v`` of these texts."""
    out = io.StringIO()
    csv.writer(out, delimiter="\t", lineterminator="\n").writerows(
        [["id", "v"], *([n, text] for n, text in enumerate(texts))]
    )
    return run(out.getvalue().encode(), **options)


def column(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = result.summary["columns"][1]
    return found


def values(result: Result) -> list[str | None]:
    return [value for _, value in cells(result)]


@WAYS
@pytest.mark.parametrize(
    ("texts", "type_", "expected"),
    [
        (["true", "False"], "BOOLEAN", ["true", "false"]),
        (["y", "N"], "BOOLEAN", ["true", "false"]),
        (["t", "F"], "BOOLEAN", ["true", "false"]),
        (["on", "OFF"], "BOOLEAN", ["true", "false"]),
        (["1", "-20"], "BIGINT", ["1", "-20"]),
        (["9223372036854775807", "-9223372036854775808"], "BIGINT",
         ["9223372036854775807", "-9223372036854775808"]),
        (["9" * 38, "1"], "DECIMAL(38, 0)", ["9" * 38, "1"]),
        (["1.50", "-2.25", "3"], "DECIMAL(18, 2)", ["1.50", "-2.25", "3.00"]),
        (["1" * 20 + ".5", "2"], "DECIMAL(38, 1)", ["1" * 20 + ".5", "2.0"]),
        (["1e5", "2"], "DOUBLE", ["100000.0", "2.0"]),
        ([".5", "1."], "DOUBLE", ["0.5", "1.0"]),
        (["1,234,567.5", "7"], "DECIMAL(18, 1)", ["1234567.5", "7.0"]),
        (["1.234.567,5", "7"], "DECIMAL(18, 1)", ["1234567.5", "7.0"]),
        (["1 234", "5 678,5"], "DECIMAL(18, 1)", ["1234.0", "5678.5"]),
        (["1'234.5", "7"], "DECIMAL(18, 1)", ["1234.5", "7.0"]),
        (["1\u00a0234", "5\u202f678"], "DECIMAL(18, 0)", ["1234", "5678"]),
        (["1,5", "2,5"], "DECIMAL(18, 1)", ["1.5", "2.5"]),
        (["2024-01-02", "2024-12-31"], "DATE", ["2024-01-02", "2024-12-31"]),
        (["2024/1/2", "2024/12/31"], "DATE", ["2024-01-02", "2024-12-31"]),
        (["1.2.2024", "31.12.2024"], "DATE", ["2024-02-01", "2024-12-31"]),
        (["31-12-2024", "01-02-2024"], "DATE", ["2024-12-31", "2024-02-01"]),
        (["12-31-2024", "01-02-2024"], "DATE", ["2024-12-31", "2024-01-02"]),
        (["31/12/24", "01/02/24"], "DATE", ["2024-12-31", "2024-02-01"]),
        (["12/31/24", "01/02/24"], "DATE", ["2024-12-31", "2024-01-02"]),
        (["2-Feb-2024", "13-March-2024"], "DATE", ["2024-02-02", "2024-03-13"]),
        (["Feb 2, 2024", "March 13, 2024"], "DATE", ["2024-02-02", "2024-03-13"]),
        (["2024-01-02T10:00:00", "2024-01-02 10:00:00.25"], "TIMESTAMP",
         ["2024-01-02 10:00:00", "2024-01-02 10:00:00.25"]),
        (["2024/1/2 10:30", "2024/12/31 9:05:07"], "TIMESTAMP",
         ["2024-01-02 10:30:00", "2024-12-31 09:05:07"]),
        (["1/2/2024 1:05 PM", "12/31/2024 12:00 am"], "TIMESTAMP",
         ["2024-01-02 13:05:00", "2024-12-31 00:00:00"]),
        (["1/2/2024 1:05:07 PM", "12/31/2024 12:00:00 am"], "TIMESTAMP",
         ["2024-01-02 13:05:07", "2024-12-31 00:00:00"]),
        (["1/2/2024 1:05PM", "12/31/2024 12:00:09am"], "TIMESTAMP",
         ["2024-01-02 13:05:00", "2024-12-31 00:00:09"]),
        (["1.2.2024 10:00:00.5", "31.12.2024 10:00"], "TIMESTAMP",
         ["2024-02-01 10:00:00.5", "2024-12-31 10:00:00"]),
        (["31-12-24 10:00", "01-02-24 9:30:15"], "VARCHAR",
         ["31-12-24 10:00", "01-02-24 9:30:15"]),
        (["13 March 2024 10:30", "2 Feb 2024 9:05"], "TIMESTAMP",
         ["2024-03-13 10:30:00", "2024-02-02 09:05:00"]),
        (["2024-01-02T10:00:00Z", "2024-01-02 10:00:00+02:00"], "TIMESTAMP WITH TIME ZONE",
         ["2024-01-02 10:00:00+00", "2024-01-02 08:00:00+00"]),
        (["10:30", "9:05:07.5"], "TIME", ["10:30:00", "09:05:07.5"]),
        (["[1]", "{}"], "JSON", ["[1]", "{}"]),
    ],
)  # fmt: skip
def test_what_values_are(
    run: Profile, way: dict[str, str], texts: list[str], type_: str, expected: list[str]
) -> None:
    result = profiled(run, texts, **way)
    assert (column(result)["type"], values(result)) == (type_, expected)
    assert not [warning for warning in column(result)["warnings"] if "“" in warning]


@WAYS
@pytest.mark.parametrize(
    "texts",
    [
        ["yes", "no", "maybe"],
        ["+1", "2"],
        ["007", "12"],
        ["0x1F", "1"],
        ["1,23,4", "5"],
        ["1.234,5", "1,234.5"],
        ["2024-02-30", "2024-12-31"],
        ["31/04/2024", "01/02/2024"],
        ["24:00", "10:00"],
        ["{a}", "{}"],
        ["1e400", "1"],
        ["NA", "none"],
        ["550e8400-e29b-41d4-a716-44665544000", "550e8400-e29b-41d4-a716-446655440000"],
    ],
)
def test_what_stays_text_as_it_was(run: Profile, way: dict[str, str], texts: list[str]) -> None:
    result = profiled(run, texts, **way)
    assert (column(result)["type"], values(result)) == ("VARCHAR", texts)


@pytest.mark.parametrize(
    ("texts", "options", "expected"),
    [
        (["01/02/2024 10:30", "03/04/2024 11:00"], {"dates": "day-first"}, "2024-02-01 10:30:00"),
        (["01/02/2024 10:30", "03/04/2024 11:00"], {"dates": "month-first"}, "2024-01-02 10:30:00"),
        (["01-02-24", "03-04-24"], {"dates": "month-first"}, None),
        (["01/02/24", "03/04/24"], {"dates": "month-first"}, "2024-01-02"),
        (["01/02/24", "03/04/24"], {"dates": "day-first"}, "2024-02-01"),
        (["01-02-2024", "03-04-2024"], {"dates": "month-first"}, "2024-01-02"),
        (["1.234", "5.678"], {}, None),
        (["1.234", "5.678"], {"decimal": "point"}, "1.234"),
        (["1.234", "5.678"], {"decimal": "comma"}, "1234"),
        (["1,234", "5,678"], {"decimal": "point"}, "1234"),
        (["1,234", "5,678"], {"decimal": "comma"}, "1.234"),
    ],
)
def test_the_options_decide_between_two_readings(
    run: Profile, texts: list[str], options: dict[str, str], expected: str | None
) -> None:
    result = profiled(run, texts, **options)
    assert values(result)[0] == (expected or texts[0])
    assert (column(result)["type"] == "VARCHAR") == (expected is None)


@pytest.mark.parametrize(
    ("texts", "option"),
    [
        (["01/02/2024", "03/04/2024"], "dates"),
        (["01-02-2024", "03-04-2024"], "dates"),
        (["01/02/24 10:30", "03/04/24 11:00"], "dates"),
        (["01/02/24 10:30 am", "03/04/24 11:00 pm"], "dates"),
        (["1,234", "5,678"], "decimal"),
        (["1.234", "5.678"], "decimal"),
    ],
)
def test_two_readings_are_told_and_neither_is_taken(
    run: Profile, texts: list[str], option: str
) -> None:
    result = profiled(run, texts)
    assert (column(result)["type"], values(result)) == ("VARCHAR", texts)
    (warning,) = column(result)["warnings"]
    assert option in warning  # which decides


@pytest.mark.parametrize(
    ("texts", "type_"),
    [
        (["127", "-128"], "TINYINT"),
        (["128"] * 2, "SMALLINT"),
        (["-129"] * 2, "SMALLINT"),
        (["32767"] * 2, "SMALLINT"),
        (["32768"] * 2, "INTEGER"),
        (["2147483647"] * 2, "INTEGER"),
        (["-2147483649"] * 2, "BIGINT"),
        (["1.5", "2.25"], "DECIMAL(18, 2)"),
    ],
)
def test_integers_may_be_as_narrow_as_their_values(
    run: Profile, texts: list[str], type_: str
) -> None:
    result = profiled(run, texts, integers="narrow")
    assert column(result)["type"] == type_
    assert column(profiled(run, texts))["type"] == ("BIGINT" if "INT" in type_ else type_)


@pytest.mark.parametrize(
    ("texts", "options", "expected", "words"),
    [
        (["1", "NULL", "none", "-"], {}, ["1", None, None, None], {"NULL": 1, "none": 1, "-": 1}),
        # In a column of texts they may be anything, unless the options say so.
        (["a", "NA", "b"], {}, ["a", "NA", "b"], None),
        (["a", "?", "b"], {"nulls": "?"}, ["a", None, "b"], {"?": 1}),
        (["1", "UNKNOWN"], {"nulls": "unknown|?"}, ["1", None], {"UNKNOWN": 1}),
        (["1", "x"], {"nulls": "unknown"}, ["1", "x"], None),
        (["1", " ", "3"], {}, ["1", None, "3"], None),
        ([" 1 ", "2"], {}, ["1", "2"], None),
    ],
)
def test_words_and_blanks_for_no_value(
    run: Profile,
    texts: list[str],
    options: dict[str, str],
    expected: list[str | None],
    words: dict[str, int] | None,
) -> None:
    result = profiled(run, texts, **options)
    assert values(result) == expected
    assert (column(result).get("null_words") or None) == words
    assert column(result)["nulls"] == expected.count(None)


@pytest.mark.parametrize(
    ("misfits", "of", "named"),
    [(1, 20, True), (1, 19, True), (5, 100, True), (40, 100, True), (41, 100, False)],
)
def test_misfits_among_values_are_named(run: Profile, misfits: int, of: int, named: bool) -> None:
    texts = [f"bad {'abcd'[n % 4]}" for n in range(misfits)] + [str(n) for n in range(of - misfits)]
    result = profiled(run, texts)
    assert (column(result)["type"], values(result)) == ("VARCHAR", texts)
    warnings = [warning for warning in column(result)["warnings"] if "bad a" in warning]
    assert bool(warnings) == named
    if misfits == 5:
        # A few examples will do.
        assert [f"bad {n}" in warnings[0] for n in "abcd"] == [True, True, True, False]
        assert "5 of 100 values" in warnings[0]
    if misfits == 40:
        assert "10 × “bad a”" in warnings[0]
        assert "option “nulls” to “bad a|bad b|bad c|bad d”" in warnings[0]


@pytest.mark.parametrize(
    ("good", "type_"),
    [
        ("7", "BIGINT"),
        ("1.25", "DECIMAL(18, 2)"),
        ("2024-01-02", "DATE"),
        ("1,5", "DECIMAL(18, 1)"),
    ],
)
def test_misfits_may_be_rejected(run: Profile, good: str, type_: str) -> None:
    result = profiled(run, [good] * 40 + ["x", good, "NA", "y"], misfits="reject")
    assert column(result)["type"] == type_
    account = result.summary["accounting"]
    assert (account["read"], account["written"], account["rejected"]) == (44, 42, 2)
    rejects = result.summary["rejects"]
    assert [(each["line"], each["column"]) for each in rejects] == [(42, "v"), (45, "v")]
    assert [each["raw"] for each in rejects] == ["40\tx", "43\ty"]
    # Beyond a few it is the column that was misjudged, not its values.
    many = profiled(run, [good] * 10 + ["x"], misfits="reject")
    assert (column(many)["type"], many.summary["accounting"]["rejected"]) == ("VARCHAR", 0)


def test_a_misfit_in_two_columns_is_one_reject(run: Profile) -> None:
    lines = ["a,b", *(f"{n},{n}" for n in range(40)), "x,y", "1,2", "3,z"]
    result = run("\n".join(lines).encode(), misfits="reject")
    rejects = result.summary["rejects"]
    assert [(each["line"], each["column"]) for each in rejects] == [(42, "a"), (44, "b")]
    assert result.rows == 41


@pytest.mark.parametrize(
    ("late", "type_", "value"),
    [
        ("5.25", "DECIMAL(18, 2)", "5.25"),
        ("1" * 25, "DECIMAL(38, 0)", "1" * 25),
        ("", "BIGINT", None),
        ("NA", "BIGINT", None),
        ("1,234,567", "DECIMAL(18, 0)", "1234567"),
        ("1,234", "VARCHAR", "1,234"),  # it may be a fraction as well
        ("2024-01-02", "VARCHAR", "2024-01-02"),
    ],
)
def test_a_value_behind_the_sample_counts_as_much(
    run: Profile, late: str, type_: str, value: str | None
) -> None:
    result = profiled(run, [*map(str, range(3000)), late])
    assert column(result)["type"] == type_
    assert values(result)[-1] == value
