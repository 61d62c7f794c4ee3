"""Files of other formats are named and refused, also at upload; what only looks so is read."""

import gzip
import io
import json
import os
import tarfile
import zipfile

import pytest

from processing.errors import NotCsv
from quart_app.uploads import sniff
from tests.unit.mill import Profile, cells
from worker.handlers.contract import BadInput
from worker.handlers.profile.reading.other_formats import file_formats

RECORDS = [{"city": "Ulm", "sold": 3}, {"city": "Bonn", "sold": 5}]
PAGE = "<!doctype HTML>\n<html><head><title>Sign in</title></head><body>Please do</body></html>"
PARAGRAPH = (
    "Our warehouse was closed for three days after the storm. Most of the goods were not damaged, "
    "but the roof has to be repaired before winter. "
)


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"))
    return packed.getvalue()


# What is refused at upload, by its first bytes, and by the handler.
AT_UPLOAD = [
    (PAGE.encode(), "HTML"),
    (b"\xef\xbb\xbf\r\n  " + PAGE.encode(), "HTML"),
    (b"<!-- saved page -->\n<HTML lang=de><body>503</body></HTML>", "HTML"),
    (b'<?xml version="1.0"?>\n<!DOCTYPE html>\n<html></html>', "HTML"),
    (b'<?xml version="1.0" encoding="UTF-8"?>\n<rows><row id="1"/></rows>', "XML"),
    (b'<?xml version="1.0"?><rss><item>a</item></rss>', "XML"),
    (json.dumps(RECORDS).encode(), "JSON"),
    (json.dumps(RECORDS, indent=4).encode(), "JSON"),
    (json.dumps({"data": RECORDS}, indent=1).encode(), "JSON"),
    (json.dumps(RECORDS * 5000).encode(), "JSON"),
    ("".join(json.dumps(record) + "\n" for record in RECORDS).encode(), "JSON"),
    (b'{"error": "Not authorized", "code": 401}', "JSON"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0f\nsize 7\n", "Git LFS"),
    (b"version https://hawser.github.com/spec/v1\noid sha256:0f\nsize 7\n", "Git LFS"),
    (b"{\\rtf1\\ansi\\deff0 {\\fonttbl}}", "RTF"),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "PDF"),
    (b"SQLite format 3\x00\x10\x00", "SQLite"),
    (b"PAR1\x15\x04\x15", "Parquet"),
    (b"\x7fELF\x02\x01\x01\x00", "program"),
    (b"\x89PNG\r\n\x1a\n\x00\x00", "PNG"),
    (b"GIF89a\x01\x00", "GIF"),
    (b"\x00\x01\x00\x00Standard ACE DB\x00", "Access"),
    (tarred(), "tar archive"),
    (os.urandom(8192), "binary"),
    (bytes(range(256)) * 4, "binary"),
    (b"\x02\x03\x04\x05\x06ab" * 50, "binary"),
]
# What only the handler refuses: it has the whole text, and looks longer.
BY_HANDLER = [
    (PAGE.encode("utf-16"), "HTML"),
    (gzip.compress(PAGE.encode()), "HTML"),
    (b"<div class=x>\n<p>one</p>\n<p>two</p>\n</div>\n", "HTML"),
    (b"<table>\n<tr><td>1</td></tr>\n<tr><td>2</td></tr>\n</table>\n", "HTML"),
    (b"<rows>\n  <row><a>1</a></row>\n  <row><a>2</a></row>\n</rows>\n", "XML"),
    (b'<data><row id="1"/><row id="2"/></data>', "XML"),
    (b'["Ulm", "Bonn"]\n["Kiel", "Jena"]\n', "JSON Lines"),
    (b'{"a": 1},\n{"a": 2},\n', "JSON Lines"),
    (b'\x1e{"a": 1}\n\x1e{"a": 2}\n', "JSON Lines"),
    (json.dumps(RECORDS).encode("utf-16-le"), "JSON"),
    (
        b"-- MySQL dump 10.13\n\nDROP TABLE IF EXISTS `a`;\nCREATE TABLE `a` (\n `b` int\n);\n",
        "SQL",
    ),
    (b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nINSERT INTO a VALUES(1);\n", "SQL"),
    (b"--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n", "SQL"),
    (b"INSERT INTO city (id, name) VALUES\n(1, 'Ulm'),\n(2, 'Bonn');\n", "SQL"),
    (b"Received: from x\nFrom: a@b.org\nSubject: file\nDate: today\n\nHere it is.\n", "e-mail"),
    (b"From: a@b.org\nTo: c@d.org\nSubject: s\nMIME-Version: 1.0\n\n--x\n", "e-mail"),
    (b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\na,b\r\n", "HTTP"),
    (b'------x1\r\nContent-Disposition: form-data; name="f"\r\n\r\na,b\r\n', "form"),
    ((PARAGRAPH + "\n\n" + PARAGRAPH + "\n\n" + PARAGRAPH).encode(), "prose"),
    (f"Annual report\n\n{PARAGRAPH * 2}\n\n{PARAGRAPH * 3}\n".encode(), "prose"),
    (
        b"The river had risen during the night, and nobody in the\nvillage had slept. When the "
        b"first boats came around the\nbend, people ran down to the bank with ropes. It was\ncold. "
        b"The children stood on the roof of the school and\nwaved at everyone who came near. "
        b"Nobody waved back at\nthem that morning. By noon it was all over.\n",
        "prose",
    ),
    (zipped(**{"content.xml": b"<x/>", "mimetype": b"application/x"}), "Office document"),
    (gzip.compress(tarred()), "tar archive"),
    (bytes(5000), "only NUL bytes"),
    (b"\xef\xbb\xbf", "byte-order mark"),
    (b"\x1a", "empty"),
]
# What is like the others, and is CSV.
READ = [
    b"comment\nThe room was clean. We liked it a lot.\nIt was late, and nobody came. Sad.\n" * 20,
    b"id,page\n1,<html><body>x</body></html>\n2,<p>y</p>\n",
    b"<b>one</b>\n<b>two</b>\n<b>three</b>\n",
    b'<a href="/1">first</a>;1\n<a href="/2">second</a>;2\n',
    b'{"a": 1};5\n{"a": 2};6\n',
    b'id;doc\n1;{"a": 1}\n2;{"b": 2}\n',
    b'doc\n{"a": 1}\n{"a": 2}\n{"a": 3}\n',
    b"[id],[name]\n1,Ulm\n2,Bonn\n",
    b"query\nSELECT 1;\nINSERT INTO a VALUES (1);\n",
    b"set,name\n1,Ulm\n2,Bonn\n",
    b"use,count\nhome,1\noffice,2\n",
    b"Date: 2024-05-01\nFrom: Ulm\nTo: Bonn\n\nid;v\n1;2\n3;4\n",
    b"version,date\n1.0,2024-05-01\n1.1,2024-06-01\n",
    b"PARTS,n\nbolt,1\nnut,2\n",
    b"GIF,n\na,1\nb,2\n",
    b"a\x01b\x01c\n1\x012\x013\n" * 30,
    b"a\x1fb\n1\x1f2\n" * 10,
    b"Name,Text\nA,Sure. It was good. Really.\nB,No. Not at all. Bad.\n" * 10,
    b'id,mail\n1,"Dear all,\n\nThe meeting is moved. Come at ten, please.\n\nYours, A."\n' * 9,
]


def handler_refuses(run: Profile, data: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        run(data)


@pytest.mark.parametrize(("data", "words"), AT_UPLOAD)
def test_other_formats_are_refused_at_upload_and_by_the_handler(
    run: Profile, data: bytes, words: str
) -> None:
    with pytest.raises(NotCsv, match=words):
        sniff.reject_non_csv("a.csv", data[: sniff.HEAD_BYTES])
    handler_refuses(run, data, words)


@pytest.mark.parametrize(("data", "words"), BY_HANDLER)
def test_other_formats_are_refused_by_the_handler(run: Profile, data: bytes, words: str) -> None:
    handler_refuses(run, data, words)


@pytest.mark.parametrize("data", READ)
def test_what_only_looks_like_another_format_is_read(run: Profile, data: bytes) -> None:
    sniff.reject_non_csv("a.csv", data[: sniff.HEAD_BYTES])
    assert cells(run(data))


def test_prose_can_be_forced(run: Profile) -> None:
    text = f"{PARAGRAPH}\n\n{PARAGRAPH}\n\n{PARAGRAPH}"
    assert run(text.encode(), delimiter=";", header=0).rows


def test_both_programs_know_the_same_signatures() -> None:
    assert sniff.SIGNATURES.keys() == file_formats.SIGNATURES.keys()


TABLE = b"id,v\n1,x\n2,y\n"


@pytest.mark.parametrize(
    "data",
    [
        zipped(**{"t.csv.gz": gzip.compress(TABLE)}),
        gzip.compress(gzip.compress(TABLE)),
        gzip.compress(zipped(**{"t.csv": TABLE})),
        zipped(**{"t.zip": zipped(**{"t.csv": TABLE})}),
    ],
)
def test_a_compressed_file_in_an_archive(run: Profile, data: bytes) -> None:
    result = run(data)
    assert cells(result) == [("1", "x"), ("2", "y")]
    assert result.summary["encoding"]["compression"] in ("zip", "gzip")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(gzip.compress(gzip.compress(TABLE))), "more than 2 times"),
        (gzip.compress(gzip.compress(bytes(100_000_000), 9), 9), "500 times its size"),
        (zipped(**{"a.gz": gzip.compress(TABLE)[:-9]}), "gzip data cannot be decompressed"),
        (gzip.compress(zipped(**{"a.csv": TABLE, "b.csv": TABLE})), "contains 2 files"),
    ],
)
def test_limits_hold_over_all_levels(run: Profile, data: bytes, words: str) -> None:
    handler_refuses(run, data, words)
