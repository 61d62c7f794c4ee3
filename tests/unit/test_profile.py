"""The profile handler on real files: what it finds, keeps, rejects and refuses."""

import csv
import gzip
import importlib
import io
import os
import random
import zipfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.unit.mill import Profile, cells, types
from worker.handlers.contract import BadInput
from worker.handlers.profile.accounting.tally import AccountingMismatch
from worker.handlers.profile.detection import dialect
from worker.handlers.profile.engine import connection as engine
from worker.handlers.profile.engine import record_count
from worker.handlers.profile.options import Options
from worker.handlers.profile.reading import byte_scan, text, transcode


def _zipped(*names: str, content: bytes = b"a,b\n1,2\n") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return packed.getvalue()


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
        "big": "DECIMAL(38, 0)",
        "exact": "DECIMAL(18, 3)",
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


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "~", "\x1f"])
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
    found = result.summary["encoding"]
    assert (found["name"], found["bom"], found["replaced_characters"]) == (name, bom, 0)


UNREADABLE = [
    (b"", "empty"),
    (b"\n\n\n", "blank lines"),
    (b"\0", "only NUL bytes"),
    (b"\0\0\0\0\0", "only NUL bytes"),
    (random.Random(1).randbytes(5000), "not a text file"),
    (b"\x01\x02\x03\x04" * 100, "control characters"),
    (b"PK\x03\x04....", "zip data cannot be decompressed"),
    (b"\x1f\x8b....", "gzip data cannot be decompressed"),
    (gzip.compress(b"a,b\n1,2\n" * 1000, mtime=0)[:-20], "gzip data cannot be decompressed"),
    (gzip.compress(b"", mtime=0), "empty after decompression"),
    (gzip.compress(bytes(100_000_000), 9, mtime=0), "decompresses to more than 500 times its size"),
    (_zipped("a.csv", "b.csv"), "contains 2 files"),
    (_zipped("[Content_Types].xml"), "Office document"),
    (b"%PDF-1.7", "PDF"),
    (b"a,b\n1," + b"x" * 17_000_000, "Line 2 is longer than 16 MiB"),
    (",".join(f"c{n}" for n in range(6000)).encode(), "more than 2,000 columns"),
]


# The words name each case: the data would give it another name, or one of a megabyte.
@pytest.mark.parametrize(("data", "words"), UNREADABLE, ids=[words for _, words in UNREADABLE])
def test_what_cannot_be_read_is_said_in_words(run: Profile, data: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        run(data)


def test_repairs_keep_their_place_and_reason(run: Profile) -> None:
    result = run(b'a,b,c\n1,"x\ny",3\n\n4,5\n6,7,8,9\n10,11,12\n')
    account = result.summary["accounting"]
    assert (account["read"], account["written"], account["repaired"]) == (4, 4, 2)
    assert account["blank_lines"] == 1
    first, second = result.summary["repairs"]
    assert (first["line"], first["byte"], first["raw"]) == (5, 17, "4,5")
    assert first["reason"] == "too few cells: 2 instead of 3"
    assert first["action"] == "cell 2 left empty"  # the column of texts
    assert (second["line"], second["byte"]) == (6, 21)
    assert second["action"] == "extra cell moved to the overflow column"
    assert cells(result) == [
        ("1", "x\ny", "3", None),
        ("4", None, "5", None),
        ("6", "7", "8", "9"),
        ("10", "11", "12", None),
    ]
    with Path("repairs.csv").open(newline="") as file:
        assert [row["raw"] for row in csv.DictReader(file)] == ["4,5", "6,7,8,9"]


def test_ragged_records_may_be_rejected(run: Profile) -> None:
    result = run(b"a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n", ragged="reject")
    account = result.summary["accounting"]
    assert (account["read"], account["written"], account["rejected"]) == (4, 2, 2)
    with Path("rejects.csv").open(newline="") as file:
        assert [(row["line"], row["raw"]) for row in csv.DictReader(file)] == [
            ("3", "4,5"),
            ("4", "6,7,8,9"),
        ]


def test_a_bad_quote_costs_no_record(run: Profile) -> None:
    good = "".join(f'{n},"v{n}"\n' for n in range(3000))
    result = run(f'id,v\n{good}9999,"a"b\n{good}'.encode())
    account = result.summary["accounting"]
    assert (account["read"], account["written"], account["repaired"]) == (6001, 6001, 1)
    assert cells(result)[3000] == ("9999", '"a"b')


def test_an_unclosed_quote_takes_no_other_record(run: Profile) -> None:
    result = run(b'a,b\n1,"open\n' + b"2,y\n" * 99)
    assert result.summary["accounting"]["written"] == 100
    assert cells(result)[:2] == [("1", '"open'), ("2", "y")]
    assert result.summary["repairs"][0]["reason"] == "stray quote"


def test_a_long_cell_of_many_lines_and_quotes_is_one_cell(run: Profile) -> None:
    text = '"quoted", as they say\n' * 100_000
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["id", "v"], [1, "x"], [2, text], [3, "y"]])
    result = run(out.getvalue().encode() + b"4\n")  # ragged, so that every line is looked at
    assert result.summary["accounting"]["read"] == 4
    assert cells(result)[1] == ("2", text)


