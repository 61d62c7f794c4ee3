"""The profile handler on real files: what it finds, keeps, rejects and refuses."""

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.handlers.contract import BadInput, Context, Result
from worker.handlers.profile import dialect, engine, profile, records, source
from worker.handlers.profile.loading import AccountingMismatch

Profile = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    counter = iter(range(10**6))

    def profiled(data: bytes, report: Callable[[float, str], None] = lambda *_: None) -> Result:
        folder = tmp_path / str(next(counter))
        work = folder / "1"
        work.mkdir(parents=True)
        (folder / "original").write_bytes(data)
        monkeypatch.chdir(work)
        return profile(Context(str(folder / "original"), str(work), "a.csv", report), {})

    return profiled


def types(result: Result) -> dict[str, str]:
    return {column["name"]: column["type"] for column in result.summary["columns"]}


def cells(result: Result) -> list[tuple[Any, ...]]:
    """The rows of the Parquet as text."""
    with duckdb.connect() as connection:
        return connection.execute("SELECT COLUMNS(*)::VARCHAR FROM 'clean.parquet'").fetchall()


def test_types_are_true_for_the_whole_file(run: Profile) -> None:
    header = "int,big,exact,float,bool,day,time,zone,zip,phone,late,empty\n"
    row = (
        "-1,123456789012345678901234567890,1.50,1e5,true,2024-02-29,2024-01-01 10:00:00,"
        "2024-01-01T10:00:00Z,00501,+15550100,1,\n"
    )
    last = "2,2,2.125,.5,FALSE,2024-01-01,2024-01-01T10:00,2024-01-01T12:00:00+02:00,10001,1,x,\n"
    result = run((header + row * 5000 + last).encode())
    assert types(result) == {
        "int": "BIGINT",
        "big": "DECIMAL(30, 0)",
        "exact": "DECIMAL(4, 3)",
        "float": "DOUBLE",
        "bool": "BOOLEAN",
        "day": "DATE",
        "time": "TIMESTAMP",
        "zone": "TIMESTAMP WITH TIME ZONE",
        "zip": "VARCHAR",
        "phone": "VARCHAR",
        "late": "VARCHAR",
        "empty": "VARCHAR",
    }
    assert cells(result)[0][1] == "123456789012345678901234567890"
    assert cells(result)[0][8] == "00501"


@pytest.mark.parametrize("delimiter", list(dialect.DELIMITERS))
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_dialects(run: Profile, delimiter: str, newline: str) -> None:
    rows = [["id", "text"], ["1", f"a{delimiter}b"], ["2", 'say "hi"'], ["3", "two\nlines"]]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerows(rows)
    result = run(out.getvalue().encode())
    assert [list(row) for row in cells(result)] == rows[1:]
    assert result.summary["dialect"]["delimiter"] == dialect.DELIMITERS[delimiter]


@pytest.mark.parametrize(
    ("encoding", "name", "bom"),
    [
        ("utf-8", "utf-8", False),
        ("utf-8-sig", "utf-8", True),
        ("utf-16", "utf-16-le", True),
        ("utf-16-be", "utf-16-be", False),
        ("utf-32", "utf-32-le", True),
        ("cp1252", "cp1252", False),
    ],
)
def test_encodings(run: Profile, encoding: str, name: str, bom: bool) -> None:
    text = "name,city\n" + "José,Málaga\n" * 10
    result = run(text.encode(encoding))
    assert cells(result) == [("José", "Málaga")] * 10
    assert result.summary["encoding"] == {"name": name, "bom": bom, "replaced_bytes": 0}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n\n\n", "blank lines"),
        (b"a,b\n1,\x002\n", "byte 6 is NUL"),
        (b"\0", "byte 0 is NUL"),
        (b"\0\0\0\0\0", "byte 0 is NUL"),
        (os.urandom(5000), "not a text file"),
        (b"\x01\x02\x03\x04" * 100, "control characters"),
        (b"PK\x03\x04....", "Excel"),
        (b"\x1f\x8b....", "gzip"),
        (b"%PDF-1.7", "PDF"),
        (b"a,b\n1," + b"x" * 17_000_000, "Line 2 is longer than the 16 MiB"),
        (b'a,b\n1,"open\n' + b"2,y\n" * 5_000_000, "opens on line 2 does not close"),
        (",".join(f"c{n}" for n in range(6000)).encode(), "6,000 columns"),
    ],
)
def test_what_cannot_be_read_is_said_in_words(run: Profile, data: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        run(data)


def test_rejects_keep_their_place_and_reason(run: Profile) -> None:
    result = run(b'a,b,c\n1,"x\ny",3\n\n4,5\n6,7,8,9\n10,11,12\n')
    assert result.summary["accounting"] == {"read": 4, "written": 2, "rejected": 2}
    first, second = result.summary["rejects"]
    assert (first["line"], first["byte"], first["raw"]) == (5, 17, "4,5")
    assert first["reason"] == "fewer values than there are columns (2 of 3)"
    assert (second["line"], second["byte"]) == (6, 21)
    assert second["reason"] == "more values than there are columns (4 for 3)"
    with Path("rejects.csv").open(newline="") as file:
        assert [row["raw"] for row in csv.DictReader(file)] == ["4,5", "6,7,8,9"]


def test_a_bad_quote_costs_its_record_and_no_other(run: Profile) -> None:
    good = "".join(f'{n},"v{n}"\n' for n in range(3000))
    result = run(f'id,v\n{good}x,"a"b\n{good}'.encode())
    assert result.summary["accounting"] == {"read": 6001, "written": 6000, "rejected": 1}


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"1,2\n3,4\n", ["column_1", "column_2"]),
        (b"a,A,a,\n1,2,3,4\n", ["a", "A_2", "a_3", "column_4"]),
        (b'"x y","x\ny"\n1,2\n', ["x y", "x y_2"]),
        (b"<b>,a'b,a\"b\n1,2,3\n", ["<b>", "a'b", 'a"b']),
        (b"n" * 500 + b",b\n1,2\n", ["n" * 200, "b"]),
    ],
)
def test_column_names(run: Profile, data: bytes, names: list[str]) -> None:
    assert list(types(run(data))) == names


