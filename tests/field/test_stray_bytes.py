"""NULs, Ctrl-Z, byte-order marks and control characters: accepted, some of them removed."""

import pytest

from tests.unit.mill import Profile, cells, types

TABLE = b"day,value\n2024-05-01,1.5\n2024-05-02,2.5\n"
ROWS = [("2024-05-01", "1.5"), ("2024-05-02", "2.5")]
BOM = b"\xef\xbb\xbf"


def names(result: object) -> list[str]:
    return [column["name"] for column in result.summary["columns"]]  # type: ignore[attr-defined]


def said(result: object) -> str:
    return "\n".join(result.summary["warnings"])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (TABLE + bytes(4096), "4,096 NUL bytes at the end were removed"),
        (TABLE + b"\0", "1 NUL byte at the end was removed"),
        (TABLE + bytes(3_000_000), "3,000,000 NUL bytes at the end"),
        (TABLE + b"\x1a", "1 end-of-file mark (Ctrl-Z) at the end was removed"),
        (TABLE + b"\x1a\r\n", "Ctrl-Z"),
        (TABLE + b"\x1a" + bytes(127), "127 NUL bytes"),
        (TABLE.replace(b"\n", b"\r\n") + b"\x1a\x1a", "2 end-of-file marks"),
        (TABLE.replace(b"1.5", b"1\x00.5"), "1 NUL character was removed, line 2"),
        (TABLE.replace(b"2024-05-02", b"\x00\x002024-05-02"), "the first on line 3"),
        (b"\x00" + TABLE, "1 NUL character was removed, line 1"),
        (TABLE.replace(b"2024-05-02", bytes(512) + b"2024-05-02"), "512 NUL characters"),
        (BOM + BOM + TABLE, "1 misplaced byte-order mark was removed, line 1"),
        (BOM + TABLE.replace(b"\n2", b"\n" + BOM + b"2"), "2 misplaced byte-order marks"),
        (TABLE.replace(b"\n2024-05-02", b"\n" + BOM + b"2024-05-02"), "line 3"),
        (("\ufeff" + TABLE.decode().replace("\n2", "\n\ufeff2")).encode("utf-16-le"), "the first"),
        ((TABLE.decode() + "\0\0\0").encode("utf-16"), "3 NUL characters"),
    ],
)
def test_what_is_nothing_is_removed_and_counted(run: Profile, data: bytes, words: str) -> None:
    result = run(data)
    assert names(result) == ["day", "value"]
    assert cells(result) == ROWS
    assert types(result) == {"day": "DATE", "value": "DECIMAL(18, 1)"}
    assert words in said(result)


@pytest.mark.parametrize("sign", ["\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x1b", "\x07"])
def test_odd_characters_in_cells_are_data(run: Profile, sign: str) -> None:
    result = run(f"id,note\n1,a{sign}b\n2,c d\n3,e{sign}f\n".encode())
    assert cells(result) == [("1", f"a{sign}b"), ("2", "c d"), ("3", f"e{sign}f")]
    assert types(result)["id"] == "BIGINT"


@pytest.mark.parametrize("sign", ["\x01", "\x1f"])
def test_control_characters_delimit(run: Profile, sign: str) -> None:
    result = run("id|city|v\n1|Ulm|1.5\n2|Bonn|2.5\n3|Köln, Süd|3.5\n".replace("|", sign).encode())
    assert names(result) == ["id", "city", "v"]
    assert cells(result)[2] == ("3", "Köln, Süd", "3.5")


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"id\x1fname\x1e1\x1fx\x1e2\x1fy\x1e", [("1", "x"), ("2", "y")]),
        (b"id\x1fname\x1e1\x1fx\x1e2\x1fy", [("1", "x"), ("2", "y")]),
        (b'id\x1fname\x1e1\x1fx\nz\x1e2\x1fsaid "y"\x1e', [("1", "x\nz"), ("2", 'said "y"')]),
        (b"id,name\x1e\n1,x\x1e\n2,y\x1e\n", [("1", "x"), ("2", "y")]),
        (b"id;name\x1e1;x\x1e2;y\x1e", [("1", "x"), ("2", "y")]),
    ],
)
def test_record_separators_end_records(
    run: Profile, data: bytes, rows: list[tuple[str, str]]
) -> None:
    result = run(data)
    assert names(result) == ["id", "name"]
    assert cells(result) == rows
    assert types(result)["id"] == "BIGINT"
    assert "record separators" in result.summary["encoding"]["evidence"]


def test_a_mark_in_the_middle_of_a_line_is_data(run: Profile) -> None:
    result = run("id,name\n1,a\ufeffb\n2,cd\n".encode())
    assert cells(result)[0] == ("1", "a\ufeffb")
    assert "byte-order" not in said(result)


@pytest.mark.parametrize("sign", ["\u200b", "\ufeff", "\u200e", "\u200f", "\u2060"])
def test_names_have_no_invisible_characters(run: Profile, sign: str) -> None:
    result = run(f"id,{sign}name,va{sign}lue{sign}\n1,a{sign}b,2.5\n2,cd,3.5\n".encode())
    assert names(result) == ["id", "name", "value"]
    assert cells(result)[0] == ("1", f"a{sign}b", "2.5")