def test_long_cells_of_many_lines_do_not_outvote_the_records(run: Profile) -> None:
    text = 'some prose, and "more" of it\nand on it goes\n' * 5000
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([["id", "v"], *([n, "words"] for n in range(50)), [50, text], [51, "x"]])
    result = run(out.getvalue().encode() + b"52\n")
    assert cells(result)[50:] == [("50", text), ("51", "x"), ("52", None)]


def test_signs_that_only_python_takes_for_line_ends(run: Profile) -> None:
    rest = "4,plain text\n" * 100
    result = run(f"id,v\n1,a\x0bb\n2,c\u2028d\n3,e\x85f\n{rest}".encode())
    assert cells(result)[:3] == [("1", "a\x0bb"), ("2", "c\u2028d"), ("3", "e\x85f")]
    assert result.summary["sample"][0] == ["1", "a\x0bb"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_inside_quotes_are_data(run: Profile, end: str) -> None:
    result = run(f'id,v\r\n1,"x{end}{end}y"\r\n2\r\n'.encode())
    assert cells(result) == [("1", f"x{end}{end}y"), ("2", None)]


@pytest.mark.parametrize(
    ("texts", "options", "type_", "first"),
    [
        (["31/12/2024", "01/02/2024"], {}, "DATE", "2024-12-31"),
        (["12/31/2024", "01/02/2024"], {}, "DATE", "2024-12-31"),
        (["01/02/2024", "03/04/2024"], {}, "VARCHAR", "01/02/2024"),
        (["01/02/2024", "03/04/2024"], {"dates": "day-first"}, "DATE", "2024-02-01"),
        (["01/02/2024", "03/04/2024"], {"dates": "month-first"}, "DATE", "2024-01-02"),
        (["31.12.2024 10:30", "1.2.2024 9:05"], {}, "TIMESTAMP", "2024-12-31 10:30:00"),
        (["2 Feb 2024", "13 March 2024"], {}, "DATE", "2024-02-02"),
        (["10:30", "23:59:59"], {}, "TIME", "10:30:00"),
        (["1,234.50", "1,000,000"], {}, "DECIMAL(18, 2)", "1234.50"),
        (["1.234,50", "7,5"], {}, "DECIMAL(18, 2)", "1234.50"),
        (["1,234", "5,678"], {}, "VARCHAR", "1,234"),
        (["1,234", "5,678"], {"decimal": "comma"}, "DECIMAL(18, 3)", "1.234"),
        (["yes", "No"], {}, "BOOLEAN", "true"),
        (["550e8400-e29b-41d4-a716-446655440000"] * 2, {}, "UUID", None),
        (['{"a": 1}', "[2]"], {}, "JSON", '{"a": 1}'),
        (["NA", "5"], {}, "BIGINT", None),
        (["?", "5"], {"nulls": "?"}, "BIGINT", None),
        ([" 5", "6 "], {}, "BIGINT", "5"),
        (["007", "12"], {}, "VARCHAR", "007"),
        (["25:00", "10:00"], {}, "VARCHAR", "25:00"),
        (["-128", "127"], {"integers": "narrow"}, "TINYINT", "-128"),
        (["-128", "128", ""], {"integers": "narrow"}, "SMALLINT", "-128"),
        (["32768", "NA"], {"integers": "narrow"}, "INTEGER", "32768"),
        (["2147483648"] * 2, {"integers": "narrow"}, "BIGINT", "2147483648"),
        (["9223372036854775808"] * 2, {}, "DECIMAL(38, 0)", "9223372036854775808"),
        (["1e400", "1"], {}, "VARCHAR", "1e400"),
    ],
)
def test_kinds(
    run: Profile, texts: list[str], options: dict[str, str], type_: str, first: str | None
) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter="\t", lineterminator="\n").writerows(
        [["id", "v"], *([n, text] for n, text in enumerate(texts))]
    )
    result = run(out.getvalue().encode(), **options)
    assert types(result)["v"] == type_
    if first is not None:
        assert cells(result)[0][1] == first


