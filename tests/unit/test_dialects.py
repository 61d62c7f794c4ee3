"""Any table that Python's csv writes, in any dialect and encoding we claim, comes back equal."""

import csv
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.mill import Profile, cells
from worker.handlers.profile.engine import record_count

WESTERN = "abcXYZ éüñß€"
ENCODINGS = {
    "utf-8": WESTERN + "שם漢字🙂",
    "utf-8-sig": WESTERN + "漢",
    "utf-16": WESTERN + "漢字🙂",
    "utf-16-be": WESTERN + "漢",
    "utf-32": WESTERN + "🙂",
    "cp1252": WESTERN,
    "iso8859_15": WESTERN,
    "cp1251": "abc абвгд",
    "shift_jis": "abc 日本語",
    "gb18030": "abc 中文字",
    "koi8_r": "abc абвгд",
}
NAMES = ["first", "second", "third", "fourth"]


@st.composite
def written(draw: st.DrawFn) -> tuple[bytes, dict[str, Any], list[list[str]]]:
    """A file, what the upload says about it, and the cells."""
    encoding = draw(st.sampled_from(sorted(ENCODINGS)))
    delimiter = draw(st.sampled_from(",;\t|:^~"))
    quote = draw(st.sampled_from("\"'"))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    escaped = draw(st.booleans())
    inside = "" if encoding == "shift_jis" and escaped else "\\"
    # Python's writer quotes the line ends that it writes itself, and not always others.
    # A letter in front, so that each is a text whatever follows.
    text = st.text(alphabet=f"{ENCODINGS[encoding]},;\t|\"'{end}{inside}", max_size=12)
    cell = text.map(lambda rest: "x" + rest)
    width = draw(st.integers(2, 4))
    table = draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=2, max_size=12))
    out = io.StringIO()
    writer = csv.writer(
        out,
        delimiter=delimiter,
        quotechar=quote,
        lineterminator=end,
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        doublequote=not escaped,
        escapechar="\\" if escaped else None,
    )
    writer.writerows([NAMES[:width], *table])
    options = {"encoding": encoding, "delimiter": delimiter, "quote": quote, "header": 1}
    if escaped:
        options["escape"] = "\\"
    return out.getvalue().encode(encoding), options, table


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(written())
def test_what_was_written_comes_back(
    run: Profile, case: tuple[bytes, dict[str, Any], list[list[str]]]
) -> None:
    data, options, table = case
    result = run(data, **options)
    assert result.summary["accounting"]["rejected"] == 0
    assert cells(result) == [tuple(row) for row in table]


@pytest.mark.parametrize(
    ("data", "escape", "expected"),
    [
        # A backslash that happens to stand before a doubled or a closing quote is text.
        (b'first,second\nx,"x\\"","\n', None, [("x", 'x\\",')]),
        (b'path,n\n"C:\\",1\n"D:\\data\\",2\n', None, [("C:\\", "1"), ("D:\\data\\", "2")]),
        (b'size,n\n12\\" pipe,1\n9\\",2\n', None, [('12\\" pipe', "1"), ('9\\"', "2")]),
        # Only with backslashes as escapes do all records have two cells.
        (b'a,b\n"say \\"hi\\", he said",1\n', "\\", [('say "hi", he said', "1")]),
        (b'a,b\n"x\\", y",1\n"z",2\n', "\\", [('x", y', "1"), ("z", "2")]),
        (b'a,b\n"12\\"",1\n"13\\"",2\n', "\\", [('12"', "1"), ('13"', "2")]),
        (b'a, b\nx, "say \\"hi\\", and"\ny, z\n', "\\", [("x", 'say "hi", and'), ("y", "z")]),
        (b"a,b\n" + b'"x",1\n' * 3000 + b'"y\\"z",2\n', "\\", [("x", "1")] * 3000 + [('y"z', "2")]),
    ],
)
def test_an_escape_is_detected_by_parsing(
    run: Profile, data: bytes, escape: str | None, expected: list[tuple[str, str]]
) -> None:
    result = run(data, header=1)
    assert result.summary["dialect"]["escape"] == escape
    assert cells(result) == expected
    assert result.summary["accounting"]["repaired"] == 0


def test_a_quote_may_be_named_as_the_escape(run: Profile) -> None:
    result = run(b'a,b\nsay "hi",1\n"x ""y"" z",2\n"p\nq",3\n', escape='"')
    assert cells(result) == [('say "hi"', "1"), ('x "y" z', "2"), ("p\nq", "3")]


LINE = st.sampled_from([b"1,2", b'"x",y', b'"x\ny",z', b'"a""b",c', b"a,b", b'"a,b\na,b\n",c'])


@settings(max_examples=500, deadline=None)
@given(st.lists(LINE, max_size=12), st.integers(1, 40), st.sampled_from([b"\n", b"\r\n"]))
def test_the_count_does_not_depend_on_where_chunks_end(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], chunk: int, end: bytes
) -> None:
    path = tmp_path_factory.mktemp("count") / "a.csv"
    path.write_bytes(end.join([b"a,b", *lines]) + end)
    counts = []
    for size in (chunk, 4096):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(record_count, "CHUNK_BYTES", size)
            counts.append(record_count.count(path, 0, b"a,b", lambda _: None))
    assert counts[0] == counts[1]
