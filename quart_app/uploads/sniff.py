"""Recognises files that are certainly no CSV by their first bytes, before the rest is sent.

It refuses only what is certain; whether text is a good CSV is for the handler to decide. What is
refused here, `worker.handlers.profile.reading.other_formats` refuses as well; the programs share
no code, so a test compares them.
"""

import json
import re

from processing.errors import NotCsv

HEAD_BYTES = 64 * 1024

_PACK = "send the CSV itself, or as zip, gzip, zstd, bzip2 or xz"
_EXPORT = "export a table as CSV first"
SIGNATURES = {
    b"%PDF-": f"a PDF document; {_EXPORT}",
    b"\x89PNG\r\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"II*\x00": "a TIFF image",
    b"MM\x00*": "a TIFF image",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel or Word file; save it as CSV first",
    b"SQLite format 3\x00": f"an SQLite database; {_EXPORT}",
    b"PAR1": "a Parquet file, which is typed already",
    b"ARROW1": "an Arrow file, which is typed already",
    b"Obj\x01": f"an Avro file; {_EXPORT}",
    b"ORC\x00": f"an ORC file; {_EXPORT}",
    b"\x89HDF\r\n\x1a\n": f"an HDF5 file; {_EXPORT}",
    b"\x93NUMPY": f"a NumPy array; {_EXPORT}",
    b"\x00\x01\x00\x00Standard ": f"an Access database; {_EXPORT}",
    b"\x7fELF": "a program",
    b"MZ\x90\x00": "a program",
    b"Rar!\x1a\x07": f"a RAR archive; {_PACK}",
    b"7z\xbc\xaf\x27\x1c": f"a 7z archive; {_PACK}",
    b"\x04\x22\x4d\x18": f"an LZ4 file; {_PACK}",
    b"\x1f\x9d": f"a file compressed with compress (.Z); {_PACK}",
    b"{\\rtf": "an RTF document; save its table as CSV first",
}
_TAR_AT, _TAR = 257, b"ustar"
_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\x00", b"PK\x03\x04")
_OFFICE = b"[Content_Types].xml"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_BOM = b"\xef\xbb\xbf"
_TEXTS = (
    (
        re.compile(rb"(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype\s+html|html)\b", re.I | re.S),
        "an HTML page; check the link it was downloaded from",
    ),
    (
        re.compile(rb"version https?://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/"),
        "a Git LFS pointer; run “git lfs pull” and send the file it stands for",
    ),
    (re.compile(rb"<\?xml\b", re.I), "an XML document; convert its records to CSV first"),
)
# An array of objects, or an object over several lines.
_JSON = re.compile(rb'(?:\[\s*\{|\{\s*\n)\s*"(?:[^"\\\n]|\\.)*"\s*:')
# Text has few kinds of control characters besides these. One or two others may be delimiters.
_CONTROLS = bytes(set(range(1, 32)) - set(b"\t\n\v\f\r\x1a\x1b"))
_BINARY_KINDS = ((8, 0.02), (4, 0.2))


def reject_non_csv(name: str, head: bytes) -> None:
    """Check the first bytes (up to HEAD_BYTES) of a file.

    Raises:
        NotCsv: they are certainly neither CSV text nor compressed data.
    """
    for magic, words in SIGNATURES.items():
        if head.startswith(magic):
            raise NotCsv(f"“{name}” is {words}.")
    if head[_TAR_AT:].startswith(_TAR):
        raise NotCsv(f"“{name}” is a tar archive; send each of its files on its own.")
    if head.startswith(_COMPRESSED):
        if head.startswith(b"PK") and _OFFICE in head[:4096]:
            raise NotCsv(f"“{name}” is an Excel or Office file. Save it as CSV first.")
        return
    if head.startswith(_WIDE_MARKS) or _is_wide(head):
        return
    _refuse_binary(name, head)
    _refuse_other_text(name, head.removeprefix(_BOM).lstrip())


def _refuse_binary(name: str, head: bytes) -> None:
    counts = [count for count in map(head.count, _CONTROLS) if count]
    for kinds, share in _BINARY_KINDS:
        if len(counts) >= kinds and sum(counts) >= share * (len(head) - head.count(0)):
            raise NotCsv(
                f"“{name}” is binary data, not text: its first {len(head):,} bytes have "
                f"{len(counts)} kinds of control characters."
            )


def _refuse_other_text(name: str, text: bytes) -> None:
    for signature, words in _TEXTS:
        if signature.match(text):
            raise NotCsv(f"“{name}” is {words}.")
    if _JSON.match(text) or _is_json_lines(text):
        raise NotCsv(f"“{name}” is JSON; convert its records to CSV first.")


def _is_json_lines(text: bytes) -> bool:
    """Whether the first two lines, or the only one, are a JSON object each."""
    lines = text.split(b"\n", 2)
    whole = [line for line in lines[:2] if line.strip()]
    return bool(whole) and all(map(_is_json_object, whole))


def _is_json_object(line: bytes) -> bool:
    if not line.startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _is_wide(head: bytes) -> bool:
    """Whether it may be UTF-16 or UTF-32 without a mark: NULs at regular positions."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    return even + odd >= len(head) // 20 and max(even, odd) >= 0.8 * (even + odd)
