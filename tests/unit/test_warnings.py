"""Every warning about a column or a file, to the letter, and where it begins to be given."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.mill import Profile
from worker.handlers.profile.describing.column_profile import ColumnProfile, Histogram, Quantiles
from worker.handlers.profile.describing.text_stats import TextStats
from worker.handlers.profile.describing.warnings import column_warnings, null_words_warning
from worker.handlers.profile.engine import connection as engine
from worker.handlers.profile.engine.load import CannotLoad, CsvSource, MisfitFound, load_typed
from worker.handlers.profile.engine.parquet import OutputColumn
from worker.handlers.profile.types.column_plan import ColumnPlan
from worker.handlers.profile.types.number_formats import INTEGER

PLAIN = ColumnProfile(
    name="n", type="BIGINT", kind="whole number", count=1000, nulls=0, distinct=500,
    distinct_exact=True, min="0", max="100",
    quantiles=Quantiles([0.05, 0.25, 0.5, 0.75, 0.95], [5.0, 40.0, 50.0, 60.0, 95.0], exact=True),
    histogram=Histogram(0.0, 100.0, [50] * 20),
)  # fmt: skip
NO_TEXTS = TextStats(empty=0, padded=0, formulas=0, garbled=0)


def test_a_plain_column_has_no_warning() -> None:
    assert column_warnings(PLAIN, None) == []
    assert column_warnings(PLAIN, replace(NO_TEXTS, empty=3, looks_like="email")) == []
    assert null_words_warning(PLAIN) == []


@pytest.mark.parametrize(
    ("texts", "warning"),
    [
        (replace(NO_TEXTS, padded=1), "1 value begins or ends with a space."),
        (replace(NO_TEXTS, padded=1200), "1,200 values begin or end with a space."),
        (
            replace(NO_TEXTS, formulas=1),
            "1 value looks like a formula, which a spreadsheet may run.",
        ),
        (
            replace(NO_TEXTS, formulas=2),
            "2 values look like formulas, which a spreadsheet may run.",
        ),
        (
            replace(NO_TEXTS, garbled=1),
            "1 value looks garbled, as if decoded with the wrong encoding.",
        ),
        (
            replace(NO_TEXTS, garbled=2),
            "2 values look garbled, as if decoded with the wrong encoding.",
        ),
    ],
)
def test_unusual_texts(texts: TextStats, warning: str) -> None:
    assert column_warnings(PLAIN, texts) == [warning]


@pytest.mark.parametrize(
    ("count", "distinct", "exact", "expected"),
    [
        (1, 1, True, []),
        (2, 1, True, ["Every value is the same."]),
        (900, 899, True, ["Almost unique: 1 of 900 values is repeated."]),
        (900, 897, True, ["Almost unique: 3 of 900 values are repeated."]),
        (900, 891, True, ["Almost unique: 9 of 900 values are repeated."]),
        (900, 890, True, []),
        (900, 900, True, []),
        (900, 897, False, []),
        (101, 100, True, []),
        (102, 101, True, ["Almost unique: 1 of 102 values is repeated."]),
    ],
)
def test_repetition(count: int, distinct: int, exact: bool, expected: list[str]) -> None:
    profile = replace(PLAIN, count=count, distinct=distinct, distinct_exact=exact)
    assert column_warnings(profile, None) == expected


@pytest.mark.parametrize(
    ("value", "times", "changes", "expected"),
    [
        ("9999", 56, {"max": "9999"}, "9999 occurs 56 times and may stand for a missing value."),
        ("-1", 1, {"min": "-1"}, "-1 occurs once and may stand for a missing value."),
        ("-99.0", 7, {"min": "-99.0"}, "-99.0 occurs 7 times and may stand for a missing value."),
        ("1900-01-01", 2, {"type": "DATE", "min": "1900-01-01"},
         "1900-01-01 occurs 2 times and may stand for a missing value."),
        ("9999", 56, {"max": "10000"}, None),  # in the middle of the others
        ("98", 56, {"max": "98"}, None),
        ("9999", 56, {"max": "9999", "type": "VARCHAR"}, None),
    ],
)  # fmt: skip
def test_sentinels(value: str, times: int, changes: dict[str, str], expected: str | None) -> None:
    profile = replace(PLAIN, top=[[value, times]], **changes)  # type: ignore[arg-type]
    assert column_warnings(profile, None) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-60.0, 160.0, []),  # five interquartile ranges of 20 beyond the quartiles
        (-61.0, 160.0, ["Possible outlier: smallest value is 0."]),
        (-60.0, 161.0, ["Possible outlier: largest value is 100."]),
        (
            -61.0,
            161.0,
            ["Possible outlier: smallest value is 0.", "Possible outlier: largest value is 100."],
        ),
    ],
)
def test_outliers(low: float, high: float, expected: list[str]) -> None:
    profile = replace(PLAIN, histogram=Histogram(low, high, [50] * 20))
    assert column_warnings(profile, None) == expected
    assert column_warnings(replace(profile, quantiles=None), None) == []
    narrow = Quantiles([0.05, 0.25, 0.5, 0.75, 0.95], [5.0] * 5, exact=True)
    assert column_warnings(replace(profile, quantiles=narrow), None) == []


def test_words_read_as_missing() -> None:
    profile = replace(PLAIN, null_words={"NA": 1200, "n/a": 1})
    assert null_words_warning(profile) == ["Read as no value: 1,200 × “NA”, 1 × “n/a”."]


@pytest.mark.parametrize(
    ("texts", "warning"),
    [
        (["31.12.2024"] * 50 + ["31.02.2025"],
         "Kept as text: 1 of 51 values is not a valid date (“31.02.2025”)."),
        (["1.5"] * 50 + ["y", "x"],
         "Kept as text: 2 of 52 values are not valid numbers (“x”, “y”)."),
        (["01/02/2024", "03/04/2024"],
         "Ambiguous dates: 03/04 could be 3 April or March 4. Kept as text; set the option "
         "“dates” to say which."),
        (["1,234", "5,678"],
         "Ambiguous numbers: 1,234 could be 1234 or 1.234. Kept as text; set the option "
         "“decimal” to say which."),
        (["5", "6", "NA"], "Read as no value: 1 × “NA”."),
    ],
)  # fmt: skip
def test_what_typing_a_column_says(run: Profile, texts: list[str], warning: str) -> None:
    data = "id\tv\n" + "".join(f"{n}\t{text}\n" for n, text in enumerate(texts))
    assert run(data.encode()).summary["columns"][1]["warnings"][0] == warning


def test_what_is_said_about_a_file(run: Profile) -> None:
    rows = b"x;1;2024-01-01\n" * 3 + b"y;2\n"
    result = run(b"Report\n\nname;n;day\n" + rows + b"name;n;day\n# note\nz;3;2024-01-03\n")
    assert result.summary["warnings"] == [
        "1 line above the table was skipped.",
        "1 comment line was skipped.",
        "1 repeated header line was skipped.",
        "2 duplicate rows.",
        "1 row was repaired, on line 7 (too few cells: 2 instead of 3).",
    ]
    result = run(b"a,b,c\n" + b"1,2,3\n4,5\n6,7,8\n9,10,11,12\n", ragged="reject")
    assert result.summary["warnings"] == [
        "2 rows were rejected, the first on line 3 (too few cells: 2 instead of 3)."
    ]
    result = run(b"a,b\n" + b"1,caf\xe9\n2,\xe9\n", encoding="utf-8")
    assert result.summary["warnings"] == [
        "2 characters were replaced by \ufffd: bytes that are not valid utf-8, the first on "
        "line 2 (byte 9)."
    ]


def test_rows_of_misfits_are_rejected_with_a_reason(run: Profile) -> None:
    data = (
        "id\tday\n" + "".join(f"{n}\t{n % 28 + 1}.12.2024\n" for n in range(50)) + "50\t31.2.2025\n"
    )
    result = run(data.encode(), misfits="reject")
    assert result.summary["rejects"][0]["reason"] == "“31.2.2025” is not a valid date"
    assert result.summary["warnings"] == [
        "1 row was rejected, on line 52 (“31.2.2025” is not a valid date)."
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [("1,2\nmisfit,3\n", MisfitFound), ('1,2\n"misfit"x,3\n', CannotLoad)],
)
def test_a_misfit_is_told_from_a_malformed_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str, expected: type[Exception]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.csv"
    path.write_text(data)
    plans = [ColumnPlan("a", INTEGER, INTEGER.type, round_trips=True), ColumnPlan("b")]
    source = CsvSource(path, ",", has_header=False, columns=("a", "b"))
    with engine.connect(path, tmp_path, 2) as connection, pytest.raises(CannotLoad) as caught:
        load_typed(connection, source, [OutputColumn(p.strict_sql(), p.name) for p in plans])
    assert type(caught.value) is expected