def test_a_late_misfit_widens_the_column_and_is_named(run: Profile) -> None:
    data = b"id,n\n" + b"".join(b"%d,%d\n" % (n, n * 2) for n in range(100_000)) + b"1,many\n"
    result = run(data)
    assert types(result) == {"id": "BIGINT", "n": "VARCHAR"}
    assert result.summary["columns"][1]["warnings"] == [
        "Kept as text: 1 of 100,001 values is not a valid whole number (“many”)."
    ]


def test_a_late_misfit_may_be_rejected(run: Profile) -> None:
    data = b"id,n\n" + b"".join(b"%d,%d\n" % (n, n * 2) for n in range(5000)) + b"1,many\n2,3\n"
    result = run(data, misfits="reject")
    assert types(result) == {"id": "BIGINT", "n": "BIGINT"}
    account = result.summary["accounting"]
    assert (account["read"], account["written"], account["rejected"]) == (5002, 5001, 1)
    (reject,) = result.summary["rejects"]
    assert (reject["line"], reject["column"], reject["raw"]) == (5002, "n", "1,many")
    assert data[reject["byte"] :].startswith(b"1,many")


def test_words_for_no_value_are_counted(run: Profile) -> None:
    result = run(b"id,n\n1,5\n2,NA\n3,n/a\n4,NA\n5,7\n6,8\n7,9\n8,1\n" * 3)
    (column,) = [c for c in result.summary["columns"] if c["name"] == "n"]
    assert (column["type"], column["nulls"]) == ("BIGINT", 9)
    assert column["null_words"] == {"NA": 6, "n/a": 3}


@pytest.mark.parametrize("name", ["gzip", "bz2", "lzma", "zstandard", "zip"])
def test_compressed_files(run: Profile, name: str) -> None:
    data = b"a,b\n1,x\n2,y\n"
    if name == "zip":
        packed = _zipped("a.csv", content=data)
    else:
        packed = importlib.import_module(name).compress(data)
    result = run(packed)
    assert cells(result) == [("1", "x"), ("2", "y")]
    assert result.summary["encoding"]["compression"]


def test_what_stands_around_the_table(run: Profile) -> None:
    result = run(
        b"Report of the year\n\nname;n;day\nx;1;2024-01-01\n# a remark\ny;2;2024-01-02\n"
        b"name;n;day\nz;3;2024-01-03\n\nThe end\n"
    )
    assert cells(result) == [
        ("x", "1", "2024-01-01"), ("y", "2", "2024-01-02"), ("z", "3", "2024-01-03")
    ]  # fmt: skip
    account = result.summary["accounting"]
    assert (account["lines_above"], account["repeated_headers"]) == (1, 1)
    assert result.summary["layout"]["preamble"] == ["Report of the year"]
    assert [reject["raw"] for reject in result.summary["rejects"]][-1] == "The end"


TABLES = b"name;n\n" + b"x;1\n" * 6 + b"\nday;place;hour\n" + b"2024-01-02;here;10:00\n" * 4


def test_another_table_below_is_told_and_can_be_read(run: Profile) -> None:
    result = run(TABLES)
    assert cells(result) == [("x", "1")] * 6
    assert result.summary["accounting"]["another_table"] == 9
    assert result.summary["accounting"]["rejected"] == 5
    (warning,) = [words for words in result.summary["warnings"] if words.startswith("A second")]
    assert "starts on line 9" in warning
    assert "“skip_lines” set to 8" in warning
    result = run(TABLES, skip_lines=8)
    assert cells(result) == [("2024-01-02", "here", "10:00:00")] * 4
    account = result.summary["accounting"]
    assert (account["lines_above"], account["another_table"]) == (7, None)
    assert result.summary["layout"]["preamble"] == ["name;n", *["x;1"] * 6]


@pytest.mark.parametrize(
    "footer",
    ["total;;9", "total;9", "total;;9\n;;\nprinted on Monday", "Total\n\nsigned"],
)
def test_sums_below_a_blank_line_are_no_records(run: Profile, footer: str) -> None:
    records = "1;x;2\n" * 6
    result = run(f"n;name;m\n{records}\n{footer}\n".encode())
    assert cells(result) == [("1", "x", "2")] * 6
    assert types(result) == {"n": "BIGINT", "name": "VARCHAR", "m": "BIGINT"}
    expected = [line for line in footer.split("\n") if line]
    rejects = result.summary["rejects"]
    assert [reject["raw"] for reject in rejects] == expected
    assert {reject["reason"] for reject in rejects} == {"footer line below the table"}


@pytest.mark.parametrize(
    "rest", ["\n3;z;4\n", "\n3;z\n4;u;5\n", "3;z\n", "\n3;;\n", "\n\n1;a;1\n\n2;b\n"]
)
def test_records_below_a_blank_line_are_no_footer(run: Profile, rest: str) -> None:
    records = "1;x;2\n" * 6
    result = run(f"n;name;m\n{records}{rest}".encode())
    assert result.summary["accounting"]["rejected"] == 0