def test_a_header_alone(run: Profile) -> None:
    result = run(b"a,b\n")
    assert (result.rows, result.columns) == (0, 2)
    assert result.summary["warnings"] == ["The file has a header and no records."]
    assert cells(result) == []


def test_statistics(run: Profile) -> None:
    result = run(b"n,s\n" + b"".join(b"%d,%s\n" % (n, b"ab"[n % 2 :][:1]) for n in range(100)))
    number, text = result.summary["columns"]
    assert (number["min"], number["max"], number["mean"]) == ("0", "99", 49.5)
    assert (number["count"], number["nulls"], number["distinct"]) == (100, 0, 100)
    assert number["histogram"] == {"low": 0.0, "high": 99.0, "counts": [5] * 20}
    assert text["top"] == [["a", 50], ["b", 50]]
    assert text["histogram"] is None


def test_progress_goes_forward(run: Profile) -> None:
    seen: list[tuple[float, str]] = []
    run(b"a,b\n" + b"1,2\n" * 200_000, lambda *report: seen.append(report))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert len({stage for _, stage in seen}) >= 4


def test_the_engine_reaches_nothing_else(run: Profile, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link.csv").symlink_to(tmp_path / "secret.csv")
    with engine.connect(inside / "original", inside, 1) as connection:
        for path in ("/etc/passwd", f"{tmp_path}/secret.csv", f"{inside}/../secret.csv"):
            with pytest.raises(duckdb.Error):
                connection.execute("SELECT * FROM read_csv(?)", [path])
        for statement in ("INSTALL httpfs", "SET enable_external_access = true", "LOAD httpfs"):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)


field = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8) | st.sampled_from(
    ["", '"', ",", "a\nb", "x\r\ny", "1", "-2.5", "00501", "2024-01-02", "true"]
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.integers(2, 5).flatmap(
        lambda width: st.lists(st.lists(field, min_size=width, max_size=width), min_size=1)
    )
)
def test_any_table_comes_back_cell_by_cell(run: Profile, table: list[list[str]]) -> None:
    header = [f"col{n}" for n in range(len(table[0]))]
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([header, *table])
    result = run(out.getvalue().encode())
    assert result.summary["accounting"]["written"] == len(table)
    kinds = types(result)
    for row, expected in zip(cells(result), table, strict=True):
        for value, cell, kind in zip(row, expected, kinds.values(), strict=True):
            if kind == "VARCHAR":
                assert value == cell


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(field, min_size=2, max_size=4), min_size=1, max_size=30))
def test_the_count_agrees_with_pythons_reader(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]]
) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(table)
    path = tmp_path_factory.mktemp("count") / "a.csv"
    path.write_bytes(out.getvalue().encode())
    found = dialect.Dialect(",", "\n", False, ("a", "b"))
    assert records.count(path, found, lambda _: None).records == len(table)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=300) | st.text(alphabet=',;\t"\n\r ab1é', max_size=200).map(str.encode))
def test_any_bytes_end_in_an_account_or_in_words(run: Profile, data: bytes) -> None:
    try:
        result = run(data)
    except (BadInput, AccountingMismatch) as error:
        assert str(error)
    else:
        account = result.summary["accounting"]
        assert account["read"] == account["written"] + account["rejected"]


def test_utf8_is_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ä,b\n")
    assert source.prepare(path, tmp_path).path == path


def test_an_unclosed_quote_says_how_much_it_took(run: Profile) -> None:
    result = run(b'a,b\n1,"open\n' + b"2,y\n" * 99)
    assert result.summary["accounting"] == {"read": 1, "written": 0, "rejected": 1}
    assert "the record takes 100 lines" in result.summary["rejects"][0]["reason"]