def test_many_lines_above_a_table_are_rejects(run: Profile) -> None:
    above = [f"{n};x" for n in range(150)]
    table = "day;place;hour\n" + "2024-01-02;here;10:00\n" * 400
    result = run("\n".join(["n;name", *above, "", table]).encode())
    assert cells(result) == [("2024-01-02", "here", "10:00:00")] * 400
    account = result.summary["accounting"]
    assert (account["written"], account["rejected"], account["lines_above"]) == (400, 151, 0)
    with Path("rejects.csv").open(newline="") as file:
        rejects = list(csv.DictReader(file))
    assert [row["raw"] for row in rejects] == ["n;name", *above]
    assert (rejects[-1]["line"], rejects[-1]["reason"]) == (
        "151",
        "line above the table",
    )


def test_lines_are_skipped_beyond_what_the_file_is_judged_by(run: Profile) -> None:
    above = b"some words\n" * 100_000
    result = run(above + b"a;b\n1;2\n3\n", skip_lines=100_000)
    assert cells(result) == [("1", "2"), ("3", None)]
    assert result.summary["dialect"]["delimiter"] == "semicolon"
    assert result.summary["layout"]["first_line"] == 100_002
    assert result.summary["repairs"][0]["line"] == 100_003
    assert result.summary["accounting"]["lines_above"] == 100_000
    with pytest.raises(BadInput, match="skips 3 lines, but the file has only 2"):
        run(b"a\n1\n", skip_lines=3)
    with pytest.raises(BadInput, match="only blank lines or comments after the first 2 lines"):
        run(b"a\n1\n", skip_lines=2)


def test_formulas_can_be_defused(run: Profile) -> None:
    data = b"id,v\n1,=1+1\n2,@x\n3,-5 apples\n4,plain\n"
    result = run(data, formulas="defuse")
    with Path("clean.csv").open(newline="") as file:
        values = [row["v"] for row in csv.DictReader(file)]
    assert values == ["'=1+1", "'@x", "'-5 apples", "plain"]
    assert "look like formulas" in " ".join(result.summary["columns"][1]["warnings"])


def test_a_file_may_say_how_to_read_it(run: Profile) -> None:
    data = "x!1\ny!2\n".encode("utf-16-le")
    result = run(data, delimiter="!", encoding="utf-16-le", header=0)
    assert cells(result) == [("x", "1"), ("y", "2")]
    with pytest.raises(ValidationError, match="unknown encoding “klingon”"):
        run(data, encoding="klingon")


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
    assert result.summary["warnings"] == ["The file has a header but no rows."]
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


def test_progress_while_the_text_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (byte_scan, transcode):
        monkeypatch.setattr(room, "REPORT_BYTES", 1 << 20)
    path = tmp_path / "a.csv"
    lines = b"".join(b"%d,Malaga %s\n" % (n, os.urandom(9).hex().encode()) for n in range(200_000))
    path.write_bytes(gzip.compress(lines + "Málaga".encode("cp1252"), 1))
    seen: list[float] = []
    text.to_utf8(path, tmp_path, Options(), seen.append)
    assert seen == sorted(seen)
    # Unpacked, looked at, and transcoded, since it is no UTF-8.
    for low, high in ((0.0, 0.5), (0.5, 0.7), (0.7, 1.0)):
        assert sum(low < share < high for share in seen) >= 3


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


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(2, 5).flatmap(
        lambda width: st.lists(st.lists(field, min_size=width, max_size=width), min_size=1)
    )
)
def test_any_table_comes_back_cell_by_cell(run: Profile, table: list[list[str]]) -> None:
    header = [f"col{n}" for n in range(len(table[0]))]
    if header in table:
        return
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([header, *table])
    # Whether a row of words is a second row of names, only who wrote it can know for sure.
    result = run(out.getvalue().encode(), header=1)
    assert result.summary["accounting"]["written"] == len(table)
    kinds = types(result)
    for row, expected in zip(cells(result), table, strict=True):
        for value, cell, kind in zip(row, expected, kinds.values(), strict=True):
            if kind == "VARCHAR":
                assert value == cell


@settings(max_examples=200)
@given(st.lists(st.lists(field, min_size=2, max_size=4), min_size=1, max_size=30))
def test_the_count_agrees_with_pythons_reader(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]]
) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(table)
    path = tmp_path_factory.mktemp("count") / "a.csv"
    path.write_bytes(out.getvalue().encode())
    found = record_count.count(path, 0, None, lambda _: None)
    # It says nothing rather than something wrong, and the line ends of cells do not count.
    assert found is None or found == len(table)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    assert text.to_utf8(path, tmp_path, Options()).path == path
